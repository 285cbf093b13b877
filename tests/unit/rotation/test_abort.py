"""Before the point of no return every rotation goes back: consumers first, then the candidate; after it nothing is changed."""

from __future__ import annotations

import pytest

from mycoops.drill.authorities import Tokens
from mycoops.drill.bench import Bench
from mycoops.drill.faults import Fault
from mycoops.drill.stories import STORIES
from mycoops.errors import ForwardOnly, StepFailed
from mycoops.exposure import emergencies
from mycoops.model import ORDER, Leak, Stage, State
from mycoops.rotation.context import generations
from mycoops.runner import Outcome
from tests.unit.rotation.conftest import MakeBench

WAY = tuple(state for state in ORDER if state not in (State.LEASE, State.REFRESH, State.PERSISTED, State.RELEASED))
BEFORE = {
    "O1-slots": ("db", WAY[1:3] + WAY[4:7] + WAY[8:12]),
    "O1-admin": ("cache", WAY[1:3] + WAY[4:7] + WAY[8:12]),
    "O1-lists": ("token", WAY[1:7] + WAY[8:12]),
    "O1-approval": ("token", WAY[1:7] + WAY[8:12]),
    "O1-own-key": ("own", WAY[1:3] + WAY[4:7] + WAY[8:12]),
    "O2": ("it", WAY[1:3] + WAY[4:7] + WAY[8:12]),
    "O4": ("it", (*WAY[1:4], *WAY[5:7])),
    "O4-bare": ("it", (*WAY[1:4], *WAY[5:7])),
    "O4-dual": ("it", (*WAY[1:4], *WAY[5:7])),
    "O4-own-password": ("own", (*WAY[1:4], *WAY[5:7])),
    "O4-approval": ("it", (*WAY[1:4], WAY[5])),
    "O5": ("it", (*WAY[1:4], *WAY[5:7])),
    "O6": ("it", (WAY[1], WAY[3], *WAY[5:7])),
    "O6-unproven": ("it", (WAY[1], WAY[3], WAY[5])),
    "O7": ("it", (State.PREFLIGHT, State.LEASE)),
    "O7-approval": ("it", (State.PREFLIGHT, State.LEASE)),
}
"""The states a credential of each story passes before the point of no return."""


def world_of(made: Bench) -> str:
    """Everything outside the control node, to compare."""
    return repr((made.world.authorities, made.world.machines, made.world.rotator))


@pytest.mark.parametrize(("story", "state"), [(story, state) for story, (_, states) in BEFORE.items() for state in states])
def test_every_state_before_the_point_of_no_return_goes_back(bench: MakeBench, story: str, state: State) -> None:
    made = bench(story)
    made.crash(f"after the record state {BEFORE[story][0]} {state}")
    assert made.abort() is None
    made.back()


def test_what_was_promoted_before_the_crash_is_demoted(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("before the record state db PROMOTED")
    meta = made.store().meta("db")
    assert meta
    assert (meta.generation, meta.slot) == (2, "b")
    assert made.abort() is None
    meta = made.store().meta("db")
    assert meta
    assert (meta.generation, meta.slot) == (1, "a")
    made.back()


def test_a_switched_rotation_is_rolled_back_and_an_early_one_aborted(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db STAGED")
    made.abort()
    assert made.standing("db").state is State.ABORTED
    made = bench("O1-slots")
    made.crash("after the record consumer db api acknowledged")
    made.abort()
    assert made.standing("db").state is State.ROLLED_BACK
    assert made.standing("db").stages["api"] is Stage.ROLLED_BACK


def test_nothing_is_asked_for_where_nobody_has_heard_of_the_candidate(bench: MakeBench) -> None:
    made = bench("O3")
    made.walk()
    made.world.calls.clear()
    assert made.abort() is None
    assert made.world.calls == []
    made.back()


def test_a_value_a_person_brought_is_revoked_although_the_rotation_did_not_go_on(bench: MakeBench) -> None:
    made = bench("O3")
    made.walk()
    made.bring()
    assert made.abort() is None
    made.back()


@pytest.mark.parametrize("story", ["O1-slots", "O1-admin", "O1-lists", "O2", "O4", "O4-dual", "O4-own-password", "O6"])
def test_after_the_point_of_no_return_nothing_is_changed(bench: MakeBench, story: str) -> None:
    made = bench(story)
    name = next(iter(made.catalogue.credentials))
    cut = made.kinds[made.catalogue.credentials[name].kind].overlap.one_slot
    made.crash(f"after the record state {name} {'CUTOVER' if cut else 'REVOKING'}")
    before, records = world_of(made), made.path.read_bytes()
    assert isinstance(made.abort(), ForwardOnly)
    assert (world_of(made), made.path.read_bytes()) == (before, records)
    made.finish()


def test_one_past_the_point_of_no_return_holds_all_of_its_run(bench: MakeBench) -> None:
    made = bench("O1-admin")
    made.world.faults = [Fault("unreachable", "revoke", credential="cache"), Fault("unreachable", "drain")]
    made.crash("before the record state cache_admin MINTING")
    assert made.standing("cache").forward_only
    assert isinstance(made.abort(), ForwardOnly)
    assert made.standing("cache_admin").state is State.PREFLIGHT


def test_an_old_value_that_is_refused_already_is_not_gone_back_to(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("after the record state it STAGED")
    provider = made.world.authorities["it"]["h3"]
    assert isinstance(provider, Tokens)
    made.world.dead.add("it")
    provider.tokens.pop(made.store().secret("it", 1).reveal())
    assert isinstance(made.abort(), ForwardOnly)
    assert made.standing("it").state is State.STAGED
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("what", ["lost", "error", "unreachable"])
@pytest.mark.parametrize("story", ["O1-slots", "O1-lists", "O2", "O4", "O4-dual"])
@pytest.mark.parametrize("entry", ["delivery", "revoke", "probe", "confirm"])
def test_a_way_back_that_fails_once_is_gone_on_with(bench: MakeBench, story: str, what: str, entry: str) -> None:
    made = bench(story)
    made.crash(f"after the record state {BEFORE[story][0]} {'STAGED' if story.startswith('O4') else 'SWITCHED'}")
    made.world.faults = [Fault(what, entry)]
    if isinstance(made.abort(), StepFailed):
        assert all(one.next_command == "mycoops abort" for one in made.run().rotations.values() if one.blocked)
    made.abort()
    made.back()


def test_resume_does_not_go_forward_with_what_is_being_taken_back(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("after the record state it SWITCHED")
    made.world.faults = [Fault("unreachable", "revoke")]
    made.abort()
    error = made.walk()
    assert error is not None
    assert "being taken back" in error.message
    assert error.hint == "Go on with `mycoops abort`."
    assert made.standing("it").blocked
    made.abort()
    made.back()


def test_resume_goes_forward_with_nothing_of_a_run_that_is_being_taken_back(bench: MakeBench) -> None:
    made = bench("mixed")
    made.crash("after the record state cloud ACTIVATED")
    made.crash("before the record state cloud ROLLING_BACK", made.abort)
    assert made.standing("db").state is State.ROLLING_BACK
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert error.hint == "Go on with `mycoops abort`."
    assert made.standing("cloud").state is State.ACTIVATED
    assert made.abort() is None
    made.back()


def test_a_consumer_that_a_deploy_took_off_the_old_value_is_brought_back_before_the_candidate_dies(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db SWITCHED")
    made.world.faults = [Fault("lost", "delivery", "h2", check=False)]
    assert isinstance(made.abort(), StepFailed)
    assert made.standing("db").stages["green"] is Stage.ROLLED_BACK
    made.deploy()
    assert made.world.machines["h2"].processes["green"]["DB"].endswith(made.store().secret("db", 2).reveal())
    assert made.abort() is None
    made.back()


def test_the_list_keeps_the_candidate_until_every_consumer_is_back(bench: MakeBench) -> None:
    made = bench("O1-lists")
    made.crash("after the record state token SOAKING")
    assert made.abort() is None
    order = [call for call in made.world.calls if call.startswith("deliver")][-5:]
    assert order.index("deliver gate") > order.index("deliver near")
    assert order.index("deliver door") > order.index("deliver far")
    made.back()


def test_a_candidate_that_stays_accepted_is_not_forgotten(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("after the record state it VERIFIED")
    made.world.authorities["it"]["h3"].trust = True
    made.abort()
    assert "a random value was accepted" in made.standing("it").blocked
    assert made.store().pending("it") == [2]
    made.world.authorities["it"]["h3"].trust = False
    assert made.abort() is None
    made.back()


def test_the_rotators_own_key_is_back_before_the_candidate_is_revoked(bench: MakeBench) -> None:
    made = bench("O1-own-key")
    made.crash("after the record state own SWITCHED")
    made.crash("revoke own", made.abort)
    assert made.standing("own").stages == {"rotator": Stage.ROLLED_BACK}
    assert made.world.rotator["own"] == 1
    assert made.abort() is None
    made.back()


def test_a_second_abort_needs_no_value_that_the_first_has_dropped(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db SWITCHED")
    made.crash("after the removal of db.g2.vault", made.abort)
    assert made.abort() is None
    made.back()


def test_a_deploy_in_the_middle_of_the_way_back_does_the_right_thing(bench: MakeBench) -> None:
    made = bench("O1-lists")
    made.crash("after the record state token SOAKING")
    made.crash("after the record dropped token gate", made.abort)
    found = generations(made.catalogue, made.store(), [made.run()])
    assert found.accepted["token", "gate"] == (1,)
    assert found.accepted["token", "door"] == (1, 2)
    made.deploy()
    assert made.abort() is None
    made.back()


def test_a_leak_on_the_way_is_not_taken_back_in_silence(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.leaks = [Leak("db", 2, "run003/stdout")]
    made.crash("after the record state db VERIFIED")
    made.scanner = lambda: Outcome(leaks=[Leak("db", 2, "/tmp/left", "h1")], searched=["h1"])
    assert made.abort() is None
    assert made.run().leaks == [Leak("db", 2, "run003/stdout"), Leak("db", 2, "/tmp/left", "h1")]
    assert emergencies([made.run()]) == {}, "the candidate that leaked is dead"
    made.back()


def test_the_way_back_is_searched_while_the_candidate_is_still_known(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db VERIFIED")
    kept: list[list[int]] = []
    made.scanner = lambda: kept.append(made.store().pending("db")) or Outcome()  # type: ignore[func-returns-value]
    assert made.abort() is None
    assert kept == [[2]]


def test_every_story_is_covered() -> None:
    assert set(STORIES) - set(BEFORE) == {"O3", "O3-manual", "O1-outside", "O4-outside", "mixed"}
