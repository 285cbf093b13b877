"""Looks at the arguments and the environment of every process of this machine, again and again while a run goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")
INTERVAL_SECONDS = 0.1
LIMIT = 64 << 20
"""Bytes of looks that are kept: equal ones are kept once, and of more it is said that they were not."""


class Sampler:
    """Looks while it is entered; keeps each different look once, in memory only.

    Left out are other process namespaces: what a container of this machine holds is another host's. And the environments of
    the `units` that the fleet declares: they are consumers, where this machine is a host of the fleet too."""

    def __init__(self, units: Iterable[str] = ()) -> None:
        self._units = tuple(f"/{unit}" for unit in units)
        self._looks: dict[tuple[str, bytes], None] = {}
        self._size = 0
        self._known: dict[int, bytes] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._namespace = _namespace(PROC / "self")
        self.rounds = 0
        self.lost = 0

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._run, name="mycoops-sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def looks(self) -> list[tuple[str, bytes]]:
        """Every look so far: what it shows, and its bytes."""
        return list(self._looks)

    def _run(self) -> None:
        while not self._stop.is_set():
            due = time.monotonic() + INTERVAL_SECONDS
            self.look()
            self._stop.wait(max(INTERVAL_SECONDS / 10, due - time.monotonic()))

    def look(self) -> None:
        """Every process once; one that shows the same arguments as the last time is passed over."""
        self.rounds += 1
        present: dict[int, bytes] = {}
        for number in map(int, filter(str.isdigit, os.listdir(PROC))):  # noqa: PTH208 - many times a second
            known = self._known.get(number, b"")
            arguments = _arguments(number)
            if arguments and (arguments == known or self._one(PROC / str(number), arguments)):
                present[number] = arguments
        self._known = present

    def _one(self, process: Path, arguments: bytes) -> bool:
        try:
            if _namespace(process) in ("", self._namespace):
                name = (process / "comm").read_text(errors="replace").strip()
                self._keep(f"the arguments of {name}", arguments)
                self._keep(f"the environment of {name}", self._environment(process))
        except OSError:
            return False
        return True

    def _environment(self, process: Path) -> bytes:
        """What may be read of it; nothing where it belongs to another account."""
        try:
            return b"" if self._consumer(process) else (process / "environ").read_bytes()
        except OSError:
            return b""

    def _consumer(self, process: Path) -> bool:
        groups = (process / "cgroup").read_text(errors="replace") if self._units else ""
        return any(unit in groups for unit in self._units)

    def _keep(self, what: str, data: bytes) -> None:
        if not data or (what, data) in self._looks:
            return
        if self._size + len(data) > LIMIT:
            self.lost += 1
            return
        self._size += len(data)
        self._looks[what, data] = None


def _arguments(number: int) -> bytes:
    """A process's arguments, read with as little ado as can be: it is done for all processes, ten times a second."""
    try:
        descriptor = os.open(f"{PROC}/{number}/cmdline", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        found = part = os.read(descriptor, 1 << 16)
        while part and len(found) >= 1 << 12:
            part = os.read(descriptor, 1 << 16)
            found += part
        return found
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _namespace(process: Path) -> str:
    """Which process namespace a process is in; empty where it may not be asked."""
    try:
        return str((process / "ns" / "pid").readlink())
    except OSError:
        return ""
