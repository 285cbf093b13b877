"""An authority that is slow, busy or forgetful is waited for, asked again, and given what it has lost."""

from __future__ import annotations

import copy

import pytest

from mycoops.drill.authorities import Authority
from mycoops.drill.bench import Bench
from mycoops.drill.stories import STORIES
from mycoops.errors import ForwardOnly, StepFailed
from mycoops.model import State
from mycoops.rotation.mint import ATTEMPTS
from mycoops.rotation.probing import PATIENCE
from tests.unit.rotation.conftest import MakeBench
from tests.unit.rotation.test_crashes import SINGLE, blaming, photographs
from tests.unit.rotation.test_failures import fits

ASKED = [name for name in SINGLE if name not in ("O1-lists", "O6-unproven") and not name.startswith("O7")]
"""The stories with authorities that are asked by a login."""
OURS = [name for name in ASKED if name.startswith(("O1", "O4"))]
"""Those of which we make the values."""


def all_of(made: Bench) -> list[Authority]:
    """Every authority of a world."""
    return [authority for found in made.world.authorities.values() for authority in found.values()]


@pytest.mark.parametrize("story", ASKED)
def test_a_change_that_logins_notice_some_seconds_late_is_waited_for(bench: MakeBench, story: str) -> None:
    made = bench(story)
    for authority in all_of(made):
        authority.lag = 6.0
    for _ in range(1 + STORIES[story].waits):
        error = made.walk()
        made.bring()
    assert error is None, made.states()
    made.over()


@pytest.mark.parametrize("story", ASKED)
def test_a_change_that_logins_notice_much_later_stops_the_run_and_resume_closes(bench: MakeBench, story: str) -> None:
    made = bench(story)
    for authority in all_of(made):
        authority.lag = 100.0
    for _ in range(8):
        assert fits(made, made.walk())
        if not made.run().open:
            break
        made.bring()
        made.world.time += 120.0
    made.over()


@pytest.mark.parametrize("story", OURS)
def test_an_authority_that_forgets_what_it_was_told_is_told_again(bench: MakeBench, story: str) -> None:
    made = bench(story)
    first = copy.deepcopy(made.world.authorities)
    for what, snapshot in photographs(made, made.finish)[::2]:
        made.restore(snapshot)
        open_yet = [name for name, one in made.run().rotations.items() if not one.reached(State.PROVEN_DEAD)]
        made.world.authorities |= {name: copy.deepcopy(first[name]) for name in open_yet}
        made.world.dead = set(made.catalogue.credentials)
        with blaming(what):
            for _ in range(6):
                error = made.walk()
                if error is None:
                    break
                made.bring()
            made.world.dead = set()
            made.over()


@pytest.mark.parametrize("story", ASKED)
def test_a_busy_authority_is_asked_again_a_little_later(bench: MakeBench, story: str) -> None:
    made = bench(story)
    for authority in all_of(made):
        authority.throttle = 3
    for _ in range(1 + STORIES[story].waits):
        error = made.walk()
        made.bring()
    assert error is None, made.states()
    assert sum(made.slept) >= 1.0
    made.over()


def test_an_authority_that_stays_busy_is_not_believed_and_said_to_be_busy(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.authorities["db"]["h3"].throttle = 1000
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert "pair probe from h1: throttled" in str(error)
    assert made.slept == list(PATIENCE)
    made.world.authorities["db"]["h3"].throttle = 0
    assert made.walk() is None
    made.over()


def test_a_policy_that_rejects_the_value_of_a_cut_is_offered_another(bench: MakeBench) -> None:
    """The same value would be rejected for ever, and past the point of no return there is no other way out."""
    made = bench("O4")
    made.world.authorities["it"]["h3"].policy = 2
    assert made.walk() is None, made.states()
    assert made.standing("it").to_generation == 4
    made.over()


def test_a_death_between_two_values_of_a_cut_is_gone_on_from(bench: MakeBench) -> None:
    made = bench("O4")
    made.world.authorities["it"]["h3"].policy = 1
    taken = photographs(made, made.finish)
    assert any("renumbered" in what for what, _ in taken)
    for what, snapshot in taken:
        made.restore(snapshot)
        with blaming(what):
            made.finish()


def test_a_policy_that_rejects_every_value_of_a_cut_is_not_asked_for_ever(bench: MakeBench) -> None:
    made = bench("O4")
    made.world.authorities["it"]["h3"].policy = ATTEMPTS
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "single cutover on h3: the policy does not take this value" in str(error)
    assert made.world.calls.count("cutover it h3") == ATTEMPTS
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("where", ["after the record state token STAGED", "before the record state token SWITCHED"])
def test_a_list_that_has_lost_the_new_value_gets_it_again(bench: MakeBench, where: str) -> None:
    made = bench("O1-lists")
    gates = {name: made.world.machines[host].processes[name]["TOKENS"] for name, host in (("gate", "h1"), ("door", "h3"))}
    made.crash(where)
    for name, host, path in (("gate", "h1", "/etc/gate-tokens.env"), ("door", "h3", "/etc/door.env")):
        made.world.machines[host].processes[name]["TOKENS"] = made.world.machines[host].files[path]["TOKENS"] = gates[name]
    made.world.dead = {"token"}
    for _ in range(6):
        if made.walk() is None:
            break
    made.world.dead = set()
    made.over()


@pytest.mark.parametrize("story", ["O2", "O3"])
def test_a_value_its_provider_has_lost_is_given_up_and_the_old_one_works(bench: MakeBench, story: str) -> None:
    made = bench(story)
    (authority,) = made.world.authorities["it"].values()
    first = copy.deepcopy(authority)
    if story == "O3":
        made.walk()
        made.bring()
    made.crash("before the record state it SWITCHED")
    made.world.authorities["it"] = {"h3": first}
    made.world.dead = {"it"}
    assert isinstance(made.walk(), StepFailed)
    assert made.standing("it").next_command == "mycoops abort"
    assert made.abort() is None
    made.world.dead = set()
    made.back()
