"""`mycoops plan`: what a rotation would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from mycoops.checklist import QUARTER_MONTH, Quarter
from mycoops.due import beyond
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.exposure import emergencies
from mycoops.plan import Held, Plan
from mycoops.planner import make
from mycoops.session import Fleet
from mycoops.vault import Store


def quarter(name: str, year: int | None, fleet: Fleet) -> Quarter:
    """The quarter a command names. Raises ConfigurationError for another word."""
    if name.upper() not in QUARTER_MONTH:
        raise WrongUsage(f"{name} is not a quarter", hint="One of Q1, Q2, Q3, Q4.")
    return Quarter(name.upper(), year or date.today().year, fleet.catalogue.fleet.windows)


def held(fleet: Fleet, store: Store) -> dict[str, Held]:
    """What the store and the journals know of every declared credential that has a value."""
    used: dict[str, int] = {}
    for run in fleet.runs().values():
        for name, standing in run.rotations.items():
            used[name] = max(used.get(name, 0), standing.to_generation)
    found: dict[str, Held] = {}
    for name in fleet.catalogue.credentials:
        if meta := store.meta(name):
            found[name] = Held(meta.generation, meta.slot, max([meta.generation, used.get(name, 0), *store.pending(name)]))
    return found


def plan(fleet: Fleet, store: Store, chosen: Iterable[str], *, label: str, reason: str) -> Plan:
    """The plan for the chosen credentials; all of them where none is named. Raises ConfigurationError for an unknown one."""
    known = held(fleet, store)
    names = _known(fleet, chosen)
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{name} has no value in the vault", hint=f"Give it one: `{fleet.bring(name)}`.")
    return make(fleet.catalogue, fleet.kinds, known, names, label=label, reason=reason)


def why(fleet: Fleet, chosen: Iterable[str], reason: str, today: date | None = None) -> str:
    """The reason of a plan: what was said, whether it is outside the window, what is overdue, and every emergency among the
    chosen credentials, or of the fleet where none is named."""
    names = list(chosen) or list(fleet.catalogue.credentials)
    exposed = emergencies(fleet.runs().values())
    day = today or datetime.now(UTC).date()
    dates = fleet.dues(day)
    late = beyond((dates[name] for name in names if name in dates), day, fleet.catalogue.fleet.windows)
    return "; ".join(
        [reason, *([late] if late else []), *(f"emergency: {name} {exposed[name]}" for name in names if name in exposed)]
    )


def preview(fleet: Fleet, chosen: Iterable[str], *, label: str, reason: str) -> tuple[Plan, list[str]]:
    """The same plan to look at, without the vault password; credentials without a value, which are named too, are planned as
    `provide` would leave them. Raises ConfigurationError for an unknown credential."""
    known = held(fleet, fleet.facts())
    names = _known(fleet, chosen)
    absent = [name for name in names if name not in known]
    for name in absent:
        known[name] = Held(1, fleet.kinds[fleet.catalogue.credentials[name].kind].next_slot(""), 1)
    return make(fleet.catalogue, fleet.kinds, known, names, label=label, reason=reason), absent


def lacking(fleet: Fleet) -> list[str]:
    """The credentials that have no value yet."""
    store = fleet.facts()
    return [name for name in fleet.catalogue.credentials if store.meta(name) is None]


def _known(fleet: Fleet, chosen: Iterable[str]) -> list[str]:
    names = list(chosen) or list(fleet.catalogue.credentials)
    for name in names:
        if name not in fleet.catalogue.credentials:
            raise WrongUsage(f"unknown credential {name}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    return names
