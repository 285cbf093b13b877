"""What authorities told of logins with retired principals, kept in this control node's state until it is told again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mycoops import durable
from mycoops.errors import ConfigurationError
from mycoops.retired import Retired

MOST = 100
"""How many addresses are kept of one credential, those seen last."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Refused logins from one address. Times are UTC by the authority's clock; `count` is the least there were."""

    address: str
    host: str
    first: str
    last: str
    count: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the use of one retired principal, and when its authority was last asked."""

    credential: str
    generation: int
    principal: str
    asked: str
    sightings: tuple[Sighting, ...] = ()


def path(state: Path) -> Path:
    """Where it is kept."""
    return state / "sightings.json"


def load(state: Path) -> dict[str, Seen]:
    """Everything that was told so far, by credential. Raises ConfigurationError for a file that cannot be read."""
    place = path(state)
    if not place.exists():
        return {}
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        return {one["credential"]: _seen(one) for one in data}
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{place} cannot be read ({type(error).__name__})"
        raise ConfigurationError(problem, hint="Remove it, and ask the authorities again: `mycoops status --ask`.") from None


def _seen(data: Mapping[str, Any]) -> Seen:
    return Seen(**{**data, "sightings": tuple(Sighting(**one) for one in data["sightings"])})


def of(known: Mapping[str, Seen], one: Retired) -> Seen | None:
    """What is known of this very retirement; of an earlier one of the same credential nothing is told any more."""
    seen = known.get(one.credential)
    return seen if seen and (seen.generation, seen.principal) == (one.generation, one.principal) else None


def add(known: Mapping[str, Seen], one: Retired, told: Iterable[Sighting], asked: str) -> Seen:
    """Take in what an authority tells now. It may have forgotten what it told before, so the greater count stays."""
    before = of(known, one)
    by_address = {sighting.address: sighting for sighting in (before.sightings if before else ())}
    for sighting in told:
        by_address[sighting.address] = _merged(by_address.get(sighting.address), sighting)
    newest = sorted(by_address.values(), key=lambda sighting: sighting.last, reverse=True)[:MOST]
    return Seen(one.credential, one.generation, one.principal, asked, tuple(newest))


def _merged(before: Sighting | None, now: Sighting) -> Sighting:
    if before is None:
        return now
    return replace(
        now,
        host=now.host or before.host,
        first=min(before.first, now.first),
        last=max(before.last, now.last),
        count=max(before.count, now.count),
    )


def save(state: Path, known: Iterable[Seen]) -> None:
    """Keep it, durable."""
    durable.replace(path(state), (json.dumps([asdict(one) for one in known], indent=1) + "\n").encode())


def instant(seconds: float) -> str:
    """A time as text, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
