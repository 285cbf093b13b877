"""A service that does not come up with the new value gets the old one back, and nobody else is harmed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration import promises
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
