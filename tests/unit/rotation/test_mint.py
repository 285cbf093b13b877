"""A candidate is durable before its authority hears of it; an unknown outcome retries the same value, a rejection makes another."""

from __future__ import annotations

import pytest

from mycoops.drill.authorities import Tokens
from mycoops.drill.bench import Bench
from mycoops.drill.faults import Fault
from mycoops.errors import StepFailed, WaitingForPerson
from mycoops.model import State
from mycoops.rotation.mint import ATTEMPTS
from mycoops.secret import generate
from tests.unit.rotation.conftest import MakeBench


def candidate(made: Bench, credential: str, generation: int = 2) -> str:
    """The value of a generation that is on disk now."""
    return made.store().secret(credential, generation).reveal()


@pytest.mark.parametrize("what", ["lost", "unreachable", "error"])
def test_an_unknown_outcome_retries_the_same_value(bench: MakeBench, what: str) -> None:
    made = bench("O1-slots")
    made.world.faults = [Fault(what, "mint")]
    assert isinstance(made.walk(), StepFailed)
    before = candidate(made, "db")
    assert made.walk() is None
    assert candidate(made, "db") == before
    assert made.standing("db").to_generation == 2
    made.over()


@pytest.mark.parametrize(("story", "credential"), [("O1-slots", "db"), ("O1-admin", "cache")])
def test_a_rejected_value_is_replaced_by_one_of_the_next_generation(bench: MakeBench, story: str, credential: str) -> None:
    made = bench(story)
    made.world.authorities[credential]["h3"].policy = 2
    assert made.walk() is None
    assert made.standing(credential).to_generation == 4
    made.over()


def test_a_policy_that_rejects_everything_is_not_asked_for_ever(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.authorities["db"]["h3"].policy = ATTEMPTS
    assert f"rejected {ATTEMPTS} values" in str(made.walk())
    assert made.world.calls.count("mint db h3") == ATTEMPTS
    assert made.walk() is None
    made.over()


def test_a_value_that_is_rejected_but_already_accepted_is_kept(bench: MakeBench) -> None:
    made = bench("O1-admin")
    made.world.faults = [Fault("lost", "mint", credential="cache"), Fault("error", "mint", credential="cache", code="rejected")]
    made.world.faults[1].times = 0
    made.walk()
    before = candidate(made, "cache")
    made.world.faults[1].times = 1
    assert made.walk() is None
    assert candidate(made, "cache") == before
    assert made.standing("cache").to_generation == 2
    made.over()


def test_a_rejected_value_that_cannot_be_asked_about_is_kept(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.faults = [Fault("error", "mint", code="rejected"), Fault("unreachable", "probe")]
    assert "nothing is known" in str(made.walk())
    before = candidate(made, "db")
    assert made.walk() is None
    assert candidate(made, "db") == before
    made.over()


def test_a_provider_that_rejects_is_not_given_another_number(bench: MakeBench) -> None:
    made = bench("O2")
    made.world.authorities["it"]["h3"].policy = 1
    assert "the policy does not take this value" in str(made.walk())
    assert made.walk() is None
    assert made.standing("it").to_generation == 2
    made.over()


def test_a_value_the_provider_made_and_nobody_kept_is_found_by_its_tag(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("the provider made a value")
    provider = made.world.authorities["it"]["h3"]
    assert isinstance(provider, Tokens)
    assert len(provider.tokens) == 2
    assert made.walk() is None
    made.over()


def test_a_provider_whose_value_was_not_kept_is_not_believed(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O2")
    monkeypatch.setattr(made.world, "_provider", lambda *_: None)
    assert "it was not kept" in str(made.walk())
    assert made.standing("it").state is State.MINTING


def test_a_person_is_shown_the_page_before_anything_is_waited_for(bench: MakeBench) -> None:
    made = bench("O3")
    error = made.walk()
    assert isinstance(error, WaitingForPerson)
    standing = made.standing("it")
    assert standing.state is State.PREFLIGHT
    assert standing.shown is State.WAITING_HUMAN
    assert standing.waiting["page"] == "https://console.example/tokens"
    assert standing.waiting["next"] == "mycoops provide it"


def test_of_several_values_a_person_brought_the_newest_counts(bench: MakeBench) -> None:
    made = bench("O3")
    made.walk()
    made.store().put_pending("it", 2, "", generate("token"))
    assert "only the old value is accepted" in str(made.walk())
    made.world.bring("it")
    assert made.walk() is None
    assert made.standing("it").to_generation == 3
    made.over()
