"""Credentials of a provider: they begin and cease to work after a delay of their own at each place, and expire."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from clock import Clock

ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"


def pick(alphabet: str, length: int) -> str:
    """A random text: every value is made so, and none stands in a file."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def digits(length: int) -> str:
    """A random number of so many digits, as ids are written."""
    return secrets.choice(string.digits[1:]) + pick(string.digits, length - 1)


@dataclass(slots=True)
class Propagation:
    """Seconds until a new credential works and an old one is dead: everywhere, or at one place."""

    new_seconds: float = 0.0
    old_seconds: float = 0.0
    places: dict[str, tuple[float, float]] = field(default_factory=dict)

    def delay(self, alive: bool, place: str) -> float:
        new, old = self.places.get(place, (self.new_seconds, self.old_seconds))
        return new if alive else old


class Gradual:
    """True or false, and when: who asks at a place sees a change once it has arrived there."""

    def __init__(self) -> None:
        self._changes: list[tuple[float, bool, Propagation, str]] = []

    def set(self, value: bool, now: float, propagation: Propagation, at: str = "") -> None:
        """Change it. The delays are those of this moment; where it is changed, `at`, it is seen at once."""
        frozen = Propagation(propagation.new_seconds, propagation.old_seconds, dict(propagation.places))
        self._changes.append((now, value, frozen, at))

    def seen(self, now: float, place: str = "") -> bool:
        for when, value, propagation, at in reversed(self._changes):
            if now >= when + (0.0 if at and at == place else propagation.delay(value, place)):
                return value
        return False

    def settled(self) -> bool:
        """What it will be everywhere in the end."""
        return bool(self._changes) and self._changes[-1][1]


@dataclass(slots=True)
class Credential:
    """One value that the provider has made, and what it knows of it."""

    id: str
    value: str
    name: str
    created: float
    expires: float | None = None
    about: dict[str, Any] = field(default_factory=dict)
    alive: Gradual = field(default_factory=Gradual)
    listed: bool = True
    last_used: float | None = None

    def expired(self, now: float) -> bool:
        return self.expires is not None and now >= self.expires


class Keyring:
    """All credentials of a provider, dead ones included: a lookup by value tells which of them works now."""

    def __init__(self, clock: Clock, propagation: Propagation) -> None:
        self._clock, self._propagation = clock, propagation
        self._by_value: dict[str, Credential] = {}

    def add(self, credential: Credential, at: str = "") -> Credential:
        self._by_value[credential.value] = credential
        self.turn(credential, True, at)
        return credential

    def turn(self, credential: Credential, alive: bool, at: str = "", least_seconds: float = 0.0) -> None:
        """Make it work or not; a death takes at least so many seconds."""
        propagation = self._propagation
        if least_seconds:
            propagation = Propagation(propagation.new_seconds, max(propagation.old_seconds, least_seconds))
        credential.alive.set(alive, self._clock.now(), propagation, at)

    def end(self, credential: Credential, at: str = "", least_seconds: float = 0.0) -> None:
        """It is gone from lists at once, and dead when that has propagated."""
        credential.listed = False
        self.turn(credential, False, at, least_seconds)

    def known(self, value: str) -> Credential | None:
        """The credential of a value, whether it works or not."""
        return self._by_value.get(value)

    def working(self, value: str, place: str = "") -> Credential | None:
        """The credential of a value that works at a place now, and not before it has propagated or after it has expired."""
        found, now = self._by_value.get(value), self._clock.now()
        return found if found and found.alive.seen(now, place) and not found.expired(now) else None

    def listed(self) -> Iterator[Credential]:
        return (credential for credential in self._by_value.values() if credential.listed)

    def by_id(self, identity: str) -> Credential | None:
        return next((credential for credential in self.listed() if credential.id == identity), None)

    def every(self) -> Iterator[Credential]:
        return iter(self._by_value.values())
