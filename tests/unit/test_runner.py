"""A host that cannot be reached is told apart by why, in words of ours."""

from __future__ import annotations

import errno
import socket
import subprocess
from pathlib import Path

import pexpect
import pytest

from mycoops import runner
from mycoops.masking import Masker


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("Failed to connect to the host via ssh: Host key verification failed.", "its host key is not the known one"),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @ … Permission denied", "its host key is not the known one"),
        ("deploy@127.0.0.1: Permission denied (publickey).", "it refuses the rotator's login"),
        ("Connection timed out during banner exchange", "it does not answer"),
        ("Shared connection to 127.0.0.1 closed.", "the connection broke off"),
        ("Timeout, server mas not responding.", "it does not answer"),
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
    environment = runner.Environment(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path, None, 5, ())
    outcome = runner.Runner(environment, lambda: Masker([]), lambda *_: None).perform(runner.Run("move", ("h1", "h2"), {}))
    assert outcome.replies == []
    assert outcome.problems == dict.fromkeys(("h1", "h2"), f"no answer (ansible-playbook: {words})")
    assert deaf.child
    assert not Path(f"/proc/{deaf.child.pid}").exists()


def test_a_full_private_directory_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "run001").touch()
    environment = runner.Environment(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path, None, 5, ())
    outcome = runner.Runner(environment, lambda: Masker([]), lambda *_: None).perform(runner.Run("move", ("h1",), {}))
    assert "Not a directory" in outcome.problems["h1"]
