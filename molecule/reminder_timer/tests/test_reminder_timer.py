"""systemd waits for the hour; the service ran as its account, ended well, and left metrics."""

from __future__ import annotations

METRICS = "/srv/metrics/mycoops_acme.prom"


def test_the_timer_waits_and_comes_back_after_a_boot(host):
    timer = host.service("mycoops-reminder-acme.timer")
    assert timer.is_running
    assert timer.is_enabled
    assert timer.systemd_properties["Triggers"] == "mycoops-reminder-acme.service"
    assert host.service("mycoops-reminder-acme.service").systemd_properties["NeedDaemonReload"] == "no"


def test_the_service_ended_well(host):
    loaded = host.service("mycoops-reminder-acme.service").systemd_properties
    assert (loaded["Result"], loaded["ExecMainStatus"], loaded["User"]) == ("success", "0", "mycosoft")


def test_it_was_called_as_its_account_for_the_fleet(host):
    asked, measured = host.file("/srv/metrics/reminder.called").content_string.splitlines()
    assert asked == "mycosoft /home/mycosoft remind --fleet /srv/fleets/acme"
    assert measured == f"mycosoft /home/mycosoft metrics --fleet /srv/fleets/acme --textfile {METRICS}"


def test_the_metrics_are_there_after_it(host):
    assert (host.file(METRICS).user, host.file(METRICS).size > 0) == ("mycosoft", True)
