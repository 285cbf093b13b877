"""A private directory in memory for the length of a run; nothing of it outlives the run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mycoops.errors import ConfigurationError


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
    """A fresh 0700 directory on tmpfs, removed at the end. Raises ConfigurationError where there is no tmpfs."""
    places = memory_directories()
    if not places:
        raise ConfigurationError("no writable tmpfs on this machine", hint="Mount one at /dev/shm: run files stay in memory.")
    path = Path(tempfile.mkdtemp(prefix="mycoops-", dir=places[0]))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
