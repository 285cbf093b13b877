"""A value that only a person can end: the rotation waits before REVOKED, and a fresh login is believed, not the person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mycoops.drill import spoils
from mycoops.drill.bench import Bench
from mycoops.drill.stories import Story, simple
from mycoops.errors import ForwardOnly, WaitingForPerson
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench


def at_the_end(made: Bench) -> Bench:
    """Go on until the old value has to be ended by hand."""
    made.walk()
    made.bring()
    assert isinstance(made.walk(), WaitingForPerson)
    return made


def end(made: Bench, generation: int = 1, *, back: bool = False) -> None:
    made.world.end_by_hand("it", generation, back=back)


def test_it_waits_before_revoked_and_names_what_to_do(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    standing = made.standing("it")
    assert (standing.state, standing.shown, standing.forward_only) == (State.REVOKING, State.WAITING_HUMAN, True)
    assert standing.waiting["step"].startswith("delete the old token")
    assert "generation 1, the old one" in standing.waiting["step"]
    assert standing.waiting["page"] == "https://console.example/tokens"
    assert (standing.waiting["owner"], standing.waiting["next"]) == ("nobody", "mycoops confirm it")
    assert not any("revoke" in call for call in made.world.calls)


def test_a_confirmation_is_proven_before_it_is_written(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    end(made)
    assert made.confirm("it") is None
    assert (made.standing("it").confirmed, made.standing("it").waiting) == ("someone@desk", {})
    record = made.records()[-1]
    assert (record["event"], record["by"]) == ("confirmed", "someone@desk")
    assert made.walk() is None
    made.over()


def test_a_confirmation_is_refused_while_the_old_value_is_accepted(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    error = made.confirm("it")
    assert isinstance(error, WaitingForPerson)
    assert "still accepted" in error.message
    assert "delete the old token (https://console.example/tokens)" in error.hint
    assert "mycoops confirm it" in error.hint
    assert not any(record["event"] == "confirmed" for record in made.records())
    assert made.standing("it").shown == State.WAITING_HUMAN
    for _ in range(2):
        assert isinstance(made.walk(), WaitingForPerson)
    made.finish()


def test_a_provider_that_is_late_is_waited_for(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    spoils.sets("it", "lag", 6.0)(made)
    end(made)
    assert made.confirm("it") is None
    assert made.slept[-2:] == [1.0, 2.0]


@pytest.mark.parametrize(("trouble", "words"), [("down", "nothing is known"), ("trust", "random value was accepted")])
def test_what_cannot_be_asked_confirms_nothing(bench: MakeBench, trouble: str, words: str) -> None:
    made = at_the_end(bench("O3-manual"))
    end(made)
    spoils.sets("it", trouble)(made)
    error = made.confirm("it")
    assert isinstance(error, ForwardOnly)
    assert words in error.message
    assert "mycoops confirm it" in error.hint
    assert made.standing("it").confirmed == ""
    spoils.well(made)
    assert made.confirm("it") is None
    made.finish()


def test_the_wrong_one_ended_is_not_taken_for_the_right_one(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    spoils.loses("it", 2)(made)
    error = made.confirm("it")
    assert isinstance(error, ForwardOnly)
    assert "only the old value is accepted" in error.message
    assert "make it valid again" in error.hint


def test_a_value_that_is_seen_dead_needs_nobodys_word(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    end(made)
    assert made.walk() is None
    made.over()


def test_one_that_comes_back_to_life_is_waited_for_again(bench: MakeBench) -> None:
    made = at_the_end(bench("O3-manual"))
    old = made.store().secret("it", 1).reveal()
    end(made)
    made.confirm("it")
    made.world.authorities["it"]["h3"].tokens[old] = ""  # type: ignore[attr-defined]
    assert isinstance(made.walk(), WaitingForPerson)
    assert (made.standing("it").shown, made.standing("it").confirmed) == (State.WAITING_HUMAN, "someone@desk")
    made.finish()


def test_a_deadline_counts_from_the_first_time(bench: MakeBench) -> None:
    made = at_the_end(bench(Story("three days", simple("manual", person_days=3))))
    first = made.standing("it").waiting["deadline"]
    days = datetime.fromisoformat(first) - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < days <= timedelta(days=3)
    made.walk()
    again = [record for record in made.records() if record["event"] == "waiting" and record["next"] == "mycoops confirm it"]
    assert len(again) == 2
    assert {record["deadline"] for record in again} == {first}


def test_on_the_way_back_a_person_ends_the_candidate(bench: MakeBench) -> None:
    made = bench("O3-manual")
    made.walk()
    made.bring()
    made.crash("after the record state it SWITCHED")
    error = made.abort()
    assert isinstance(error, WaitingForPerson)
    standing = made.standing("it")
    assert (standing.shown, standing.waiting["next"]) == (State.WAITING_HUMAN, "mycoops abort")
    assert "generation 2; not the old one" in standing.waiting["step"]
    assert isinstance(made.abort(), WaitingForPerson)
    end(made, 2, back=True)
    assert made.abort() is None
    made.back()
