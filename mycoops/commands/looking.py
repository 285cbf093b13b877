"""`mycoops status` and `log verify`: answers from declarations, vault and journals, without touching a host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from mycoops import chain, lease, sightings, stale
from mycoops.errors import Finding
from mycoops.exposure import Exposure, emergencies, is_past, minute
from mycoops.journal import Verdict
from mycoops.ledger import Standing
from mycoops.model import State
from mycoops.retired import Retired
from mycoops.retired import retired as find_retired
from mycoops.session import Fleet
from mycoops.sightings import Seen

EMERGENCY = "EMERGENCY"
"""The state shown of a credential that leaked and is valid, whatever else is going on with it."""
WALKING = ("rotate", "resume", "abort")
"""The commands that carry rotations on; the lease names one of them while it runs."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where one credential stands and what to do about it."""

    credential: str
    kind: str
    category: str
    generation: int
    state: str
    age_days: int
    due: str
    owner: str
    overdue: bool
    waiting_for: str
    next: str
    retired: Seen | None = None
    """Who still tries the generation before, as far as its authority was asked; None where it cannot tell, or was not."""
    emergency_since: str = ""


def status(fleet: Fleet, today: date | None = None) -> list[Status]:
    """Every credential of the fleet."""
    store, day = fleet.facts(), today or datetime.now(UTC).date()
    runs = fleet.runs().values()
    standings = {name: standing for run in runs for name, standing in run.rotations.items()}
    exposed = emergencies(runs)
    approved = {name: run.approved["by"] for run in runs if run.approved for name, one in run.rotations.items() if one.approval}
    dates = fleet.dues(day)
    running = lease.under_way(fleet.settings.state, WALKING)
    seen = _still_tried(fleet)
    found = []
    for name, declared in fleet.catalogue.credentials.items():
        meta, standing = store.meta(name), standings.get(name)
        due = dates[name]
        waiting, following = _idle(name, "" if meta else fleet.bring(name), due.overdue)
        if standing and standing.open:
            waiting, following = _next(standing, running, approved.get(name, ""))
        if due.ahead and not waiting:
            waiting = f"its date, {due.rotated}, lies ahead: a clock was wrong, and its age is not known"
        if exposure := exposed.get(name):
            waiting, following = _emergency(exposure, standing, running, following)
        found.append(
            Status(
                credential=name,
                kind=declared.kind,
                category=declared.category,
                generation=meta.generation if meta else 0,
                state=EMERGENCY if exposure else str(standing.shown) if standing else "CURRENT" if meta else "MISSING",
                age_days=max(0, (day - due.rotated).days) if due.rotated else 0,
                due=due.opens.isoformat(),
                owner=due.owner,
                overdue=due.overdue,
                waiting_for=waiting,
                next=following,
                retired=seen.get(name),
                emergency_since=exposure.since if exposure else "",
            )
        )
    return found


def doubts(fleet: Fleet) -> list[Finding]:
    """Why what `status` answers may be of yesterday: journals that were written here and are not here any more, or older."""
    return list(stale.journals(fleet))


def _still_tried(fleet: Fleet) -> dict[str, Seen]:
    """By credential, who was last seen trying an old value of it."""
    told = sightings.load(fleet.settings.state)
    return {one.credential: known for one in retired(fleet) if (known := sightings.of(told, one))}


def retired(fleet: Fleet) -> list[Retired]:
    """The principals of the fleet that nobody should use any more, and whose authorities can tell whether somebody does."""
    store, principals = fleet.facts(), {}
    for name, declared in fleet.catalogue.credentials.items():
        if (meta := store.meta(name)) and declared.kind in fleet.kinds:
            principals[name] = fleet.kinds[declared.kind].principal(declared.principal, meta.slot)
    return find_retired(fleet.catalogue, fleet.kinds, fleet.runs().values(), principals)


def _idle(name: str, first: str, overdue: bool) -> tuple[str, str]:
    if first:
        return "a first value", first
    return ("", f"mycoops rotate {name}") if overdue else ("", "")


def _next(standing: Standing, running: str, approved: str) -> tuple[str, str]:
    """What an open rotation waits for, and the command that goes on with it; there is none while a run is at it."""
    if standing.waiting:
        step, page, deadline = (str(standing.waiting.get(name) or "") for name in ("step", "page", "deadline"))
        words = f"{step} ({page})" if page else step
        if is_past(deadline, datetime.now(UTC)):
            words += f"; overdue since {minute(deadline)}: {standing.waiting.get('owner')}"
        return words, str(standing.waiting.get("next", ""))
    if standing.blocked:
        return standing.blocked, standing.next_command
    if running:
        return f"the run under way: {running}", ""
    if standing.aborting:
        return "the run that was interrupted", "mycoops abort"
    if standing.confirmed and standing.state is State.REVOKING:
        return f"the run to go on; that its old value is ended was confirmed by {standing.confirmed}", "mycoops resume"
    return f"the run to go on, approved by {approved}" if approved else "the run that was interrupted", "mycoops resume"


def _emergency(exposure: Exposure, standing: Standing | None, running: str, following: str) -> tuple[str, str]:
    """A value that leaked is replaced: by the rotation that is under way, else by one more; that also closes one that waits to be
    told of it."""
    under_way = standing and standing.open and (running or standing.state is not State.PROVEN_DEAD)
    return str(exposure), following if under_way else f"mycoops rotate {exposure.credential}"


def verify_log(fleet: Fleet) -> list[Verdict]:
    """Check the chain of every journal, offline, and that it still holds what the rendered log, the next journal and this control
    node say it held; without the install key each is unverified."""
    return [verdict for _, verdict in chain.verified(fleet.settings, stale.remembered(fleet))]
