"""One password at a time, replaced under load without a failed request; and without a next value not without one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outages import Sample, outages

from tests.integration import promises
from tests.integration.lab import Done, Lab

CREDENTIAL, SERVICE = "postgresql_reports", "website-reports"
NEXT = re.compile(r", next: \{REPORTS_PASSWORD_NEXT: <value>\}")


@contextmanager
def nobody_reads_a_next_value(lab: Lab) -> Iterator[None]:
    """Within the block the catalogue declares the present value alone, as for a program that tries one."""
    path = lab.fleet / "group_vars" / "all" / "catalogue.yml"
    text = path.read_text()
    told, count = NEXT.subn("", text)
    assert count == 2
    path.write_text(told)
    try:
        yield
    finally:
        path.write_text(text)


def rotate_under_load(lab: Lab, place: Path) -> tuple[Done, dict[str, list[Sample]], dict[str, dict[str, int]]]:
    """Rotate the one credential while every service is asked; the failed requests by service, and the counts of all."""
    report = place / f"{time.time()}.json"
    with lab.sampler.sampling():
        done = lab.begin_under_traffic(report, "rotate", CREDENTIAL, "--yes").end()
    assert done.status == 0, done.told
    told = json.loads(report.read_text())
    failures: dict[str, list[Sample]] = {name: [] for name in told["requests"]}
    for one in told["failures"]:
        failures[one["service"]].append(Sample(**one))
    return done, failures, told


def test_without_a_next_value_every_new_login_fails_from_the_cut_to_the_switch(lab: Lab, tmp_path: Path) -> None:
    """The control: the load notices such a cut, and pooled connections do not."""
    before = lab.current()
    with nobody_reads_a_next_value(lab):
        planned = lab.run("plan", "--quarter", "Q2", "--only", CREDENTIAL, "--json").json()
        done, failures, counts = rotate_under_load(lab, tmp_path)
        promises.rotated(lab, before, lab.current(), [CREDENTIAL])
    assert [(one["service"], one["count"]) for one in planned["restarts"]] == [("website-blue", 1), ("website-green", 1)]
    assert "giving the next value" not in done.stderr
    failed = failures[SERVICE]
    assert len(failed) > 10, done.told
    assert {sample.fresh for sample in failed} == {True}, "a pooled connection failed: the cut is not what is seen"
    problems = {sample.problem for sample in failed}
    assert {"503"} <= problems <= {"503", "502"}, "502 is the balancer's word where one instance restarts and the other refuses"
    (outage,) = outages(failed)
    assert outage.seconds > 1
    assert failures["website"] == [], "the other credential of the same service has two values valid"
    assert counts["fresh"][SERVICE] > counts["requests"][SERVICE] * 0.4


def test_with_a_next_value_nobody_notices_the_same_cut(lab: Lab, tmp_path: Path) -> None:
    before = lab.current()
    planned = lab.run("plan", "--quarter", "Q2", "--only", CREDENTIAL, "--json").json()
    done, failures, counts = rotate_under_load(lab, tmp_path)
    assert [(one["service"], one["count"]) for one in planned["restarts"]] == [("website-blue", 2), ("website-green", 2)]
    assert "stage on sandbox: giving the next value beside the present one (website-blue, website-green)" in done.stderr
    assert {name: failed for name, failed in failures.items() if failed} == {}, done.told
    assert counts["fresh"][SERVICE] > counts["requests"][SERVICE] * 0.4
    assert counts["requests"][SERVICE] > 20 * done.seconds * 0.9
    promises.rotated(lab, before, lab.current(), [CREDENTIAL])
    assert [host["changed"] for host in lab.run("deploy", "--json").json()] == [False, False, False]


def test_the_server_is_left_with_one_password_and_no_timer(lab: Lab) -> None:
    host = lab.hosts["mindex"]
    assert host.text("systemctl", "list-timers", "--all", "--no-legend", "mycoops-revert-*") == ""
    assert host.text("sh", "-c", "ls -A /run/mycoops 2>/dev/null || true") == ""


@pytest.mark.parametrize("instance", ["website-blue", "website-green"])
def test_an_instance_that_does_not_bear_the_next_value_is_not_left_with_it(lab: Lab, instance: str) -> None:
    before, host = lab.current(), lab.hosts["sandbox"]
    unit = f"website@{instance.rpartition('-')[2]}.service"
    path = f"/etc/systemd/system/{unit}.d/90-obstacle.conf"
    host.put(path, b"[Service]\nExecStartPre=/bin/sh -c 'test -z \"$REPORTS_PASSWORD_NEXT\"'\n")
    host.systemctl("daemon-reload")
    try:
        done = lab.run("rotate", CREDENTIAL, "--yes", status=4)
        assert "previous values" in done.stderr, done.told
        assert "mycoops abort" in done.stderr, done.told
        held = host.environ(host.pid_of(instance))
        assert (held["REPORTS_PASSWORD"], held["REPORTS_PASSWORD_NEXT"]) == (before[CREDENTIAL].text, "")
        promises.accepted(lab, [before[CREDENTIAL]])
        promises.healthy(lab)
        candidate = lab.values.candidate(CREDENTIAL)
        lab.run("abort")
    finally:
        host.call("rm", "-f", path)
        host.systemctl("daemon-reload")
    assert lab.current() == before
    promises.processes_hold(lab, before)
    promises.refused(lab, [candidate])
    promises.accepted(lab, [before[CREDENTIAL]])
