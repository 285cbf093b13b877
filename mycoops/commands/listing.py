"""`mycoops vault list`: what the store keeps, by name and number; it needs no password and shows no value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from mycoops.session import Fleet


@dataclass(frozen=True, slots=True)
class Kept:
    """One credential as the store keeps it; a generation of 0 is none. Age in days, -1 where it is not known."""

    credential: str
    kind: str
    generation: int
    slot: str
    created: str
    age_days: int
    candidates: tuple[int, ...]
    """Pending generations that are newer than the current one."""
    old: tuple[int, ...]
    """Pending generations that are older: not seen refused yet."""


def kept(fleet: Fleet, today: date | None = None) -> list[Kept]:
    """Every declared credential, then whatever else the store holds; a `kind` that is empty says that it is not declared."""
    store, declared = fleet.facts(), fleet.catalogue.credentials
    day = today or datetime.now(UTC).date()
    names = dict.fromkeys([*declared, *(meta.credential for meta in store.metas()), *(name for name, _ in store.kept())])
    found = []
    for name in names:
        meta, pending = store.meta(name), store.pending(name)
        number = meta.generation if meta else 0
        found.append(
            Kept(
                credential=name,
                kind=declared[name].kind if name in declared else "",
                generation=number,
                slot=meta.slot if meta else "",
                created=meta.created if meta else "",
                age_days=_age(meta.created, day) if meta else -1,
                candidates=tuple(other for other in pending if other > number),
                old=tuple(other for other in pending if other < number),
            )
        )
    return found


def _age(created: str, day: date) -> int:
    return max(0, (day - datetime.fromisoformat(created).date()).days) if created else -1
