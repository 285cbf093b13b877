"""A quarter as one plan: plain data with a digest; the engine refuses any other plan's digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from mycoops.model import Overlap, Verb


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds of a credential: its current generation and slot, and the highest number ever used."""

    generation: int
    slot: str
    highest: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """One credential's part of a plan."""

    credential: str
    kind: str
    overlap: Overlap
    category: str
    from_generation: int
    to_generation: int
    from_slot: str
    to_slot: str
    from_principal: str
    to_principal: str
    segment: int
    approval: bool = False
    """Whether a second person has to approve before its point of no return."""


@dataclass(frozen=True, slots=True)
class Move:
    """One step: a verb on some credentials, on one authority service or one wave of services."""

    id: str
    verb: Verb
    credentials: tuple[str, ...]
    services: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    forward_only: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """How often a service restarts in this plan, and why."""

    service: str
    host: str
    count: int
    reloads: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run will do, before it does any of it."""

    fleet: str
    label: str
    reason: str
    rotations: tuple[Rotation, ...]
    moves: tuple[Move, ...]
    restarts: tuple[Restart, ...]
    human_steps: tuple[dict[str, str], ...] = ()
    not_applicable: tuple[dict[str, str], ...] = ()
    digest: str = field(default="", compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain data, for `--json` and for the journal."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        data["point_of_no_return"] = next((move.id for move in self.moves if move.forward_only), "")
        return data


def digest(plan: Plan) -> str:
    """Name the plan by everything in it but its digest."""
    data = {name: value for name, value in asdict(plan).items() if name != "digest"}
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def plan_of(data: dict[str, Any]) -> Plan:
    """The plan a journal was opened with."""
    rotations = tuple(Rotation(**{**entry, "overlap": Overlap(entry["overlap"])}) for entry in data["rotations"])
    moves = tuple(
        Move(
            entry["id"],
            Verb(entry["verb"]),
            tuple(entry["credentials"]),
            tuple(entry["services"]),
            tuple(entry["hosts"]),
            bool(entry["forward_only"]),
        )
        for entry in data["moves"]
    )
    restarts = tuple(Restart(**{**entry, "why": tuple(entry["why"])}) for entry in data["restarts"])
    return Plan(
        data["fleet"],
        data["label"],
        data["reason"],
        rotations,
        moves,
        restarts,
        tuple(data["human_steps"]),
        tuple(data["not_applicable"]),
        data["digest"],
    )
