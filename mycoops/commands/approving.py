"""`mycoops approve`: a second person agrees to the plan of an open rotation before its point of no return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mycoops import account, lease, settings, stale
from mycoops.commands.rendering import render_log
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.journal import Journal
from mycoops.ledger import Run
from mycoops.session import Fleet

NEXT = "mycoops resume"


@dataclass(frozen=True, slots=True)
class Part:
    """One credential that waits for, or will need, the approval."""

    credential: str
    overlap: str
    from_generation: int
    to_generation: int
    state: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """What is approved: a plan, its credentials, the moves from which there is no way back; and by whom."""

    digest: str
    label: str
    reason: str
    operators: tuple[str, ...]
    parts: tuple[Part, ...]
    forward_only: tuple[str, ...]
    services: tuple[str, ...]
    journal: str
    by: str
    next: str = NEXT


def asked(fleet: Fleet, digest: str) -> Approval:
    """What this person would approve. Raises WrongUsage for a digest no open rotation has, and ConfigurationError for somebody
    who has opened or resumed that rotation, or where nothing of it waits for an approval."""
    path, run = _open(fleet, digest)
    by = account.here()
    if run.operated(by):
        raise ConfigurationError(
            f"{account.of(by)} has opened or resumed this rotation: its approval is somebody else's",
            hint=f"Another person, logged in with an account of their own, runs `mycoops approve {digest}`.",
        )
    if run.approved:
        raise ConfigurationError(f"{run.approved['by']} has approved this plan already", hint=f"Go on: `{NEXT}`.")
    names = [name for name in run.rotations if run.lacks_approval(name)]
    if not names:
        raise ConfigurationError("nothing of this plan waits for an approval", hint="`mycoops status` says what it waits for.")
    return _approval(fleet, run, digest, names, path, by)


def approve(fleet: Fleet, digest: str) -> Approval:
    """Record the approval, durable and chained, under the lease; raises what `asked` raises."""
    with lease.hold(fleet.settings.state, "approve"):
        stale.refuse(fleet)
        made = asked(fleet, digest)
        path = fleet.settings.journals / made.journal
        Journal(path, settings.install_key(fleet.settings)).write("approved", by=made.by, digest=digest)
        render_log(fleet)
        return made


def _open(fleet: Fleet, digest: str) -> tuple[Path, Run]:
    runs = fleet.runs()
    for path, run in runs.items():
        if run.open and run.plan["digest"] == digest:
            return path, run
    known = [run.plan["digest"] for run in runs.values() if run.open]
    over = any(run.plan["digest"] == digest for run in runs.values())
    hint = f"Open: {', '.join(known)}." if known else "No rotation is open; `mycoops status` shows where everything stands."
    raise WrongUsage(f"the rotation of plan {digest} is over" if over else f"no open rotation has the plan {digest}", hint=hint)


def _approval(fleet: Fleet, run: Run, digest: str, names: list[str], path: Path, by: str) -> Approval:
    users = {
        name: tuple(consumer.name for consumer in fleet.catalogue.credentials[name].consumers)
        for name in names
        if name in fleet.catalogue.credentials
    }
    parts = tuple(
        Part(
            entry["credential"],
            entry["overlap"],
            entry["from_generation"],
            run.rotations[entry["credential"]].to_generation,
            str(run.rotations[entry["credential"]].shown),
            users.get(entry["credential"], ()),
        )
        for entry in run.plan["rotations"]
        if entry["credential"] in names
    )
    moves = tuple(move["id"] for move in run.plan["moves"] if move["forward_only"] and set(move["credentials"]) & set(names))
    services = tuple(dict.fromkeys(service for part in parts for service in part.services))
    plan = run.plan
    return Approval(
        digest, plan["label"], run.reason or plan["reason"], tuple(run.operators), parts, moves, services, path.name, by
    )
