"""A private directory in memory for the length of a run; what a killed run left behind is searched and goes with the next one."""

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
ENOUGH = 16 << 20
"""Bytes of free memory below which what killed runs left is not kept for the leak scan."""
LEFT = "left-by-"
"""What the directory of a killed run is called inside the next one's."""
PASSWORD = "vault-password"  # noqa: S105 - a file's name
"""The file in it that holds the password of the vault."""
EDITED = "edited"
"""The directory in it in which an editor is given a value."""


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
def private(*, take_over: bool = True) -> Iterator[Path]:
    """A fresh 0700 directory on tmpfs, removed at the end, and with it what killed runs left, which lies in it until then; where
    memory is short that goes at once. Who does not search it leaves it to the next run: `take_over=False`.

    Raises ConfigurationError where there is no tmpfs, or it is full."""
    places = memory_directories()
    if not places:
        raise ConfigurationError("no writable tmpfs on this machine", hint="Mount one at /dev/shm: run files stay in memory.")
    if shutil.disk_usage(places[0]).free < ENOUGH:
        for left in places[0].glob(f"{PREFIX}*"):
            _take(left, None)
    earlier = list(places[0].glob(f"{PREFIX}*")) if take_over else []
    path, held = _made(places[0])
    try:
        for left in earlier:
            _take(left, path)
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


def _take(left: Path, into: Path | None) -> None:
    """Take over a directory of this user that no living run holds, or remove it; the password or value in it goes at once."""
    held = _open(left)
    if held is None:
        return
    try:
        if os.fstat(held).st_uid == os.geteuid():
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (left / PASSWORD).unlink(missing_ok=True)
            shutil.rmtree(left / EDITED, ignore_errors=True)
            if into:
                left.rename(into / f"{LEFT}{left.name}")
            else:
                shutil.rmtree(left, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(held)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
