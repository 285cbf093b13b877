"""systemd waits for the hour; the service ran as its account, counts as well though something was found, and left metrics."""

from __future__ import annotations

METRICS = "/srv/metrics/mycoops_drift_acme.prom"


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
    (line,) = host.file("/srv/metrics/called").content_string.splitlines()
    assert line == "mycosoft /home/mycosoft drift --fleet /srv/fleets/acme --json"


def test_the_metrics_can_be_read_by_the_collector(host):
    file = host.file(METRICS)
    assert (file.user, file.mode) == ("mycosoft", 0o644)
    lines = file.content_string.splitlines()
    for line in (
        'mycoops_drift_findings{fleet="acme",host="h1",what="copy"} 1',
        'mycoops_drift_findings{fleet="acme",host="h1",what="process"} 1',
        'mycoops_drift_host_findings{fleet="acme",host="h2"} 0',
        'mycoops_drift_exit_status{fleet="acme"} 8',
    ):
        assert lines.count(line) == 1
