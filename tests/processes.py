"""Processes of this machine, as the kernel tells of them."""

from __future__ import annotations

import signal
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """A process and all that it has started, whoever they belong to now."""
    found = [pid]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(word) for word in path.read_text().split()]
            except OSError:
                continue
    return found


def works(pid: int, word: bytes) -> bool:
    """Whether a process is there, is no zombie, and has a word in its command line: of a zombie there is none."""
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def heeding() -> None:
    """Let a new process heed signals: what a shell starts in the background or under nohup does not, nor what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
