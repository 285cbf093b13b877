"""Ctrl-C, SIGTERM and a closed terminal ask a run to stop between two moves, which leaves it resumable."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STDERR = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def gentle(words: str) -> Iterator[Callable[[], bool]]:
    """Within the block signals only raise a flag; yields the question whether it is up. The first one is answered with `words`.

    They go to the descriptor itself: a signal may come while something is being printed, and a stream cannot be written to then."""
    asked: list[int] = []

    def handler(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) == 1:
            with suppress(OSError):
                os.write(STDERR, f"\n{words}\n".encode())

    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield lambda: bool(asked)
    finally:
        for number, old in before.items():
            signal.signal(number, old)
