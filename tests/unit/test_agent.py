"""The agent of a run is waited for until it listens, and ends with the run."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from mycoops import agent
from mycoops.errors import ConfigurationError
from mycoops.secret import generate


def test_a_socket_that_nobody_listens_at_yet_is_waited_for(tmp_path: Path) -> None:
    """A loaded machine lets the moment between the two be long enough to meet."""
    with subprocess.Popen(["sleep", "60"]) as process, socket.socket(socket.AF_UNIX) as bound:
        try:
            bound.bind(str(tmp_path / "agent.sock"))
            began = time.monotonic()
            threading.Timer(0.3, bound.listen).start()
            agent._wait_for(tmp_path / "agent.sock", process)
            assert time.monotonic() - began >= 0.3
        finally:
            process.kill()


def test_an_agent_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process, pytest.raises(ConfigurationError, match="does not start"):
        agent._wait_for(tmp_path / "agent.sock", process)


def test_it_holds_one_key_and_is_gone_afterwards(tmp_path: Path) -> None:
    with agent.running(tmp_path) as held:
        for _ in range(2):
            held.load(generate("ed25519"))
        listed = subprocess.run(["ssh-add", "-L"], env={"SSH_AUTH_SOCK": str(held.socket)}, capture_output=True, check=True)
        assert listed.stdout.count(b"ssh-ed25519 ") == 1
    assert not agent._listens(held.socket)
