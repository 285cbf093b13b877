"""Another process that is killed, as by SIGKILL, at a chosen one of its system calls."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

CALLS = ("open", "write", "fchmod", "fsync", "ftruncate", "replace", "rename", "unlink", "mkdir", "close")
"""What a process does to files."""


def killed_at(number: int, act: Callable[[], None]) -> bool:
    """Let another process do something and kill it at one of its system calls, a write in its middle; whether it came that far."""
    child = os.fork()
    if not child:
        left = number

        def dying(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if not left:
                    if real is written:
                        real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        written = os.write
        for name in CALLS:
            setattr(os, name, dying(getattr(os, name)))
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
