"""A service that does not come up with the new value gets the old one back, and nobody else is harmed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration import promises, timeline
from tests.integration.hosts import SERVICES
from tests.integration.lab import Lab


@contextmanager
def only_as_it_is_now(lab: Lab, service: str, variable: str) -> Iterator[None]:
    """Within the block the unit starts with the present value of a variable only, known to it by its SHA-256."""
    host, unit = lab.hosts[SERVICES[service][0]], SERVICES[service][1]
    digest = hashlib.sha256(host.environ(host.pid_of(service))[variable].encode()).hexdigest()
    path = f"/etc/systemd/system/{unit}.d/90-obstacle.conf"
    check = f"""test "$(printf %%s "${variable}" | sha256sum)" = "{digest}  -\""""
    host.put(path, f"[Service]\nExecStartPre=/bin/sh -c '{check}'\n".encode())
    host.systemctl("daemon-reload")
    try:
        yield
    finally:
        host.call("rm", "-f", path)
        host.systemctl("daemon-reload")


def test_a_service_that_fails_with_the_new_value_runs_on_the_old_one_until_resume(lab: Lab) -> None:
    before = lab.current()
    website = lab.hosts["sandbox"].pid_of("website-blue")
    with only_as_it_is_now(lab, "mas-agent", "REDIS_URL"):
        done = lab.run("rotate", "redis_mas", "postgresql_mindex_api", "--yes", status=4)
        assert "mas-agent" in done.stderr, done.told
        assert "previous values" in done.stderr, done.told
        assert "mycoops resume" in done.stderr, done.told
        assert lab.state_of("redis_mas") == "BLOCKED"
        assert lab.state_of("postgresql_mindex_api") == "CLOSED"

        mas = lab.hosts["mas"]
        held = mas.environ(mas.pid_of("mas-agent"))
        assert before["redis_mas"].text in held["REDIS_URL"]
        assert mas.show("mas-agent.service", "ActiveState") == "active"
        promises.accepted(lab, [before["redis_mas"], lab.values.candidate("redis_mas")])
        promises.healthy(lab)
        assert lab.hosts["sandbox"].pid_of("website-blue") == website
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["redis_mas", "postgresql_mindex_api"])


def test_abort_takes_the_consumers_back_and_the_candidate_is_refused(lab: Lab) -> None:
    before = lab.current()
    with only_as_it_is_now(lab, "mas-orchestrator", "MAS_DATABASE_URL"):
        done = lab.run("rotate", "postgresql_mas", "--yes", status=4)
        assert "mycoops abort" in done.stderr, done.told
        candidate = lab.values.candidate("postgresql_mas")
        promises.accepted(lab, [before["postgresql_mas"], candidate])
        lab.run("abort")
    promises.refused(lab, [candidate])
    promises.accepted(lab, [before["postgresql_mas"]])
    assert lab.current() == before
    promises.processes_hold(lab, before)
    promises.no_session_of(lab, [candidate])
    assert "abort" not in lab.run("status").stdout
    assert [one["next"] for one in lab.run("status", "--json").json() if one["credential"] == "postgresql_mas"] == [""]
    lab.run("rotate", "postgresql_mas", "--yes")
    promises.rotated(lab, before, lab.current(), ["postgresql_mas"])


def test_what_accepted_two_lists_and_a_half_switched_fleet_goes_all_the_way_back(lab: Lab) -> None:
    """One credential with a list of its own, switched at its first consumer and stopped at its second."""
    before = lab.current()
    with only_as_it_is_now(lab, "mas-agent", "MINDEX_TOKEN"):
        lab.run("rotate", "mindex_service_token", "--yes", status=4)
        candidate = lab.values.candidate("mindex_service_token")
        promises.accepted(lab, [before["mindex_service_token"], candidate])
        lab.run("abort")
    promises.refused(lab, [candidate])
    promises.accepted(lab, [before["mindex_service_token"]])
    promises.processes_hold(lab, before)
    promises.healthy(lab)
    assert lab.run("deploy", "--json").json()[0]["changed"] is False


def test_a_failure_on_the_first_host_stops_there(lab: Lab) -> None:
    """It runs on the old value again within the time of one restart, and nobody else was touched."""
    before, name = lab.current(), "mindex_service_token"
    others = {
        one: lab.hosts[host].pid_of(one) for one, (host, _) in SERVICES.items() if one not in ("mas-orchestrator", "mindex-api")
    }
    began = time.time()
    with only_as_it_is_now(lab, "mas-orchestrator", "MINDEX_TOKEN"):
        done = lab.run("rotate", name, "--yes", status=4)
        assert {one: lab.hosts[SERVICES[one][0]].pid_of(one) for one in others} == others, done.told
        (window,) = timeline.restarts(lab, "mas-orchestrator", began)[:1]
        assert window.ended - window.begun < 5, window
        mas = lab.hosts["mas"]
        assert mas.environ(mas.pid_of("mas-orchestrator"))["MINDEX_TOKEN"] == before[name].text
        promises.accepted(lab, [before[name], lab.values.candidate(name)])
        (told,) = [one for one in lab.run("status", "--json").json() if one["credential"] == name]
        assert (told["state"], told["next"]) == ("BLOCKED", "mycoops resume")
        assert "mas-orchestrator" in told["waiting_for"]
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), [name])


@pytest.fixture
def looping(lab: Lab) -> Iterator[str]:
    """A service that is well whenever one looks, and ends every three seconds."""
    unit, mas = SERVICES["mas-agent"][1], lab.hosts["mas"]
    path = f"/etc/systemd/system/{unit}.d/90-loop.conf"
    loop = b"[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=100ms\nRuntimeMaxSec=3\n"
    mas.put(path, loop)
    mas.systemctl("daemon-reload")
    mas.systemctl("restart", unit)
    while mas.show(unit, "NRestarts") in ("", "0"):
        time.sleep(0.2)
    yield unit
    mas.call("rm", "-f", path)
    mas.systemctl("daemon-reload")
    mas.systemctl("restart", unit)


def test_a_service_that_keeps_restarting_is_not_restarted(lab: Lab, looping: str) -> None:
    before, mas = lab.current(), lab.hosts["mas"]
    file, restarts = mas.read("/etc/mycosoft/mas-agent.env"), int(mas.show(looping, "NRestarts"))
    done = lab.run("rotate", "redis_mas", "--yes", status=4)
    assert re.search("mas-agent: it (has failed or )?keeps restarting", done.stderr), done.told
    assert mas.read("/etc/mycosoft/mas-agent.env") == file
    assert int(mas.show(looping, "NRestarts")) > restarts
    promises.accepted(lab, [before["redis_mas"]])
    lab.run("abort")
