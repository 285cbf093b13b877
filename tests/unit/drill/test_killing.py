"""A killed command leaves what SIGKILL leaves: the files and the scripted world as they were, and nothing tidied up."""

from __future__ import annotations

import os

import pytest

from mycoops.drill.killing import NEVER, Unexpected, killed
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench


def test_each_kill_leaves_the_photograph_of_its_point(bench: MakeBench) -> None:
    made = bench("O4-bare")
    start, taken = made.snapshot(), {}
    made.clock.seen = lambda what: taken.update({len(made.clock.points): (what, made.world.state())})
    made.finish()
    for number in range(3, len(taken), 29):
        made.restore(start)
        end = killed(made, made.finish, number)
        assert end.point == taken[number][0]
        assert made.world.calls is not None
        killed(made, made.finish, NEVER)
        made.over()


def test_a_command_that_is_not_killed_ends(bench: MakeBench) -> None:
    made = bench("O1-slots")
    end = killed(made, made.finish, NEVER)
    assert (end.point, end.violation) == ("", "")
    assert end.points > 100
    assert made.standing("db").state is State.CLOSED


def test_nothing_is_tidied_up(bench: MakeBench) -> None:
    made = bench("O1-slots")
    place = made.fleet / "tidied"

    def command() -> None:
        try:
            made.finish()
        finally:
            place.write_text("a finally ran")

    assert killed(made, command, 20).point
    assert not place.exists()
    killed(made, command, NEVER)
    assert place.exists()


def test_a_violation_is_told_with_its_sort(bench: MakeBench) -> None:
    made = bench("O1-slots")

    def command() -> None:
        made.world.authorities["db"]["h3"].names.clear()  # type: ignore[attr-defined]
        made.walk()

    end = killed(made, command, NEVER)
    assert end.sort == "running"
    assert "2: db" in end.violation


def test_another_exception_is_a_finding_too(bench: MakeBench) -> None:
    made = bench("O1-slots")
    end = killed(made, lambda: made.world.nothing_like_it, NEVER)  # type: ignore[attr-defined]
    assert end.sort == "broken"
    assert "AttributeError" in end.violation


def test_a_process_that_ends_by_itself_is_not_taken_for_a_kill(bench: MakeBench) -> None:
    made = bench("O1-slots")
    with pytest.raises(Unexpected):
        killed(made, lambda: os._exit(3), NEVER)
