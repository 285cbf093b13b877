"""A disk that fails: at a chosen system call of whoever writes durably, once or from then on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAULTS = {
    errno.ENOSPC: "No space left on device (ENOSPC)",
    errno.EROFS: "Read-only file system (EROFS)",
    errno.EIO: "Input/output error (EIO)",
}
"""What a disk can say, and how it is told."""
CALLS = ("open", "write", "fchmod", "fsync", "rename", "unlink", "ftruncate")


class Disk:
    """Lets so many system calls of `durable` go well, then fails one, or this one and all after it."""

    def __init__(self, patch: pytest.MonkeyPatch, skip: int, number: int, *, lasting: bool = False, short: bool = False) -> None:
        self.left, self.number, self.lasting, self.short, self.calls = skip, number, lasting, short, 0
        for name in CALLS:
            patch.setattr(os, name, self._wrap(name, getattr(os, name)))
        patch.setattr(Path, "replace", lambda path, target: os.rename(path, target))  # noqa: PTH104
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: os.unlink(path))  # noqa: PTH108

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            self.left -= 1
            if self.left == -1 or (self.left < 0 and self.lasting):
                if name == "write" and self.short:
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise OSError(self.number, os.strerror(self.number))
            return real(*arguments, **named)

        return call
