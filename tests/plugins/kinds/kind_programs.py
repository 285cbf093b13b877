"""Host programs of the kinds, called the way the action calls them."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mycoops_reply import Refusal

ROOT = Path(__file__).parents[3]
Program = Callable[[dict[str, Any]], dict[str, Any]]


def load(role: str, name: str) -> Any:
    """The module of a host program: the role's own, else one that several share."""
    places = [ROOT / "roles" / role / "files" / f"{name}.py", ROOT / "plugins" / "host_programs" / f"{name}.py"]
    spec = importlib.util.spec_from_file_location(f"host_{name}", next(place for place in places if place.is_file()))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def calling(role: str, name: str) -> Program:
    """Call a host program; a refusal becomes the `error` part of the reply, as on a host."""
    return wrapped(load(role, name))


def wrapped(module: Any) -> Program:
    def call(request: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(module.run(request))
        except Refusal as refusal:
            return {"error": refusal.error()}

    return call


def new_value() -> str:
    """A value of the shape that is generated."""
    return "T" + secrets.token_urlsafe(31)
