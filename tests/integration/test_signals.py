"""Told to stop at any move, a run ends with nothing half done and nothing left behind; told twice, it ends at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.integration import promises
from tests.integration.faults import last_move, nothing_left, nothing_left_on_hosts, private_directories
from tests.integration.lab import Lab

pytestmark = pytest.mark.fault

NAME = "mindex_service_token"
MOVES = ("preflight", "mint", "accept", "verify", "stage", "switch", "soak", "promote", "drop", "prove")


def next_of(lab: Lab, name: str) -> str:
    """The command that status says is next."""
    return str(next(one["next"] for one in lab.run("status", "--json").json() if one["credential"] == name))


def test_told_to_stop_at_each_move_it_leaves_nothing_and_resume_closes(lab: Lab) -> None:
    before, stopped = lab.current(), set()
    arguments: tuple[str, ...] = ("rotate", NAME, "--yes")
    for number in range(len(MOVES) + 1):
        running = lab.begin(*arguments)
        running.until("/")
        used = private_directories(lab)
        os.killpg(running.process.pid, (signal.SIGINT, signal.SIGTERM)[number % 2])
        done = running.end()
        nothing_left(lab, used)
        if done.status == 0:
            break
        assert done.status == 130, done.told
        assert "mycoops resume" in done.stderr, done.told
        stopped.add(last_move(done))
        arguments = ("resume",)
    else:
        lab.run("resume")
    nothing_left_on_hosts(lab)
    assert len(stopped) >= 6, stopped
    promises.rotated(lab, before, lab.current(), [NAME])


@pytest.fixture
def slow_agent(lab: Lab) -> Iterator[None]:
    """A service that takes a few seconds to start."""
    path = "/etc/systemd/system/mas-agent.service.d/90-slow.conf"
    lab.hosts["mas"].put(path, b"[Service]\nExecStartPre=/bin/sleep 6\n")
    lab.hosts["mas"].systemctl("daemon-reload")
    yield
    lab.hosts["mas"].call("rm", "-f", path)
    lab.hosts["mas"].systemctl("daemon-reload")


@pytest.mark.usefixtures("slow_agent")
def test_told_twice_in_the_middle_of_a_delivery_it_ends_at_once_and_resume_asks(lab: Lab) -> None:
    before = lab.current()
    running = lab.begin("rotate", "redis_mas", "--yes")
    running.until("switch on mas")
    while lab.hosts["mas"].show("mas-agent.service", "ActiveState") != "activating":
        time.sleep(0.1)
    used = private_directories(lab)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    running.process.send_signal(signal.SIGINT)
    done = running.end()
    assert done.status == 130, done.told
    assert "stopped in the middle of a step" in done.stderr, done.told
    nothing_left(lab, used)
    nothing_left_on_hosts(lab)
    assert next_of(lab, "redis_mas") == "mycoops resume"
    promises.processes_hold_accepted(lab)
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["redis_mas"])
