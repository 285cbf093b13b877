"""Which effects of the engine a drill has interrupted: every call in its source that records, stores or acts is a site."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from mycoops import rotation

ENGINE = Path(rotation.__file__).parent
CONTEXT = {"record", "state", "fact", "block", "call", "deliver", "reach", "rotator_key", "render", "scan", "forget"}
"""What a handler does through its context."""
STORE = {"put_pending", "promote", "drop_pending"}
"""What changes the store."""


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One call in the engine's source that has an effect."""

    module: str
    line: int
    last: int
    call: str

    def __str__(self) -> str:
        return f"rotation/{self.module}.py:{self.line} {self.call}"


@cache
def sites() -> tuple[Site, ...]:
    """Every effect in the engine's source."""
    return tuple(sorted(site for path in ENGINE.glob("*.py") for site in found_in(path.stem, path.read_text(encoding="utf-8"))))


def found_in(module: str, text: str) -> list[Site]:
    """The effects in one module: calls on `context`, on its store, and on itself within the context's own `forget`."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [Site(module, call.lineno, call.end_lineno or call.lineno, ast.unparse(call.func)) for call in calls if _effect(call)]


def _effect(call: ast.Call) -> bool:
    *owner, name = ast.unparse(call.func).split(".")
    return (owner == ["context"] and name in CONTEXT) or (owner[-1:] == ["store"] and name in STORE)


def under_way(frame: FrameType | None) -> set[Site]:
    """The sites that are being executed in the frames above."""
    found: set[Site] = set()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent == ENGINE:
            found |= {site for site in _in_module(path.stem) if site.line <= frame.f_lineno <= site.last}
        frame = frame.f_back
    return found


@cache
def _in_module(module: str) -> tuple[Site, ...]:
    return tuple(site for site in sites() if site.module == module)


def prime() -> None:
    """Read the source once, before processes are forked that would each do it."""
    for site in sites():
        _in_module(site.module)
