"""The switches: what goes wrong with the next calls, as often as was asked for, and on which of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

KINDS = {
    "latency": "the answer comes `seconds` later; the effect too",
    "throttle": "429 with `Retry-After: retry_after`, without effect",
    "error": "`status`, without effect, or with it where `after_effect` is true",
    "lost_reply": "the effect, then silence for `seconds`, then the connection ends without an answer",
    "forbid": "the credential is accepted and may not do this",
    "echo": "every body of an error quotes the credential as it came",
    "propagation": "a new credential works after `new_seconds`, an old one dies after `old_seconds`, everywhere or at one `place`",
}
"""What a switch does, by its name."""


class BadSwitch(ValueError):
    """A switch that does not exist, or with settings that are none of its own."""


@dataclass(slots=True)
class Switch:
    """One fault: `times` calls of this method and path, after `skip` of them were let through; None is all."""

    switch: str
    times: int | None = 1
    skip: int = 0
    method: str = ""
    path: str = ""
    seconds: float = 0.0
    retry_after: int = 1
    status: int = 503
    after_effect: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Switch:
        known = {field.name for field in fields(cls)}
        if given.get("switch") not in KINDS:
            raise BadSwitch(f"switch must be one of {', '.join(KINDS)}")
        if strange := set(given) - known:
            raise BadSwitch(f"unknown: {', '.join(sorted(strange))}; known are {', '.join(sorted(known))}")
        return cls(**given)

    def takes(self, method: str, route: str) -> bool:
        """Whether this call is one of those it is about; counts it where it is."""
        if self.times == 0 or (self.method and self.method != method) or self.path not in route:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The switches of one provider, in the order in which they were set."""

    def __init__(self) -> None:
        self._switches: list[Switch] = []

    def set(self, given: Mapping[str, Any]) -> None:
        self._switches.append(Switch.read(given))

    def clear(self) -> None:
        self._switches.clear()

    def take(self, kind: str, method: str, route: str, **wanted: Any) -> Switch | None:
        """The first switch of a kind that is about this call, and counts it."""
        for switch in self._switches:
            fits = all(getattr(switch, name) == value for name, value in wanted.items())
            if switch.switch == kind and fits and switch.takes(method, route):
                return switch
        return None

    def shown(self) -> list[dict[str, Any]]:
        return [{field.name: getattr(switch, field.name) for field in fields(switch)} for switch in self._switches]
