"""One writer per fleet: a lock that dies with its process, and a token that only grows."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mycoops import account, durable
from mycoops.errors import ConfigurationError, Locked

TRIES, PAUSE_SECONDS = 5, 0.05
"""How often, and how far apart, the lock is asked for: `under_way` holds it for the length of a look."""


@contextmanager
def hold(state: Path, command: str) -> Iterator[int]:
    """Hold the lease of a fleet; yields the fencing token. Raises Locked, saying who holds it and since when, and NotWritten."""
    durable.directory(state, 0o700)
    with durable.writing(state / "lease.lock"):
        descriptor = os.open(state / "lease.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not any(_taken(descriptor, fcntl.LOCK_EX, pause=number > 0) for number in range(TRIES)):
            raise Locked(f"another run holds this fleet: {_holder(state)}", hint="Wait until it ends; `mycoops status` works.")
        token = _next_token(state)
        durable.replace(state / "lease.json", json.dumps(_me(command, token)).encode())
        yield token
    finally:
        os.close(descriptor)


def _taken(descriptor: int, how: int, *, pause: bool = False) -> bool:
    if pause:
        time.sleep(PAUSE_SECONDS)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def under_way(state: Path, commands: Collection[str] | None = None) -> str:
    """Who holds the lease of a fleet for one of these commands now, or for any; empty where nobody does."""
    try:
        descriptor = os.open(state / "lease.lock", os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        if _taken(descriptor, fcntl.LOCK_SH):
            return ""
        who = json.loads((state / "lease.json").read_text())
        return _holder(state) if commands is None or who["command"] in commands else ""
    except (OSError, ValueError, KeyError):
        return ""
    finally:
        os.close(descriptor)


def latest(state: Path) -> int:
    """The token of the last lease that this control node gave; 0 before the first. Raises ConfigurationError."""
    path, told = state / "lease.token", _told(state)
    try:
        number = int(path.read_text()) if path.exists() else told
    except ValueError:
        number = -1
    if number < told or number < 0:
        problem = f"{path} does not hold the number of the last lease"
        raise ConfigurationError(problem, hint="Write the highest `token` of the records in the journals there.")
    return number


def _told(state: Path) -> int:
    """The token that the last holder wrote beside its name; one too few where it was killed in between, 0 where nobody did."""
    try:
        return max(0, int(json.loads((state / "lease.json").read_text())["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _next_token(state: Path) -> int:
    token = latest(state) + 1
    durable.replace(state / "lease.token", str(token).encode())
    return token


def _me(command: str, token: int) -> dict[str, str | int]:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    user = account.name()
    return {"user": user, "machine": socket.gethostname(), "pid": os.getpid(), "since": since, "command": command, "token": token}


def _holder(state: Path) -> str:
    try:
        who = json.loads((state / "lease.json").read_text())
        return f"{who['user']} on {who['machine']} (process {who['pid']}), `mycoops {who['command']}`, since {who['since']}"
    except (OSError, ValueError, KeyError):
        return "it does not say who"
