"""A private directory in memory for the length of a run; what a killed run left behind goes with the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mycoops import durable
from mycoops.errors import ConfigurationError

PREFIX = "mycoops-"


def memory_directories() -> list[Path]:
    """Writable tmpfs mounts of this machine, the usual ones first."""
    mounted = []
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, options, *_ = line.split()
        if kind in ("tmpfs", "ramfs") and "rw" in options.split(","):
            mounted.append(Path(where))
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    wanted = [Path(runtime)] if runtime else []
    wanted += [Path("/dev/shm"), Path("/run"), Path("/tmp")]  # noqa: S108 - only if it is a tmpfs
    return [path for path in wanted if path in mounted and os.access(path, os.W_OK)]


@contextmanager
def private() -> Iterator[Path]:
    """A fresh 0700 directory on tmpfs, removed at the end. Raises ConfigurationError where there is no tmpfs, or it is full."""
    places = memory_directories()
    if not places:
        raise ConfigurationError("no writable tmpfs on this machine", hint="Mount one at /dev/shm: run files stay in memory.")
    for left in places[0].glob(f"{PREFIX}*"):
        _sweep(left)
    path, held = _made(places[0])
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def _made(place: Path) -> tuple[Path, int]:
    """Make a directory and lock it: the lock dies with the process, however that ends."""
    while True:
        with durable.writing(place):
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        held = _open(path)
        if held is None:
            continue
        fcntl.flock(held, fcntl.LOCK_EX)
        if path.exists():
            return path, held
        os.close(held)


def _sweep(path: Path) -> None:
    """Remove a directory of this user that no living run holds."""
    held = _open(path)
    if held is None:
        return
    try:
        if os.fstat(held).st_uid == os.geteuid():
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(held)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
