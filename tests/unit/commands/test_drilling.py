"""A drill that is killed takes its processes with it, and what it leaves in memory goes with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from mycoops import rundir
from mycoops.commands import drilling
from tests.processes import heeding

COMMAND = (sys.executable, "-m", "mycoops.cli", "drill", "--class", "O6", "--every", "400")


def _left(pid: int) -> list[Path]:
    return [path for where in rundir.memory_directories() for path in where.glob(f"{drilling.PREFIX}{pid}-*")]


def _of(group: int) -> list[str]:
    """The processes of a session that still live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == group and state != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_drill_that_is_ended_leaves_nothing(number: signal.Signals) -> None:
    running = subprocess.Popen(
        COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heeding
    )
    deadline = time.monotonic() + 60
    while not any(any(path.iterdir()) for path in _left(running.pid)):
        assert time.monotonic() < deadline, "it did not begin"
        time.sleep(0.1)
    # A Ctrl-C reaches all of the terminal's processes; a kill only the one that was named.
    (running.send_signal if number == signal.SIGKILL else partial(os.killpg, running.pid))(number)
    _, told = running.communicate(timeout=60)
    assert running.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130), told
    if number != signal.SIGKILL:
        assert "the drill was stopped after" in told
        assert "Traceback" not in told
    while _of(running.pid):
        assert time.monotonic() < deadline, "its processes go on"
        time.sleep(0.1)
    if number == signal.SIGKILL:
        assert _left(running.pid), "there is nothing to sweep, so the next assertion says nothing"
        with drilling._directory():
            pass
    assert _left(running.pid) == []
