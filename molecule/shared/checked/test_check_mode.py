"""Between check mode and the first real run: a change was announced, and nothing has changed."""

from __future__ import annotations


def test_a_change_is_announced(replies):
    assert any(replies.changes("check"))


def test_nothing_has_changed(watched, before):
    assert watched() == before
