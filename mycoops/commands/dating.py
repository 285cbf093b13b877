"""`mycoops calendar`: the rotation windows, and when each credential is due, by whom; from declarations and the vault's dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mycoops.checklist import QUARTER_MONTH, Quarter, next_window
from mycoops.due import Due
from mycoops.session import Fleet

COUNT = 4
"""How many windows are shown where no year is named."""


@dataclass(frozen=True, slots=True)
class Window:
    """One rotation window; `credentials` are those that are due in it as things stand, or by its end."""

    quarter: str
    opens: str
    closes: str
    owner: str
    credentials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dated:
    """When one credential is due: from `due` on, until `closes`; by its window or by its cadence."""

    credential: str
    owner: str
    generation: int
    rotated: str
    due: str
    closes: str
    by: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """The windows of a time, and the dates of the credentials that are due in it or overdue."""

    fleet: str
    windows: list[Window]
    credentials: list[Dated]


def calendar(fleet: Fleet, today: date | None = None, *, year: int | None = None) -> Calendar:
    """The windows of a year; the next four, that now open included, where none is named."""
    day = today or datetime.now(UTC).date()
    dates, store = fleet.dues(day), fleet.facts()
    quarters = _quarters(fleet, day, year)
    until = date(year, 12, 31) if year else date.max
    since = date(year, 1, 1) if year else date.min
    numbers = {name: meta.generation if (meta := store.meta(name)) else 0 for name in dates}
    dated = [_dated(one, numbers[name]) for name, one in dates.items() if since <= one.opens <= until]
    return Calendar(fleet.catalogue.fleet.name, [_window(fleet, quarter, dates, day) for quarter in quarters], dated)


def _quarters(fleet: Fleet, day: date, year: int | None) -> list[Quarter]:
    windows = fleet.catalogue.fleet.windows
    if year:
        return [Quarter(name, year, windows) for name in QUARTER_MONTH]
    found: list[Quarter] = []
    while len(found) < COUNT:
        found.append(next_window(day, windows))
        day = found[-1].closes + timedelta(days=1)
    return found


def _window(fleet: Fleet, quarter: Quarter, dates: dict[str, Due], day: date) -> Window:
    """Of a window that is over only those are named that it did not serve."""
    if quarter.closes < day:
        names = tuple(name for name, one in dates.items() if one.overdue and one.rotated and one.closes <= quarter.closes)
    else:
        names = tuple(name for name, one in dates.items() if one.opens <= quarter.closes)
    return Window(quarter.label, quarter.opens.isoformat(), quarter.closes.isoformat(), fleet.catalogue.fleet.owner, names)


def _dated(due: Due, generation: int) -> Dated:
    rotated = due.rotated.isoformat() if due.rotated else ""
    return Dated(due.credential, due.owner, generation, rotated, due.opens.isoformat(), due.closes.isoformat(), due.by, due.overdue)
