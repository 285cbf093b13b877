"""The points at which a controller can die: before and after every durable write, and at every effect outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from mycoops import durable, vault, vault_file
from mycoops.drill.cipher import QuickVault


class Crash(BaseException):
    """The controller dies at this point."""


@dataclass
class Clock:
    """Counts every point at which a controller can die; dies at those chosen; tells `seen` of the others."""

    at: set[int] = field(default_factory=set)
    points: list[str] = field(default_factory=list)
    seen: Callable[[str], None] = lambda what: None

    def tick(self, what: str) -> None:
        """One point."""
        self.points.append(what)
        if len(self.points) in self.at:
            raise Crash(f"{len(self.points)}: {what}")
        self.seen(what)


class Watched(Protocol):
    """What is told of durable writes."""

    clock: Clock

    def written(self) -> None:
        """The store on disk has changed."""


@contextmanager
def watching(current: Callable[[], Watched | None], *, quick: bool = True) -> Iterator[None]:
    """Within the block every durable write is a point before and a point after, for whoever is watched at that moment.

    Where it is `quick`, the vault's cipher is one that costs nothing; the shape of its text and the way it is written stay."""
    parsed = lru_cache(maxsize=64)(vault_file.parse)
    changed: list[tuple[Any, str, Any]] = [(vault, "VaultLib", QuickVault), (vault, "parse", parsed)] if quick else []
    for name, what in NAMED.items():
        changed.append((durable, name, _acting(name, what, current)))
    before = [(module, name, getattr(module, name)) for module, name, _ in changed]
    for module, name, new in changed:
        setattr(module, name, new)
    try:
        yield
    finally:
        for module, name, old in before:
            setattr(module, name, old)


def _acting(name: str, what: Callable[..., str], current: Callable[[], Watched | None]) -> Callable[..., None]:
    real = getattr(durable, name)

    def acting(path: Path, *rest: Any, **more: Any) -> None:
        watched = current()
        if watched is None:
            real(path, *rest, **more)
            return
        point = what(path, *rest)
        watched.clock.tick(f"before {point}")
        real(path, *rest, **more)
        if name != "append":
            watched.written()
        watched.clock.tick(f"after {point}")

    return acting


def told(line: bytes) -> str:
    """A record in few words, for the name of a point."""
    record = json.loads(line)
    return " ".join(str(record[name]) for name in ("event", "credential", "state", "service", "stage", "fact") if name in record)


NAMED: dict[str, Callable[..., str]] = {
    "append": lambda path, line: f"the record {told(line)}",
    "replace": lambda path, *_: f"the write of {path.name}",
    "remove": lambda path: f"the removal of {path.name}",
}
"""Every way to make something durable, and what its points are called."""
