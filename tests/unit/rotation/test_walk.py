"""Every class is walked to its end over the protocol's invariants; one failing credential stops no other; resume goes on."""

from __future__ import annotations

import pytest

from tests.unit.rotation.conftest import MakeBench

DONE = ("O1-slots", "O1-admin", "O1-lists", "O1-own-key", "O2", "O4", "O4-bare", "O4-own-password")


@pytest.mark.parametrize("story", DONE)
def test_a_rotation_ends_closed(bench: MakeBench, story: str) -> None:
    made = bench(story)
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize(
    ("story", "where"),
    [
        ("O1-lists", "after the record accepted token gate"),
        ("O1-lists", "after the record accepted token door"),
        ("O1-lists", "after the record dropped token door"),
        ("O1-lists", "after the record dropped key far"),
        ("O1-slots", "after the record consumer db green acknowledged"),
    ],
)
def test_a_crash_between_the_last_part_and_the_whole_is_gone_on_from(bench: MakeBench, story: str, where: str) -> None:
    made = bench(story)
    made.crash(where)
    assert made.walk() is None
    made.over()
