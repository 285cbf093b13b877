"""Whatever fails once, resume ends CLOSED; whatever fails for good stops its own credential, with the old value or forward only."""

from __future__ import annotations

import pytest

from mycoops.drill.bench import Bench
from mycoops.drill.faults import Fault
from mycoops.drill.stories import APART, STORIES
from mycoops.errors import ForwardOnly, MycoopsError, StepFailed, WaitingForPerson
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench
from tests.unit.rotation.test_crashes import SINGLE, blaming, photographs


def fits(made: Bench, error: MycoopsError | None) -> bool:
    """Whether a command ended as the journal says it had to."""
    stuck = [standing for standing in made.run().rotations.values() if standing.open and standing.blocked]
    if any(standing.forward_only or standing.state is State.QUARANTINED for standing in stuck):
        return isinstance(error, ForwardOnly)
    if stuck:
        return isinstance(error, StepFailed)
    return error is None or isinstance(error, WaitingForPerson)


@pytest.mark.parametrize("what", ["lost", "unreachable", "error"])
@pytest.mark.parametrize("story", SINGLE)
def test_whatever_fails_once_is_gone_on_with(bench: MakeBench, story: str, what: str) -> None:
    made = bench(story)
    starts = [snapshot for point, snapshot in photographs(made, made.finish, only="start")]
    assert len(starts) >= 4
    for number, snapshot in enumerate(starts):
        made.restore(snapshot)
        made.world.faults = [Fault(what, skip=number % 3)]
        with blaming(f"before start {number}"):
            assert fits(made, made.walk()), (made.errors, made.states())
            made.bring()
            made.finish()


def test_a_path_that_accepts_anything_is_refused_before_anything_is_minted(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.authorities["db"]["h3"].trust = True
    assert "any value is accepted" in str(made.walk())
    assert made.standing("db").state is State.PLANNED
    assert made.store().pending("db") == []


@pytest.mark.parametrize("story", ["O2", "O4-bare", "O1-own-key"])
def test_a_path_that_accepts_anything_is_not_switched_on(bench: MakeBench, story: str) -> None:
    made = bench(story)
    name = next(iter(made.catalogue.credentials))
    for authority in made.world.authorities[name].values():
        authority.trust = True
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert "accepted" in str(error)
    assert made.standing(name).stages == {}
    for authority in made.world.authorities[name].values():
        authority.trust = False
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("entry", ["preflight", "mint", "parity", "revoke", "persist"])
@pytest.mark.parametrize("what", ["lost", "unreachable", "error"])
def test_one_failing_credential_stops_no_other(bench: MakeBench, entry: str, what: str) -> None:
    made = bench(APART)
    made.world.faults = [Fault(what, entry, credential="one")]
    assert fits(made, made.walk())
    assert made.standing("one").state is not State.CLOSED
    assert made.standing("two").state is State.CLOSED
    assert made.walk() is None
    made.over()


def test_a_host_that_is_gone_for_good_leaves_every_old_value_alive(bench: MakeBench) -> None:
    made = bench("O1-admin")
    made.crash("after the record state cache STAGED")
    made.world.machines["h2"].up = False
    assert isinstance(made.walk(), StepFailed)
    assert isinstance(made.walk(), StepFailed)
    assert made.world.accepts("cache", "", made.store().secret("cache", 1).reveal())
    made.world.machines["h2"].up = True
    assert made.walk() is None
    made.over()


def test_a_less_permitted_new_value_is_not_switched_to(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    monkeypatch.setattr(made.world, "_parity", lambda *_: {"equal": False, "evidence": {"missing": "INSERT"}})
    assert "may not do what the old one may" in str(made.walk())
    assert made.standing("db").state is State.ACTIVATED
    monkeypatch.undo()


def test_a_controller_that_wakes_up_late_cannot_write(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db STAGED")
    late = made.context()
    made.crash("before the record state db REVOKING")
    requests = late.requests({("db", "api"): 2}).for_services(["api"])
    before = repr(made.world.machines)
    (reply,) = made.world.carry_out((), requests).replies
    assert reply.error["code"] == "stale_token"
    assert repr(made.world.machines) == before


@pytest.mark.parametrize("entry", ["mint", "revoke"])
def test_a_controller_that_wakes_up_late_cannot_change_an_authority(bench: MakeBench, entry: str) -> None:
    made = bench("O1-admin")
    made.crash("after the record state cache STAGED")
    late = made.context()
    assert made.abort() is None
    before = repr(made.world.authorities)
    (item,) = late.items().entry(late.rotation("cache"), entry)
    (reply,) = made.world.carry_out([item]).replies
    assert reply.error["code"] == "stale_token"
    assert repr(made.world.authorities) == before


def test_every_story_is_told() -> None:
    assert set(SINGLE) == set(STORIES) - {"mixed"}
