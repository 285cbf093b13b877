"""Ctrl-C and SIGTERM ask a run to stop between two moves; a second one ends the playbook under way. Both leave it resumable."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def gentle(first: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Within the block signals only raise a flag; yields the question whether it is up. `first` is called once, to say so."""
    asked: list[int] = []

    def handler(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) == 1:
            first()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, old in before.items():
            signal.signal(number, old)
