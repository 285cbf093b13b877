"""Wherever the controller dies, resume ends CLOSED and abort ends with the old value, over the invariants at every instant.

A point of death lies before and after every start of a playbook, every effect on a host or at an authority, every journal record
and every write of the store. One run is photographed at each of its points; each photograph is then gone on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mycoops.drill.bench import Bench
from mycoops.drill.kept import Snapshot
from mycoops.drill.points import Clock, Crash
from mycoops.drill.stories import STORIES, Story, dual
from mycoops.errors import ForwardOnly
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench

SINGLE = [name for name in STORIES if name != "mixed"]
TWO_VALID = [name for name in SINGLE if name.startswith(("O1", "O2", "O3"))]
LEAST = {
    "O1-slots": 140,
    "O1-admin": 210,
    "O1-lists": 220,
    "O1-own-key": 100,
    "O1-approval": 250,
    "O1-outside": 230,
    "O4-outside": 220,
    "O2": 110,
    "O3": 100,
    "O3-manual": 100,
    "O4": 110,
    "O4-bare": 90,
    "O4-dual": 200,
    "O4-own-password": 100,
    "O4-approval": 120,
    "O5": 80,
    "O6": 90,
    "O6-unproven": 60,
    "O7": 40,
    "O7-approval": 45,
}
"""How many points a class has at the very least: a loop over none would prove nothing."""


Photographs = list[tuple[str, Snapshot]]


def photographs(made: Bench, run: Callable[[], object], only: str = "") -> Photographs:
    """What a new process would find at each point of a run; points between which nothing lasting happened share a photograph."""
    taken: Photographs = []

    def take(what: str) -> None:
        if only not in ("", what):
            return
        snapshot = made.snapshot()
        if not taken or taken[-1][1] != snapshot:
            taken.append((what, snapshot))

    made.clock.points.clear()
    made.clock.seen = take
    run()
    made.clock.seen = lambda what: None
    return taken


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Say at which point of death a failure belongs."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"died {what}")
        raise


@pytest.mark.parametrize("story", SINGLE)
def test_resume_ends_closed_from_every_point(bench: MakeBench, story: str) -> None:
    made = bench(story)
    taken = photographs(made, made.finish)
    assert len(made.clock.points) >= LEAST[story]
    for what, snapshot in taken:
        made.restore(snapshot)
        with blaming(what):
            made.finish()


@pytest.mark.parametrize("story", SINGLE)
def test_abort_goes_back_from_every_point_before_the_point_of_no_return(bench: MakeBench, story: str) -> None:
    made = bench(story)
    forward = back = 0
    taken = photographs(made, made.finish)
    for what, snapshot in taken[:: 2 if len(taken) > 90 else 1]:
        made.restore(snapshot)
        left = [standing for standing in made.run().rotations.values() if standing.open]
        past = any(standing.forward_only for standing in left)
        with blaming(what):
            error = made.abort()
            if past:
                assert isinstance(error, ForwardOnly)
                forward += 1
            elif left:
                if story.endswith(("outside", "manual")) and error:
                    made.bring()
                    error = made.abort()
                assert error is None, made.states()
                made.back()
                back += 1
    assert forward > 10
    assert back > (2 if story.startswith("O7") else 10)


@pytest.mark.parametrize("story", [name for name in SINGLE if name not in ("O4-bare", "O6", "O6-unproven")])
def test_a_second_death_changes_nothing(bench: MakeBench, story: str) -> None:
    made = bench(story)
    taken = photographs(made, made.finish)
    for first in range(5, len(taken), 37):
        made.restore(taken[first][1])
        again = photographs(made, made.finish)
        for second in range(first % 17, len(again), 31):
            made.restore(again[second][1])
            made.finish()


@pytest.mark.parametrize("story", ["O1-slots", "O1-lists", "O2", "O1-own-key", "O4", "O4-dual"])
def test_an_abort_that_dies_is_gone_on_with_by_another(bench: MakeBench, story: str) -> None:
    made = bench(story)
    name = next(iter(made.catalogue.credentials))
    made.crash(f"after the record state {name} {'STAGED' if story.startswith('O4') else 'PROMOTED'}")
    for what, snapshot in photographs(made, made.abort):
        made.restore(snapshot)
        if not made.run().open:
            continue
        made.walk()
        with blaming(what):
            assert made.abort() is None, made.states()
            made.back()


@pytest.mark.parametrize(
    "story", [*TWO_VALID, Story("O4-dual alone", dual(plain=False))], ids=lambda one: one if isinstance(one, str) else one.name
)
def test_an_ordinary_deploy_at_any_point_breaks_nothing(bench: MakeBench, story: str | Story) -> None:
    made = bench(story)
    for number, (what, snapshot) in enumerate(photographs(made, made.finish)):
        if number % 5:
            continue
        made.restore(snapshot)
        with blaming(what):
            made.deploy()
            made.finish()


def test_a_record_cut_off_in_the_middle_is_as_if_it_had_not_begun(bench: MakeBench) -> None:
    made = bench("O1-slots")
    taken = [(what, one) for what, one in photographs(made, made.finish) if what.startswith("after the record")]
    for what, snapshot in taken[::4]:
        made.restore(snapshot)
        made.path.write_bytes(made.path.read_bytes()[:-9])
        with blaming(what):
            made.finish()


def test_a_photograph_shows_what_a_real_death_leaves(bench: MakeBench) -> None:
    first = bench("O4-bare")
    taken: dict[int, list[str]] = {}
    first.clock.seen = lambda what: taken.update({len(first.clock.points): [what, *events(first)]})
    first.finish()
    for number in range(1, len(taken) + 1, 7):
        made = bench("O4-bare", Clock({number}))
        with pytest.raises(Crash):
            made.finish()
        assert [made.clock.points[-1], *events(made)] == taken[number]
        made.clock.at.clear()
        made.finish()


def events(made: Bench) -> list[str]:
    """The journal in one word a record."""
    return [str(record["event"]) for record in made.records()]


def test_a_whole_quarter_goes_on_from_its_deaths(bench: MakeBench) -> None:
    made = bench("mixed")
    taken = photographs(made, made.finish)
    assert len(made.clock.points) > 500
    for what, snapshot in taken[7 :: len(taken) // 6]:
        made.restore(snapshot)
        with blaming(what):
            made.finish()
    assert {standing.state for standing in made.run().rotations.values()} == {State.CLOSED}
