"""What the last look at the whole fleet's drift came to, by counts, kept in this control node's state until the next one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mycoops import durable
from mycoops.drift import Looked
from mycoops.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Host:
    """One host: whether all of it could be asked, and how many findings there were of each sort."""

    host: str
    asked: bool
    findings: dict[str, int]


@dataclass(frozen=True, slots=True)
class LastDrift:
    """When a look ended (seconds since the epoch), how long it took, its exit status, and its hosts."""

    ended: float
    seconds: float
    status: int
    hosts: tuple[Host, ...] = ()


def counted(hosts: Iterable[Looked]) -> tuple[Host, ...]:
    """Count what was found, by what it is."""
    return tuple(Host(one.host, not one.error, dict(sorted(Counter(item.what for item in one.findings).items()))) for one in hosts)


def path(state: Path) -> Path:
    """Where it is kept."""
    return state / "drift.json"


def load(state: Path) -> LastDrift | None:
    """The last look; None before the first. Raises ConfigurationError for a file that cannot be read."""
    place = path(state)
    if not place.exists():
        return None
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        return LastDrift(**{**data, "hosts": tuple(Host(**one) for one in data["hosts"])})
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{place} cannot be read ({type(error).__name__})"
        raise ConfigurationError(problem, hint="Remove it, and look again: `mycoops drift`.") from None


def save(state: Path, last: LastDrift) -> None:
    """Keep it, durable. Raises NotWritten."""
    durable.directory(state, 0o700)
    durable.replace(path(state), (json.dumps(asdict(last), indent=1) + "\n").encode())
