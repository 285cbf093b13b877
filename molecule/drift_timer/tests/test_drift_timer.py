"""systemd waits for the hour; the service ran as its account, counts as well though something was found, and left metrics."""

from __future__ import annotations

METRICS = "/srv/metrics/mycoops_acme.prom"


def test_the_timer_waits_and_comes_back_after_a_boot(host):
    timer = host.service("mycoops-drift-acme.timer")
    assert timer.is_running
    assert timer.is_enabled
    assert timer.systemd_properties["Triggers"] == "mycoops-drift-acme.service"
    assert host.service("mycoops-drift-acme.service").systemd_properties["NeedDaemonReload"] == "no"


def test_what_was_found_is_no_failure_of_the_service(host):
    loaded = host.service("mycoops-drift-acme.service").systemd_properties
    assert (loaded["Result"], loaded["ExecMainStatus"], loaded["User"]) == ("success", "8", "mycosoft")


def test_it_was_called_as_its_account_for_the_fleet(host):
    asked, measured = host.file("/srv/metrics/drift.called").content_string.splitlines()
    assert asked == "mycosoft /home/mycosoft drift --fleet /srv/fleets/acme --json"
    assert measured == f"mycosoft /home/mycosoft metrics --fleet /srv/fleets/acme --textfile {METRICS}"


def test_the_metrics_are_there_after_it(host):
    assert (host.file(METRICS).user, host.file(METRICS).size > 0) == ("mycosoft", True)
