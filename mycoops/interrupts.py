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


class Stop:
    """What was asked for so far: the first signal asks to stop where nothing is half done, a second one to stop at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self) -> bool:
        """Whether to stop where nothing is half done."""
        return bool(self.asked)

    def now(self) -> bool:
        """Whether to stop in the middle of a step: its outcome is then unknown, and asked for by the next command."""
        return len(self.asked) > 1


@contextmanager
def gentle(words: str) -> Iterator[Stop]:
    """Within the block signals only ask; yields what they asked. The first one is answered with `words`.

    They go to the descriptor itself: a signal may come while something is being printed, and a stream cannot be written to then."""
    stop = Stop()

    def handler(number: int, frame: FrameType | None) -> None:
        stop.asked.append(number)
        if len(stop.asked) == 1:
            with suppress(OSError):
                os.write(STDERR, f"\n{words}\n".encode())

    with handled(handler):
        yield stop


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block SIGNALS are answered by `handler`; under nohup a closed terminal is nothing to heed."""
    heeded = [number for number in SIGNALS if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
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
