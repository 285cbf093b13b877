"""Authorities of a scripted world: each knows the values it accepts now, and what its kind's entries do to them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from mycoops.model import Outcome
from mycoops.secret import generate

Body = dict[str, Any]


class Refused(Exception):
    """An entry answers with an error of this code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message or code


@dataclass
class Authority:
    """What all have in common: `trust` accepts anything, `immortal` only says that it revoked, `policy` rejects so many values.

    Logins notice a change `lag` seconds after it was made; the next `throttle` of them are turned away as too many."""

    trust: bool = False
    immortal: bool = False
    policy: int = 0
    down: bool = False
    outage: bool = False
    throttle: int = 0
    lag: float = 0.0
    changes: list[tuple[float, Authority]] = field(default_factory=list)

    def changing(self, now: float) -> None:
        """Something is about to be changed."""
        if self.lag:
            self.changes.append((now + self.lag, replace(copy.deepcopy(self), changes=[])))

    def felt(self, now: float) -> Authority:
        """What logins notice of it."""
        return next((before for until, before in self.changes if now < until), self)

    def valid(self) -> dict[str, str]:
        """The values accepted now, each with the tag it can be found by, or an empty one."""
        raise NotImplementedError

    def holds(self, principal: str, value: str) -> bool:
        """Whether this login works."""
        raise NotImplementedError

    def ask(self, principal: str, value: str, now: float = 0.0) -> Outcome:
        """A fresh login."""
        if self.down:
            return Outcome.UNREACHABLE
        if self.throttle:
            self.throttle -= 1
            return Outcome.THROTTLED
        if self.trust:
            return Outcome.ACCEPTED
        return Outcome.ACCEPTED if not self.outage and self.felt(now).holds(principal, value) else Outcome.REFUSED

    def reject(self) -> None:
        """Refuse a value by policy as often as the script says."""
        if self.policy:
            self.policy -= 1
            raise Refused("rejected", "the policy does not take this value")


@dataclass
class Logins(Authority):
    """Two login names take turns (O1 with slots)."""

    names: dict[str, str] = field(default_factory=dict)

    def valid(self) -> dict[str, str]:
        return dict.fromkeys(self.names.values(), "")

    def holds(self, principal: str, value: str) -> bool:
        return self.names.get(principal) == value

    def mint(self, body: Body, value: str) -> None:
        self.reject()
        self.names[body["principal"]] = value

    def revoke(self, body: Body, value: str) -> None:
        if not self.immortal:
            self.names.pop(body["previous_principal"], None)


@dataclass
class Tokens(Authority):
    """A set of values, some with a tag (O1 without slots, O2, O3)."""

    tokens: dict[str, str] = field(default_factory=dict)

    def valid(self) -> dict[str, str]:
        return dict(self.tokens)

    def holds(self, principal: str, value: str) -> bool:
        return value in self.tokens

    def mint(self, body: Body, value: str) -> None:
        self.reject()
        self.tokens.setdefault(value, "")

    def revoke(self, body: Body, value: str) -> None:
        if not self.immortal:
            self.tokens.pop(value, None)

    def make(self, tag: str = "") -> str:
        """The provider makes a value and shows it once."""
        value = generate("token").reveal()
        self.tokens[value] = tag
        return value

    def forget(self, tag: str) -> None:
        """Delete whatever carries the tag."""
        for value in [value for value, other in self.tokens.items() if other == tag]:
            del self.tokens[value]


@dataclass
class Single(Authority):
    """One slot (O4, O6): a new value kills the old one. `kept` is what an armed timer would put back."""

    value: str = ""
    kept: str = ""
    tag: str = ""

    def valid(self) -> dict[str, str]:
        return {self.value: self.tag}

    def holds(self, principal: str, value: str) -> bool:
        return value == self.value

    def stage(self) -> None:
        self.kept = self.kept or self.value

    def cutover(self, value: str) -> None:
        self.reject()
        self.stage()
        self.value = value

    def roll(self, tag: str) -> str:
        """The provider replaces the value and shows the new one once (O5)."""
        self.value, self.tag = generate("token").reveal(), tag
        return self.value

    def confirm(self, wanted: str) -> None:
        if wanted != self.value:
            raise Refused("not_in_force")
        self.kept = ""

    def restore(self, wanted: str) -> None:
        self.value, self.kept = self.kept or self.value, ""
        if wanted != self.value:
            raise Refused("nothing_to_restore")

    def fire(self) -> None:
        """The timer puts the old value back."""
        self.value, self.kept = self.kept or self.value, ""


@dataclass
class Grant(Authority):
    """A value that replaces itself when it is used (O7): the one before works for a while, and leads to the same next one."""

    value: str = ""
    before: str = ""

    def valid(self) -> dict[str, str]:
        """The value in force can be asked for again as long as the one before it works."""
        return {self.value: self.before, **({self.before: ""} if self.before else {})}

    def holds(self, principal: str, value: str) -> bool:
        return value in (self.value, self.before)

    def refresh(self, value: str) -> str:
        """Use a value: the next one comes back."""
        if value == self.value:
            self.value, self.before = generate("token").reveal(), value
        elif value != self.before:
            raise Refused("invalid_grant", "the provider takes this value no more")
        return self.value

    def expire(self) -> None:
        """A day passes: the one before is refused."""
        self.before = ""
