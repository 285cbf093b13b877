"""Keeps the arguments and the environment of every process on the machine, the lab's included, several times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.hosts import SERVICES

INTERVAL = 0.05
CONSUMER = b"/opt/lab/services/"
UNITS = tuple(unit.encode() for _, unit in SERVICES.values() if unit)
"""A consumer of a credential has it in its environment, and so has whatever its unit runs: that is what it is for."""


class Sampler:
    """Looks while something runs; equal looks are kept once."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.looks = 0
        self._looking = False
        self._known: dict[str, bytes] = {}

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Look all the time within the block; a block within a block adds nothing."""
        if self._looking:
            yield
            return
        self._looking = True
        stop = threading.Event()
        thread = threading.Thread(target=self._loop, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._looking = False

    def _loop(self, stop: threading.Event) -> None:
        while not stop.is_set():
            due = time.monotonic() + INTERVAL
            self.look()
            stop.wait(max(0.005, due - time.monotonic()))

    def look(self) -> None:
        """Every process once."""
        self.looks += 1
        present = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
        self._known = {path.name: known for path in present if (known := self._one(path))}

    def _one(self, path: Path) -> bytes:
        try:
            arguments = (path / "cmdline").read_bytes()
            if arguments and arguments != self._known.get(path.name):
                environment = (path / "environ").read_bytes()
                self.seen.add(b"arguments: " + arguments)
                if not self._consumer(path, arguments):
                    self.seen.add(b"environment of " + arguments + b": " + environment)
        except OSError:
            return b""
        return arguments

    @staticmethod
    def _consumer(path: Path, arguments: bytes) -> bool:
        control_groups = (path / "cgroup").read_bytes()
        return CONSUMER in arguments + (path / "cmdline").read_bytes() or any(unit in control_groups for unit in UNITS)
