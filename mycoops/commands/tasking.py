"""`mycoops todo`: what persons have to do for the rotations that are open, from declarations and journals alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mycoops.exposure import is_past
from mycoops.kinds import HumanStep
from mycoops.ledger import Standing
from mycoops.session import Fleet


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a person: what, where, by whom, until when, and the command that says it is done."""

    credential: str
    step: str
    page: str
    prefix: str
    """How a value that is to be brought begins, and its length; empty and 0 where that is not known, or nothing is brought."""
    length: int
    owner: str
    deadline: str
    overdue: bool
    next: str


def tasks(fleet: Fleet, now: datetime | None = None) -> list[Task]:
    """Every open step, the one that is due first first."""
    moment = now or datetime.now(UTC)
    found = [task for run in fleet.runs().values() for one in run.rotations.values() for task in _task(fleet, one, moment)]
    return sorted(found, key=lambda task: (task.deadline or "9", task.credential))


def _task(fleet: Fleet, standing: Standing, now: datetime) -> Iterator[Task]:
    """The step that a rotation waits for, also where it stopped because what was brought is refused."""
    name, bring = standing.credential, f"mycoops provide {standing.credential}"
    declared = fleet.catalogue.credentials.get(name)
    following = standing.waiting.get("next") or (standing.next_command if standing.next_command == bring else "")
    if not (standing.open and following):
        return
    kind = fleet.kinds.get(declared.kind) if declared else None
    step = kind.step(declared.authority.options) if kind and declared else None
    shape = step if step and following == bring else HumanStep(page="", instruction="")
    deadline = str(standing.waiting.get("deadline") or standing.deadlines.get(following, ""))
    yield Task(
        credential=name,
        step=str(standing.waiting.get("step") or f"{shape.instruction or 'make a new value'}: {standing.blocked}"),
        page=str(standing.waiting.get("page") or shape.page),
        prefix=shape.prefix,
        length=shape.length,
        owner=fleet.catalogue.owner(name) if declared else fleet.catalogue.fleet.owner,
        deadline=deadline,
        overdue=is_past(deadline, now),
        next=following,
    )
