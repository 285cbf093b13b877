"""Killed at any moment, a rotation goes on from its journal to its end; nothing it held stays behind on the machine."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.integration import promises
from tests.integration.authorities import ONE_ROLE
from tests.integration.lab import Lab

pytestmark = pytest.mark.fault

SERVICES = ("postgresql_mas", "postgresql_website", "redis_mas", "jwt_mas", "mindex_service_token", "ssh_key_rotator")
PASSWORD = "ssh_password_mas"


def kill_in(lab: Lab, move: str, after: float, *arguments: str) -> None:
    """Run until a move has begun, wait a little, and kill the whole process group."""
    with lab.sampler.sampling():
        running = lab.begin(*arguments)
        running.until(f" {move}")
        time.sleep(after)
        killed = running.kill()
    assert killed.status == -9, killed.told


def private_directories() -> list[Path]:
    """What runs of mycoops have in memory."""
    return sorted(Path("/dev/shm").glob("mycoops-*"))


def agents() -> list[str]:
    """The ssh-agents of runs of mycoops."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ssh-agent" in arguments[0] and any(b"/mycoops-" in word for word in arguments):
            found.append(path.parent.name)
    return found


def test_killed_in_verify_in_switch_in_drop_and_resumed_each_time_it_closes(lab: Lab) -> None:
    before = lab.current()
    kill_in(lab, "verify", 0.5, "rotate", *SERVICES, "--yes")
    promises.accepted(lab, before.values())
    promises.processes_hold_accepted(lab)
    kill_in(lab, "switch on mas", 1.2, "resume")
    promises.processes_hold_accepted(lab)
    kill_in(lab, "drop", 0.8, "resume")
    promises.processes_hold_accepted(lab)
    done = lab.run("resume")
    assert {lab.state_of(name) for name in SERVICES} == {"CLOSED"}, done.told
    promises.rotated(lab, before, lab.current(), SERVICES)
    assert "tampered" not in lab.run("log", "verify").stdout


def test_killed_in_the_cut_of_a_password_and_resumed_it_closes(lab: Lab) -> None:
    before = lab.current()
    kill_in(lab, "cutover", 1.0, "rotate", PASSWORD, "--yes")
    done = lab.run("resume")
    assert lab.state_of(PASSWORD) == "CLOSED", done.told
    promises.rotated(lab, before, lab.current(), [PASSWORD])
    timers = lab.hosts["mas"].text("systemctl", "list-timers", "--all", "--no-legend", "mycoops-revert-*")
    assert timers == ""


def test_killed_around_the_cut_of_a_credential_with_a_next_value_it_is_in_force_all_the_time(lab: Lab) -> None:
    before = lab.current()
    kill_in(lab, "stage on sandbox", 1.5, "rotate", ONE_ROLE, "--yes")
    promises.healthy(lab)
    lab.run("deploy")
    promises.healthy(lab)
    kill_in(lab, "cutover", 1.5, "resume")
    promises.healthy(lab)
    kill_in(lab, "switch on sandbox", 1.5, "resume")
    promises.healthy(lab)
    lab.run("deploy")
    promises.healthy(lab)
    done = lab.run("resume")
    assert lab.state_of(ONE_ROLE) == "CLOSED", done.told
    promises.rotated(lab, before, lab.current(), [ONE_ROLE])


def test_what_a_killed_run_held_is_gone_after_the_next_one(lab: Lab) -> None:
    old = set(private_directories())
    kill_in(lab, "verify", 0.5, "rotate", "postgresql_mas", "--yes")
    left = set(private_directories()) - old
    assert left, "the run had no private directory"
    lab.run("abort")
    assert [str(path) for path in left if path.exists()] == []
    assert agents() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["ctrl-c", "closed-terminal"])
def test_told_to_stop_it_ends_between_two_moves_and_leaves_nothing_behind(lab: Lab, number: signal.Signals) -> None:
    before, old = lab.current(), private_directories()
    running = lab.begin("rotate", "postgresql_mas", "--yes")
    running.until(" mint")
    running.process.send_signal(number)
    done = running.end()
    assert done.status == 130, done.told
    assert "mycoops resume" in done.stderr, done.told
    assert (private_directories(), agents()) == (old, [])
    lab.run("abort")
    promises.processes_hold(lab, before)
