"""The words of the protocol as types; no input or output happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Overlap(StrEnum):
    """How many values an authority accepts at once, and who makes them: all the engine branches on."""

    O1 = "O1"
    O2 = "O2"
    O3 = "O3"
    O4 = "O4"
    O5 = "O5"
    O6 = "O6"
    O7 = "O7"

    @property
    def two_valid(self) -> bool:
        """Whether old and new are accepted side by side."""
        return self in (Overlap.O1, Overlap.O2, Overlap.O3)

    @property
    def one_slot(self) -> bool:
        """Whether there is a cut: the new value replaces the old in one instant."""
        return self in (Overlap.O4, Overlap.O5, Overlap.O6)

    @property
    def mutating(self) -> bool:
        """Whether using the value replaces it: whoever refreshes has to be the only one."""
        return self is Overlap.O7

    @property
    def needs_person(self) -> bool:
        """Whether a person makes the value in a web console."""
        return self in (Overlap.O3, Overlap.O6)

    @property
    def provider_mints(self) -> bool:
        """Whether the provider returns the value to a call of ours."""
        return self in (Overlap.O2, Overlap.O5, Overlap.O7)

    @property
    def known_ahead(self) -> bool:
        """Whether there is a cut, and a value before it, so that consumers can be given it beforehand."""
        return self.one_slot and not (self.needs_person or self.provider_mints)


class State(StrEnum):
    """Where the rotation of one credential stands."""

    PLANNED = "PLANNED"
    PREFLIGHT = "PREFLIGHT"
    MINTING = "MINTING"
    MINTED = "MINTED"
    ACTIVATED = "ACTIVATED"
    VERIFIED = "VERIFIED"
    STAGED = "STAGED"
    CUTOVER = "CUTOVER"
    SWITCHING = "SWITCHING"
    SWITCHED = "SWITCHED"
    SOAKING = "SOAKING"
    PROMOTED = "PROMOTED"
    REVOKING = "REVOKING"
    REVOKED = "REVOKED"
    PROVEN_DEAD = "PROVEN_DEAD"
    CLOSED = "CLOSED"
    WAITING_HUMAN = "WAITING_HUMAN"
    BLOCKED = "BLOCKED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    ABORTED = "ABORTED"
    REVOKE_PENDING = "REVOKE_PENDING"
    QUARANTINED = "QUARANTINED"
    LEASE = "LEASE"
    REFRESH = "REFRESH"
    PERSISTED = "PERSISTED"
    RELEASED = "RELEASED"


ENDED = frozenset({State.CLOSED, State.ABORTED, State.ROLLED_BACK})
"""States after which a rotation is over."""

ORDER = (
    State.PLANNED,
    State.PREFLIGHT,
    State.LEASE,
    State.REFRESH,
    State.MINTING,
    State.MINTED,
    State.ACTIVATED,
    State.VERIFIED,
    State.STAGED,
    State.CUTOVER,
    State.SWITCHING,
    State.SWITCHED,
    State.SOAKING,
    State.PROMOTED,
    State.PERSISTED,
    State.REVOKING,
    State.REVOKED,
    State.RELEASED,
    State.PROVEN_DEAD,
    State.CLOSED,
)
"""The main line; side states keep the place on it that was reached before. LEASE, REFRESH, PERSISTED and RELEASED are O7's."""


class Stage(StrEnum):
    """Where one consumer stands in SWITCHING."""

    STAGED = "staged"
    SWITCHING = "switching"
    FLIPPED = "flipped"
    RESTARTED = "restarted"
    HEALTHY = "healthy"
    ACKNOWLEDGED = "acknowledged"
    ROLLED_BACK = "rolled_back"


class Outcome(StrEnum):
    """What a probe saw. Only `accepted` proves live, only `refused` beside a refused control proves dead."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"

    @property
    def informative(self) -> bool:
        """Whether it says anything about the credential."""
        return self in (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.FORBIDDEN)


class Verb(StrEnum):
    """What a move does; each is a playbook or an act of the controller."""

    PREFLIGHT = "preflight"
    REFRESH = "refresh"
    RELEASE = "release"
    MINT = "mint"
    ACCEPT = "accept"
    VERIFY = "verify"
    STAGE = "stage"
    CUTOVER = "cutover"
    SWITCH = "switch"
    SOAK = "soak"
    PROMOTE = "promote"
    REVOKE = "revoke"
    DROP = "drop"
    PROVE = "prove"
    CLOSE = "close"


FORWARD_ONLY = frozenset({Verb.REFRESH, Verb.CUTOVER, Verb.REVOKE, Verb.DROP})
"""From the first effect of one of these there is no way back."""


UNPROVEN = "not proven"
"""What is said of a value that nobody can probe, wherever else a proof would stand."""

CONTROL_NODE = "control node"
"""What the machine mycoops runs on is called among hosts."""


@dataclass(frozen=True, slots=True)
class Item:
    """One call of one entry point of a kind on one host; holds references, never values."""

    id: str
    entry: str
    host: str
    credential: str
    kind: str
    body: dict[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """What the role receives as `mycoops_item`."""
        fixed = {"id": self.id, "entry": self.entry, "host": self.host, "credential": self.credential, "kind": self.kind}
        return {**self.body, **fixed}


@dataclass(frozen=True, slots=True)
class Reply:
    """What one host answered to one item or delivery. `error` is empty where it was carried out."""

    item: str
    host: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def error(self) -> dict[str, Any]:
        """`{code, message, …}` or an empty dict."""
        return dict(self.data.get("error") or {})

    @property
    def outcome(self) -> Outcome | None:
        """The outcome, if this was a probe."""
        told = str(self.data.get("outcome", ""))
        return Outcome(told) if told in set(Outcome) else None


@dataclass(frozen=True, slots=True)
class Leak:
    """A place where a value was found that must not be there: whose value it was and where, never what it is."""

    credential: str
    generation: int
    place: str
    host: str = ""
    """Empty for the control node."""
    time: str = field(default="", compare=False)
    """When it was found, as the journal has it."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Leak:
        """The leak that a record of a journal tells of."""
        about = record.get("credential", ""), record.get("generation", 0)
        return cls(*about, record["place"], record.get("host", ""), record.get("time", ""))

    def __str__(self) -> str:
        return f"{self.host or CONTROL_NODE}: {self.place}"


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of bringing a value to a place outside the hosts, or of looking at one. It holds no value."""

    problem: str = ""
    """Why it was not done; empty where it was, or where a person has yet to."""
    mark: str = ""
    """What the place says of what it holds, such as when that was written; another mark later is another value."""
    again: bool = False
    """Whether nobody has answered, or the place was busy: the same may work a moment later."""
    seconds: float = 0.0
    """How long the place asks to wait before that."""
    person: bool = False
    """Whether a person has yet to fetch the value and to acknowledge it."""
    evidence: dict[str, str] = field(default_factory=dict)
