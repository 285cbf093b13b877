"""A host that cannot be reached is told apart by why, in words of ours."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pexpect
import pytest

from mycoops import runner
from mycoops.masking import Masker
from tests.processes import heeding


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("Failed to connect to the host via ssh: Host key verification failed.", "its host key is not the known one"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @ … Permission denied", "its host key is not the known one"),
        ("deploy@127.0.0.1: Permission denied (publickey).", "it refuses the rotator's login"),
        ("unix_listener: cannot bind to path /dev/shm/x: No space left on device", "the run's private directory"),
        ("Connection timed out during banner exchange", "it does not answer"),
        ("Shared connection to 127.0.0.1 closed.", "the connection broke off"),
        ("Timeout, server mas not responding.", "it does not answer"),
        ("Task failed: Timeout (12s) waiting for privilege escalation prompt:", "it does not answer"),
    ],
)
def test_the_reason_is_named_and_the_gravest_first(told: str, words: str) -> None:
    assert runner.unreachable(told).startswith(words)


def test_what_a_host_says_of_itself_is_not_repeated() -> None:
    assert runner.unreachable("kex_exchange_identification: banner line: s3cret") == ""


def test_ssh_itself_says_it_like_that(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    done = subprocess.run(
        ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-p", port, "127.0.0.1"], capture_output=True, text=True, check=False
    )
    assert runner.unreachable(done.stderr) == "nobody listens there"


class Deaf:
    """Starts a playbook that would go on for a minute, as ansible-runner does, and fails to listen to it."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.child: pexpect.spawn | None = None

    def run(self, **_: object) -> None:
        self.child = pexpect.spawn("sleep", ["60"], ignore_sighup=True)
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/dev/shm/x"), "/dev/shm/x: No space left on device"),
        (ValueError("what a library was given"), "ValueError"),
    ],
)
def test_a_playbook_that_cannot_be_listened_to_is_ended_and_its_hosts_gave_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    deaf = Deaf(error)
    monkeypatch.setattr(runner, "ansible_runner", deaf)
    outcome = made(tmp_path).perform(runner.Run("move", ("h1", "h2"), {}))
    assert outcome.replies == []
    assert outcome.problems == dict.fromkeys(("h1", "h2"), f"no answer (ansible-playbook: {words})")
    assert deaf.child
    assert not Path(f"/proc/{deaf.child.pid}").exists()


def made(directory: Path) -> runner.Runner:
    """A runner of an empty fleet."""
    environment = runner.Environment(directory, directory, directory, directory, directory, None, 5, ())
    return runner.Runner(environment, lambda: Masker([]), lambda *_: None, lambda _: ())


def test_a_private_directory_that_cannot_be_written_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "run001").touch()
    assert "Not a directory" in made(tmp_path).perform(runner.Run("move", ("h1",), {})).problems["h1"]


def test_without_room_in_memory_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_free", lambda directory: runner.ROOM - 1)
    monkeypatch.setattr(runner, "ansible_runner", None)
    outcome = made(tmp_path).perform(runner.Run("move", ("h1",), {}))
    assert outcome.problems == {"h1": f"no answer (ansible-playbook: {tmp_path}: No space left on device)"}


class Waiting:
    """A playbook that waits for ever, and asks now and then whether to be cancelled, as ansible-runner does."""

    def __init__(self) -> None:
        self.child: pexpect.spawn | None = None

    def run(self, *, cancel_callback: Callable[[], bool], **_: object) -> SimpleNamespace:
        self.child = pexpect.spawn("sleep", ["60"], ignore_sighup=True, preexec_fn=heeding)
        deadline = time.monotonic() + 20
        while self.child.isalive() and not cancel_callback() and time.monotonic() < deadline:
            time.sleep(0.05)
        return SimpleNamespace(status="failed")


def test_a_playbook_whose_events_have_no_room_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, free = Waiting(), iter([runner.ROOM, runner.TIGHT])
    monkeypatch.setattr(runner, "_free", lambda directory: next(free, 0))
    monkeypatch.setattr(runner, "ansible_runner", waiting)
    began = time.monotonic()
    outcome = made(tmp_path).perform(runner.Run("move", ("h1",), {}))
    assert time.monotonic() - began < 15
    assert "No space left on device" in outcome.problems["h1"]
    assert waiting.child
    assert not waiting.child.isalive()


def test_inodes_are_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner._free(tmp_path) > runner.ROOM
    numbers = SimpleNamespace(f_files=10, f_favail=0, f_bavail=1000, f_frsize=4096)
    monkeypatch.setattr(runner.os, "statvfs", lambda path: numbers)
    assert runner._free(tmp_path) == 0
