"""Runs one command and tells its time, the processor time and memory of its whole process tree, and its playbook starts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
INTERVAL = 0.1
"""Seconds between two looks at the tree: the price of looking, some milliseconds each, is every contender's alike."""
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. `peak_mb` sums the resident memory of all processes, so pages they share count once for each."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    playbook_starts: int
    status: int


class Tree:
    """Watches the descendants of this process that were not there before."""

    def __init__(self) -> None:
        self._before = set(descendants(os.getpid()))
        self._playbooks: set[int] = set()
        self._starts: set[int] = set()
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    @property
    def starts(self) -> int:
        """Processes that began as ansible-playbook; the workers a playbook forks are none."""
        return len(self._starts)

    def look(self) -> None:
        """Look once."""
        found = {pid: parent for pid, parent in descendants(os.getpid()).items() if pid not in self._before}
        self.peak = max(self.peak, sum(resident(pid) for pid in found))
        for pid, parent in found.items():
            if pid not in self._playbooks and is_playbook(pid):
                self._playbooks.add(pid)
                self._starts |= set() if parent in self._playbooks else {pid}

    def _loop(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.look()

    @contextlib.contextmanager
    def watching(self) -> Iterator[Tree]:
        """Look all the time within the block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()

    def end(self) -> None:
        """End what the command left running, such as shared ssh connections, and reap it, so that its time is counted."""
        while left := [pid for pid in descendants(os.getpid()) if pid not in self._before]:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.02)


def descendants(root: int) -> dict[int, int]:
    """Every process below `root` with its parent, parents first."""
    found: dict[int, int] = {}
    waiting = [root]
    while waiting:
        parent = waiting.pop(0)
        for task in _listed(Path(f"/proc/{parent}/task")):
            for pid in map(int, _text(task / "children").split()):
                found[pid] = parent
                waiting.append(pid)
    return found


def resident(pid: int) -> int:
    """Bytes of resident memory; 0 for a process that has ended."""
    fields = _text(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * PAGE if len(fields) > 1 else 0


def is_playbook(pid: int) -> bool:
    """Whether the program is ansible-playbook, run by itself or by an interpreter."""
    words = _text(Path(f"/proc/{pid}/cmdline")).split("\0")[:2]
    return any(Path(word).name == "ansible-playbook" for word in words)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _listed(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []


def run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Sample:
    """Run a command to its end; its output goes to `log`. Processes it leaves behind come to us and are ended and counted."""
    tree = Tree()
    _subreaper(True)
    try:
        cpu, began = _cpu(), time.monotonic()
        with log.open("wb") as stream, tree.watching():
            done = subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
            status = done.wait()
            seconds = time.monotonic() - began
        tree.end()
        return Sample(seconds, _cpu() - cpu, tree.peak / 1e6, tree.starts, status)
    finally:
        _subreaper(False)


def _subreaper(on: bool) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this kernel hands over no orphans")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
