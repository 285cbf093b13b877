"""A host that cannot be reached is told apart by why, in words of ours."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from mycoops import runner


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
