"""The processes this one has started: which there are, and ending those that nobody listens to any more."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int = 0) -> None:
    """Let this process be killed when the one that started it ends, however that ends: nobody would hear what it does.

    It ends at once if `parent`, where that is known, is gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:
        os._exit(1)


def living() -> set[int]:
    """The pids of the processes that this one has started and not seen end."""
    return {int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def interrupt(pid: int) -> None:
    """Send SIGINT; a process that has ended already is as good."""
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return


def end(pids: set[int], grace: float) -> None:
    """Interrupt children and wait for them; whatever still runs after `grace` seconds is killed."""
    for pid in pids:
        interrupt(pid)
    deadline = time.monotonic() + grace
    for pid in pids:
        while _lives(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False
