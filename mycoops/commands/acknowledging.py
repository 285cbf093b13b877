"""`mycoops acknowledge` and `mycoops waive`: what a person says of a consumer that mycoops cannot reach, into the open journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from mycoops import account, editor, lease, settings, stale
from mycoops.commands.rendering import render_log
from mycoops.consumer import Consumer
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.journal import Journal
from mycoops.ledger import Standing
from mycoops.model import Stage
from mycoops.session import Fleet

LONGEST, SUGGESTED = 366, 30
"""Days: a waiver is for a while."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was recorded of a consumer, by whom, and the command that goes on."""

    credential: str
    consumer: str
    generation: int
    by: str
    until: str
    next: str


def acknowledge(fleet: Fleet, credential: str, consumer: str) -> Said:
    """Record that a person has put the value there that an open rotation asks for, the old one where it goes back.

    Raises WrongUsage for a consumer that is not declared, ConfigurationError where nobody waits for it."""
    declared = _declared(fleet, credential, consumer)
    if not declared.manual:
        fix = f"`mycoops pull --as {declared.developer}`" if declared.developer else "`mycoops resume` writes it"
        raise ConfigurationError(f"{declared.name} acknowledges by itself", hint=f"{fix}.")

    def facts(standing: Standing) -> dict[str, Any]:
        return {"generation": _generation(standing, declared)}

    return _said(fleet, credential, declared, "acknowledged", facts)


def waive(fleet: Fleet, credential: str, consumer: str, until: str, reason: str) -> Said:
    """Record that an open rotation goes on without the acknowledgement of a consumer outside the hosts, until a day, and why.

    Raises WrongUsage for a day that is none, or too far, or without a reason; else as `acknowledge`."""
    declared = _declared(fleet, credential, consumer)
    if not reason.strip():
        raise WrongUsage("a waiver without a reason", hint="Say why: --reason TEXT.")
    day, today = _day(until), datetime.now(UTC).date()
    if not today <= day <= date.fromordinal(today.toordinal() + LONGEST):
        hint = f"Give a day within the next year: --until {today + timedelta(days=SUGGESTED)}."
        raise WrongUsage(f"{until} is over, or more than a year away", hint=hint)

    def facts(standing: Standing) -> dict[str, Any]:
        return {"until": day.isoformat(), "reason": " ".join(reason.split()), "generation": _generation(standing, declared)}

    return _said(fleet, credential, declared, "waived", facts)


def show(fleet: Fleet, credential: str, consumer: str) -> None:
    """Open the value that a rotation asks a person to put somewhere in their editor, in memory; nothing is written back."""
    declared = _declared(fleet, credential, consumer)
    _, standing = _asking(fleet, credential, declared)
    editor.edited(credential, fleet.store().secret(credential, _generation(standing, declared)))


def _said(fleet: Fleet, credential: str, consumer: Consumer, event: str, facts: Callable[[Standing], dict[str, Any]]) -> Said:
    with lease.hold(fleet.settings.state, event):
        stale.refuse(fleet)
        path, standing = _asking(fleet, credential, consumer)
        told, by = facts(standing), account.here()
        written = Journal(path, settings.install_key(fleet.settings))
        written.write(event, credential=credential, service=consumer.name, by=by, **told)
        render_log(fleet)
        following = "mycoops abort" if standing.aborting else "mycoops resume"
        return Said(credential, consumer.name, told["generation"], by, told.get("until", ""), following)


def _generation(standing: Standing, consumer: Consumer) -> int:
    """The generation that a consumer is asked to hold: on the way back the old one."""
    return standing.from_generation if standing.aborting else standing.to_generation


def _declared(fleet: Fleet, credential: str, consumer: str) -> Consumer:
    """The consumer outside the hosts of this name, or of the part of it after the first colon."""
    if credential not in fleet.catalogue.credentials:
        raise WrongUsage(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    outside = fleet.catalogue.credentials[credential].outside
    found = [one for one in outside if consumer in (one.name, one.name.partition(":")[2])]
    if len(found) != 1:
        names = ", ".join(one.name for one in outside)
        hint = f"One of: {names}." if names else "It has none: services and the rotator acknowledge by themselves."
        raise WrongUsage(f"{credential} has no consumer {consumer} outside the hosts", hint=hint)
    return found[0]


def _asking(fleet: Fleet, credential: str, consumer: Consumer) -> tuple[Path, Standing]:
    """The journal of the rotation that waits for a consumer, and how it stands there."""
    for path, run in fleet.runs().items():
        standing = run.rotations.get(credential)
        stage = standing.stages.get(consumer.name) if standing and standing.open else None
        if standing and stage and (standing.aborting or stage is not Stage.ACKNOWLEDGED) and stage is not Stage.ROLLED_BACK:
            return path, standing
    hint = "`mycoops status` shows what is waited for."
    raise ConfigurationError(f"no rotation of {credential} waits for {consumer.name}", hint=hint)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a day", hint="Write it like 2031-02-28.") from None
