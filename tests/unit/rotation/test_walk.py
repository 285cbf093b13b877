"""Every class is walked to its end over the protocol's invariants; one failing credential stops no other; resume goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mycoops.drill.stories import STORIES, Story
from mycoops.errors import JournalError, WaitingForPerson
from mycoops.model import Verb
from mycoops.rotation.walk import walk
from tests.unit.rotation.conftest import MakeBench


@pytest.mark.parametrize("story", [story for story in STORIES.values() if not story.waits], ids=lambda story: story.name)
def test_a_rotation_ends_closed(bench: MakeBench, story: Story) -> None:
    made = bench(story)
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("story", [story for story in STORIES.values() if story.waits], ids=lambda story: story.name)
def test_a_rotation_that_waits_for_a_person_goes_on_with_what_is_brought(bench: MakeBench, story: Story) -> None:
    made = bench(story)
    assert isinstance(made.walk(), WaitingForPerson)
    assert isinstance(made.walk(), WaitingForPerson), "nothing was brought yet"
    made.bring()
    made.finish()


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


def test_a_plan_with_a_move_less_is_another_plan(bench: MakeBench) -> None:
    made = bench("O1-slots")
    context = made.context()
    context.plan = replace(context.plan, moves=tuple(move for move in context.plan.moves if move.verb is not Verb.VERIFY))
    with pytest.raises(JournalError, match="another plan"):
        walk(context)
    assert made.world.calls == []
    assert made.walk() is None
    made.over()
