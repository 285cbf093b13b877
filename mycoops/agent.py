"""An ssh-agent of this run alone: the rotator's key goes from the store into it over stdin and never touches a disk."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mycoops.errors import ConfigurationError
from mycoops.secret import Secret

UNTIL_STDIN_ENDS = 'cat > /dev/null; kill "$SSH_AGENT_PID"'
"""What the agent runs beside itself: it ends with the pipe from this process, however this process ends."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A running agent behind a socket."""

    socket: Path

    def load(self, key: Secret) -> None:
        """Make the agent hold this private key and no other. Raises ConfigurationError if ssh-add refuses it."""
        self._add(["-q", "-D"], b"")
        text = key.reveal()
        self._add(["-q", "-"], (text if text.endswith("\n") else text + "\n").encode())

    def _add(self, arguments: list[str], stdin: bytes) -> None:
        ended = subprocess.run(
            ["ssh-add", *arguments], input=stdin, env={"SSH_AUTH_SOCK": str(self.socket)}, capture_output=True, check=False
        )
        if ended.returncode:
            raise ConfigurationError(
                "ssh-add does not take the rotator's key", hint="Is it an OpenSSH private key without passphrase?"
            )


@contextmanager
def running(directory: Path) -> Iterator[Agent]:
    """Run an agent in `directory` for the length of the block, and no longer than this process lives."""
    place = directory / "agent.sock"
    process = subprocess.Popen(
        ["ssh-agent", "-a", str(place), "sh", "-c", UNTIL_STDIN_ENDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(place, process)
        yield Agent(place)
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait(timeout=5)


def _wait_for(place: Path, process: subprocess.Popen[bytes]) -> None:
    """Return once the agent listens: its socket is there a moment before."""
    for _ in range(100):
        if _listens(place):
            return
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise ConfigurationError("ssh-agent does not start", hint="Install the OpenSSH client.")


def _listens(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place))
        except OSError:
            return False
    return True
