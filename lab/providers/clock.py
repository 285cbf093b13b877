"""The time of the server: the machine's, and as much further as somebody has moved it, so that a day can pass in a test."""

from __future__ import annotations

import datetime
import time


class Clock:
    """Seconds since the epoch. It is moved forward only; latency and long polls are real time."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass; raises ValueError for a step back."""
        if not seconds >= 0:
            raise ValueError("time goes forward: seconds must not be negative")
        self._ahead += seconds

    def reset(self) -> None:
        self._ahead = 0.0


def rfc3339(seconds: float) -> str:
    """A moment as most of the providers write it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """The moment that an RFC 3339 text names; raises ValueError where it is none."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("a moment needs an offset from UTC")
    return moment.timestamp()
