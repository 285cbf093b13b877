"""The line of output in which one action that asks many hosts tells what came of one of them, as soon as it is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MARK = "MYCOOPS-HOST "


def line(told: Mapping[str, Any]) -> str:
    """Tell of a host: its `host`, and `mycoops`, its reply, or why it was `unreachable`, or what `failed` here."""
    return MARK + json.dumps(dict(told))


def read(text: object) -> dict[str, Any] | None:
    """What a line of output tells; nothing where it is another one."""
    found = json.loads(text[len(MARK) :]) if isinstance(text, str) and text.startswith(MARK) else None
    return found if isinstance(found, dict) else None
