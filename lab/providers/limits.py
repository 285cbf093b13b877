"""Rate limits: so many calls in so many seconds, counted for each caller, in a window that slides."""

from __future__ import annotations

import math
from collections import defaultdict, deque


class Window:
    """The calls of each caller within the last seconds."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def take(self, caller: str, now: float, limit: int, seconds: float) -> tuple[int, int]:
        """Count a call. Returns how many are left and, where there was none left, the seconds to wait, at least one."""
        calls = self._calls[caller]
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= limit:
            until = calls[0] + seconds if calls else now + seconds
            return 0, max(1, math.ceil(until - now))
        calls.append(now)
        return limit - len(calls), 0
