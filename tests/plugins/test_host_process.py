"""What a process was started with is compared, never shown; health is what the response says."""

from __future__ import annotations

import os
import subprocess

import mycoops_health as health
import mycoops_process as process
import pytest
from fake_host import Health, Host, fresh
from mycoops_reply import Refusal


def test_holds_compares_names_to_booleans() -> None:
    value = fresh()
    child = subprocess.Popen(["/usr/bin/sleep", "60"], env={"A": value, "B": "x"})
    try:
        while "A" not in process.environment(child.pid):
            pass
        assert process.holds(child.pid, {"A": value, "B": "y", "C": ""}) == {"A": True, "B": False, "C": False}
    finally:
        child.kill()
        child.wait()
    assert process.holds(child.pid, {"A": value}) == {"A": False}
    assert process.holds(0, {"A": value}) == {"A": False}


def test_unit_state(host: Host) -> None:
    unit = host.unit("api.service", "/etc/api.env")
    assert process.unit_state("api.service")[:3] == (True, False, False)
    unit.start()
    assert process.unit_state("api.service").pid == unit.process.pid
    unit.failed = True
    assert process.unit_state("api.service").crashing
    assert not process.unit_state("other.service").exists


def test_the_age_of_a_process_is_the_kernels(host: Host) -> None:
    unit = host.unit("api.service", "/etc/api.env")
    unit.start()
    assert 0 <= process.age(unit.process.pid) < 30
    assert process.age(1) > process.age(unit.process.pid)
    assert process.age(0) == 0.0


def test_container_state(host: Host) -> None:
    assert not process.container_state("podman", "relay").exists
    with pytest.raises(Refusal, match="unknown_engine"):
        process.container_state("lxc", "relay")


def test_commands_that_are_missing_or_hang() -> None:
    assert process.command(["/bin/echo", "x"]) == (0, "x\n")
    with pytest.raises(Refusal, match="missing_program"):
        process.command(["/no/such/program"])
    with pytest.raises(Refusal, match="hangs"):
        process.command(["/usr/bin/sleep", "5"], 0.1)


DATA = {
    "components": [{"name": "redis", "status": "ok"}, {"name": "postgresql", "status": "down"}],
    "db": {"up": True},
    "n": [1, {"x": 2}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("components[name=postgresql].status", ["down"]),
        ("components[name=none].status", []),
        ("components[0].name", ["redis"]),
        ("db.up", [True]),
        ("n[1].x", [2]),
        ("n[7]", []),
        ("db[0]", []),
        ("db..up", []),
        ("n]", []),
    ],
)
def test_paths(path: str, found: list[object]) -> None:
    assert health.look_up(DATA, path) == found


def test_health_is_the_content(health: Health) -> None:
    import mycoops_health

    marker = fresh()
    spec = {"url": health.url, "status": 200, "json": {"components[name=db].status": "ok"}}
    health.says({"components": [{"name": "db", "status": "ok"}]})
    assert mycoops_health.problem(spec) == ""
    health.says({"components": [{"name": "db", "status": marker}]})
    assert mycoops_health.problem(spec) == 'components[name=db].status is not "ok"'
    health.says({}, 503)
    assert mycoops_health.problem(spec) == "status 503 instead of 200"
    health.status, health.body = 200, marker.encode()
    assert mycoops_health.problem(spec) == "the answer is not JSON"
    health.status, health.headers = 302, {"Location": health.url}
    assert mycoops_health.problem(spec) == "status 302 instead of 200"
    assert mycoops_health.problem({"url": "http://127.0.0.1:1/"}).startswith("no answer")
    assert mycoops_health.problem({"url": f"file:///proc/{os.getpid()}/environ"}) == "the health URL is not HTTP"


def test_health_is_waited_for(health: Health) -> None:
    import mycoops_health

    answers = iter([b'{"db": "starting"}', b'{"db": "starting"}'])
    health.body = lambda: next(answers, b'{"db": "ok"}')
    assert mycoops_health.wait({"url": health.url, "json": {"db": "ok"}}, 5) == ""
    health.body = b'{"db": "down"}'
    assert mycoops_health.wait({"url": health.url, "json": {"db": "ok"}}, 0.3) == 'db is not "ok"'
