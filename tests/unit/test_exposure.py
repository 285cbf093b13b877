"""Which leaked generation is alive is a fold of the journals, and so is how long each was exposed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from mycoops import exposure
from mycoops.exposure import emergencies, exposures
from mycoops.ledger import Run, fold
from mycoops.model import ORDER, State

Records = list[dict[str, Any]]


def at(minute: int) -> str:
    """A time of a journal."""
    return f"2026-04-01T10:{minute:02d}:00.000Z"


def opened(minute: int, before: int, after: int, name: str = "db") -> Records:
    rotation = {"credential": name, "from_generation": before, "to_generation": after}
    return [{"event": "opened", "time": at(minute), "plan": {"rotations": [rotation]}}]


def state(minute: int, word: State, name: str = "db") -> Records:
    return [{"event": "state", "time": at(minute), "credential": name, "state": str(word)}]


def leak(minute: int, generation: int, name: str = "db", place: str = "/tmp/x") -> Records:
    return [{"event": "leak", "time": at(minute), "credential": name, "generation": generation, "host": "h1", "place": place}]


def runs(*journals: Records) -> list[Run]:
    return [run for journal in journals if (run := fold(journal))]


DEPLOY: Records = [{"event": "opened", "time": at(0), "plan": {"rotations": []}}]


def test_without_a_leak_there_is_no_emergency() -> None:
    assert emergencies(runs(opened(0, 1, 2))) == {}


def test_a_leaked_generation_is_an_emergency_until_it_is_proven_dead() -> None:
    leaked = [*DEPLOY, *leak(1, 1)]
    (found,) = emergencies(runs(leaked)).values()
    assert (found.credential, found.generation, found.since, found.places) == ("db", 1, at(1), ("h1: /tmp/x",))
    rotation = opened(2, 1, 2)
    for word in ORDER[1 : ORDER.index(State.PROVEN_DEAD)]:
        rotation += state(3, word)
        assert list(emergencies(runs(leaked, rotation))) == ["db"], word
    rotation += state(9, State.PROVEN_DEAD)
    assert emergencies(runs(leaked, rotation)) == {}
    (over,) = exposures(runs(leaked, rotation))
    assert (over.until, over.seconds()) == (at(9), 8 * 60)


def test_a_generation_that_was_dead_when_it_was_found_was_not_exposed() -> None:
    rotation = [*opened(0, 1, 2), *state(5, State.PROVEN_DEAD), *leak(6, 1), *state(7, State.CLOSED)]
    assert exposures(runs(rotation)) == []
    assert exposures(runs(rotation, [*DEPLOY, *leak(8, 1)])) == []


def test_a_new_generation_that_leaks_in_its_own_rotation_is_an_emergency_after_it() -> None:
    rotation = [*opened(0, 1, 2), *leak(1, 2), *state(5, State.PROVEN_DEAD), *state(6, State.CLOSED)]
    assert list(emergencies(runs(rotation))) == ["db"]
    following = [*opened(7, 2, 3), *state(8, State.PROVEN_DEAD)]
    assert emergencies(runs(rotation, following)) == {}


@pytest.mark.parametrize("end", [State.ABORTED, State.ROLLED_BACK])
def test_a_candidate_that_was_taken_back_is_dead_and_the_old_value_is_not(end: State) -> None:
    rotation = [*opened(0, 1, 2), *leak(1, 2), *leak(1, 1), *state(5, end)]
    (left,) = emergencies(runs(rotation)).values()
    assert left.generation == 1
    assert {one.generation: one.until for one in exposures(runs(rotation))} == {2: at(5), 1: ""}


def test_a_candidate_that_was_rejected_was_never_exposed() -> None:
    rotation = [*opened(0, 1, 2), *leak(1, 2), {"event": "renumbered", "time": at(2), "credential": "db", "to_generation": 3}]
    assert emergencies(runs(rotation)) == {}


def test_one_that_was_replaced_before_is_dead() -> None:
    assert emergencies(runs([*DEPLOY, *leak(1, 1)], opened(2, 4, 5))) == {}


def test_an_old_value_that_turns_out_alive_again_is_an_emergency_again() -> None:
    rotation = [*opened(0, 1, 2), *leak(1, 1), *state(3, State.PROVEN_DEAD)]
    assert emergencies(runs(rotation)) == {}
    assert list(emergencies(runs([*rotation, *state(4, State.REVOKING)]))) == ["db"]


def test_each_credential_has_its_newest_and_every_place() -> None:
    leaked = [*DEPLOY, *leak(3, 2), *leak(2, 2, place="/tmp/y"), *leak(1, 1), *leak(4, 7, "other")]
    found = emergencies(runs(leaked))
    assert {name: one.generation for name, one in found.items()} == {"db": 2, "other": 7}
    assert (found["db"].since, found["db"].places) == (at(2), ("h1: /tmp/x", "h1: /tmp/y"))
    assert str(found["db"]) == "generation 2 leaked, found at 2026-04-01 10:02 UTC (h1: /tmp/x, h1: /tmp/y)"


def test_the_clock_of_an_open_exposure_runs() -> None:
    (found,) = exposures(runs([*DEPLOY, *leak(1, 1)]))
    assert found.seconds(datetime.fromisoformat(at(3))) == 120


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90061, "1 d 1 h"), (86399, "23 h 59 min")]
)
def test_a_length_of_time_is_told_by_its_two_greatest_parts(seconds: float, words: str) -> None:
    assert exposure.clock(seconds) == words
