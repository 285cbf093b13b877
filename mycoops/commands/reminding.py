"""`mycoops remind`: what is overdue, due soon, waiting or drifted, told to the fleet's targets; names and dates, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mycoops import last_drift, notifier, targets
from mycoops.commands import looking
from mycoops.errors import Exit, StepFailed
from mycoops.last_drift import LastDrift
from mycoops.session import Fleet


@dataclass(frozen=True, slots=True)
class Reminder:
    """What a fleet has to be reminded of, each as one line."""

    fleet: str
    emergency: tuple[str, ...]
    overdue: tuple[str, ...]
    due: tuple[str, ...]
    waiting: tuple[str, ...]
    drift: tuple[str, ...]

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The lines by what they are about, the gravest first; without those that are empty."""
        told = {
            "EMERGENCY": self.emergency,
            "overdue": self.overdue,
            "waiting": self.waiting,
            "due": self.due,
            "drift": self.drift,
        }
        return {name: lines for name, lines in told.items() if lines}

    @property
    def grave(self) -> bool:
        """Whether it is more than what comes by itself."""
        return bool(self.emergency or self.overdue)

    @property
    def title(self) -> str:
        """All of it in one line."""
        return f"{self.fleet}: " + (", ".join(f"{len(lines)} {name}" for name, lines in self.parts.items()) or "nothing due")

    @property
    def text(self) -> str:
        """All of it."""
        return "\n\n".join("\n".join([f"{name}:", *(f"- {line}" for line in lines)]) for name, lines in self.parts.items())


def reminder(fleet: Fleet, today: date | None = None) -> Reminder:
    """What there is to remind of on a day, without a password, and without asking a host."""
    day = today or datetime.now(UTC).date()
    dates, found = fleet.dues(day), looking.status(fleet, day)
    soon = day + timedelta(days=fleet.catalogue.fleet.reminders.ahead_days)
    rows = [(one, dates[one.credential]) for one in found]
    return Reminder(
        fleet=fleet.catalogue.fleet.name,
        emergency=tuple(f"{one.credential}: {one.waiting_for} → {one.next}" for one, _ in rows if one.emergency_since),
        overdue=tuple(
            f"{one.credential} ({due.owner}): {f'until {due.closes}' if due.rotated else 'no value'} → {one.next}"
            for one, due in rows
            if due.overdue
        ),
        due=tuple(
            f"{one.credential} ({due.owner}): {due.opens} to {due.closes}"
            for one, due in rows
            if not due.overdue and due.opens <= soon
        ),
        waiting=tuple(
            f"{one.credential} ({due.owner}): {one.waiting_for} → {one.next or 'nothing to do'}"
            for one, due in rows
            if one.waiting_for and one.generation and not (one.emergency_since or due.ahead)
        ),
        drift=_drift(last_drift.load(fleet.settings.state)),
    )


def _drift(last: LastDrift | None) -> tuple[str, ...]:
    if last is None or last.status == Exit.DONE:
        return ()
    when = f"{datetime.fromtimestamp(last.ended, UTC):%Y-%m-%d %H:%M} UTC"
    lines = [
        f"{host.host}: {', '.join(f'{count} {what}' for what, count in host.findings.items())} ({when}) → mycoops drift"
        for host in last.hosts
        if host.findings
    ]
    silent = [f"{host.host}: not all of it could be asked ({when}) → mycoops drift" for host in last.hosts if not host.asked]
    return (*lines, *silent) or (f"the last look ended with status {last.status} ({when}) → mycoops drift",)


def send(fleet: Fleet, told: Reminder) -> list[notifier.Target]:
    """Send it to every target; nothing is sent where there is nothing to remind of. Raises StepFailed for those not reached."""
    known = targets.load(fleet.catalogue.fleet.reminders, fleet.settings, fleet.source.at("mycoops_fleet", "reminders"))
    if not told.parts:
        return []
    reached, wrong = notifier.send(known, told.title, told.text, grave=told.grave)
    if wrong:
        hint = f"Mend that, and run `mycoops remind` again; {len(reached)} of {len(known)} have it."
        raise StepFailed("\n".join(["not every target was reached", *wrong]), hint=hint)
    return reached
