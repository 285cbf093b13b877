"""What a host answered is told once, with its place."""

from __future__ import annotations

import pytest

from mycoops.model import Item, Reply
from mycoops.rotation.replies import error_text, unheard
from mycoops.runner import Outcome


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"path": "/etc/a.env", "line": 9, "message": "/etc/a.env: line 9: no"}, "/etc/a.env:9: no"),
        ({"path": "/etc/a.env", "message": "/etc/a.env: not a file"}, "/etc/a.env: not a file"),
        ({"path": "/etc/a.env", "line": 9, "message": "no"}, "/etc/a.env:9: no"),
        ({"service": "api", "message": "api: redis is not ok"}, "api: redis is not ok"),
        ({"service": "api", "message": "restart failed"}, "api: restart failed"),
        ({"code": "crash"}, "crash"),
    ],
)
def test_no_name_is_said_twice(error: dict[str, object], told: str) -> None:
    assert error_text(error) == told


def test_a_probe_that_met_nobody_is_told_with_what_it_met() -> None:
    items = [Item(f"probe/{name}", "probe", "h1", "db", "redis") for name in ("fine", "gone")]
    evidence = {"address": "h9:6379", "error": "ConnectionRefusedError"}
    replies = [
        Reply("probe/fine", "h1", {"outcome": "refused"}),
        Reply("probe/gone", "h1", {"outcome": "unreachable", "evidence": evidence}),
    ]
    assert unheard(Outcome(replies), items) == "redis probe from h1: unreachable (h9:6379, ConnectionRefusedError)"
    assert unheard(Outcome(replies), items[:1]) == ""
