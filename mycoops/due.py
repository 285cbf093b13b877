"""When each credential is due, by its window or its own cadence, whichever comes first, and whether that has passed; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mycoops.catalogue import Catalogue
from mycoops.checklist import Windows, due_window, next_window, quarter_of

SKEW = timedelta(days=1)
"""How far ahead of this clock a date may lie that another machine has set."""


@dataclass(frozen=True, slots=True)
class Due:
    """When one credential has to be rotated: from `opens` on, and no later than `closes`."""

    credential: str
    owner: str
    rotated: date | None
    """The day its value is from; None where it has none, or that is not known."""
    opens: date
    closes: date
    by: str
    """The window, as `2026-Q2`, or `cadence`."""
    overdue: bool
    ahead: bool = False
    """Whether the day its value is from has not come yet: a clock was wrong."""


def due(rotated: date, windows: Windows, cadence: int | None) -> tuple[date, date, str]:
    """From when on a value of a day has to be replaced, until when, and by what: its window, or its cadence if that comes first.

    A cadence that ends within the window is served by the window."""
    window = due_window(rotated, windows)
    if cadence and (end := rotated + timedelta(days=cadence)) < window.opens:
        return end, end, "cadence"
    return window.opens, window.closes, window.label


def dues(catalogue: Catalogue, created: Mapping[str, str], day: date) -> dict[str, Due]:
    """Every credential of a fleet on a day, by the moments (ISO 8601) their values are from."""
    return {name: _one(name, catalogue, created.get(name, ""), day) for name in catalogue.credentials}


def _one(name: str, catalogue: Catalogue, created: str, day: date) -> Due:
    windows, owner = catalogue.fleet.windows, catalogue.owner_of(name)
    made = datetime.fromisoformat(created).date() if created else None
    ahead = bool(made and made > day + SKEW)
    if made is None or ahead:
        window = next_window(day, windows)
        return Due(name, owner, made, window.opens, window.closes, window.label, overdue=True, ahead=ahead)
    opens, closes, by = due(made, windows, catalogue.credentials[name].cadence_days)
    return Due(name, owner, made, opens, closes, by, overdue=closes < day)


def beyond(found: Iterable[Due], day: date, windows: Windows) -> str:
    """What a rotation outside a window adds to its reason: that it is, and since when what is overdue. Empty within one."""
    here = quarter_of(day, windows)
    if here.opens <= day <= here.closes:
        return ""
    since: dict[str, list[str]] = {}
    for one in found:
        if one.overdue and one.rotated and not one.ahead:
            since.setdefault((one.closes + timedelta(days=1)).isoformat(), []).append(one.credential)
    late = [f"overdue since {when}: {', '.join(names)}" for when, names in sorted(since.items())]
    return "; ".join(["outside the window", *late])
