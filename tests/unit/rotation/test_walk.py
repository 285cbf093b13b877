"""Every class is walked to its end over the protocol's invariants; one failing credential stops no other; resume goes on."""

from __future__ import annotations

import pytest

from tests.unit.rotation.conftest import MakeBench

DONE = ("O1-slots", "O1-admin", "O1-lists", "O1-own-key", "O2", "O4-own-password")


@pytest.mark.parametrize("story", DONE)
def test_a_rotation_ends_closed(bench: MakeBench, story: str) -> None:
    made = bench(story)
    assert made.walk() is None
    made.over()
