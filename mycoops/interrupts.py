"""Ctrl-C, SIGTERM and a closed terminal ask a run to stop where nothing is half done, which leaves it resumable."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from mycoops.errors import Interrupted

STDERR = 2
LOOK_SECONDS = 0.2
"""How often a wait looks whether it was asked to stop."""
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


def patient(stop: Callable[[], bool]) -> Callable[[float], None]:
    """A sleep that gives up when asked to stop: a soak may last hours. It then raises Interrupted."""

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if stop():
                raise Interrupted("stopped while waiting; nothing is half done", hint="Go on with `mycoops resume`.")
            time.sleep(min(LOOK_SECONDS, left))

    return sleep
