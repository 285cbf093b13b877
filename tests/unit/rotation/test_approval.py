"""The old value of a credential that needs an approval is not ended before a second person has agreed to that very plan."""

from __future__ import annotations

import pytest

from mycoops.catalogue import Approval, Catalogue
from mycoops.drill.bench import KEY, Bench
from mycoops.drill.faults import Fault, Violation
from mycoops.drill.stories import STORIES, Story, fleet, use
from mycoops.errors import ForwardOnly, StepFailed, WaitingForPerson
from mycoops.journal import Journal
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench


def asking(story: str) -> Catalogue:
    """The fleet of a story, all of which needs an approval."""
    asked = STORIES[story].catalogue.model_copy(deep=True)
    object.__setattr__(asked.mycoops_fleet, "approval", Approval(required=True))
    return asked


def forward(made: Bench) -> set[str]:
    """The credentials that have passed their point of no return, by the journal."""
    return {record["credential"] for record in made.records() if record.get("forward_only")}


def test_what_needs_an_approval_waits_and_the_others_go_on(bench: MakeBench) -> None:
    made = bench("O1-approval")
    error = made.walk()
    assert isinstance(error, WaitingForPerson)
    assert error.message == "waiting for a second person: token, cache"
    assert f"`mycoops approve {made.plan.digest}`" in error.hint
    assert [made.standing(name).shown for name in ("token", "cache", "free")] == ["WAITING_HUMAN", "WAITING_HUMAN", "CLOSED"]
    waiting = made.standing("token").waiting
    assert waiting["step"] == f"approval of plan {made.plan.digest} by a second person"
    assert waiting["next"] == f"mycoops approve {made.plan.digest}"
    assert forward(made) == {"free"}
    assert any(f"token: waits for the approval of plan {made.plan.digest}" in note for note in made.notes)


def test_waiting_is_not_an_answer_to_itself(bench: MakeBench) -> None:
    made = bench("O1-approval")
    for _ in range(3):
        assert isinstance(made.walk(), WaitingForPerson)
    assert forward(made) == {"free"}
    made.approve()
    assert made.walk() is None
    made.over()


def test_an_approval_lifts_the_wait_before_anybody_resumes(bench: MakeBench) -> None:
    made = bench("O1-approval")
    made.walk()
    made.approve()
    assert (made.standing("token").shown, made.standing("token").waiting) == (State.PROMOTED, {})


@pytest.mark.parametrize(
    ("by", "digest"),
    [("someone@desk", ""), ("someone@laptop", ""), ("another@desk", "0123456789abcdef")],
    ids=["the operator", "the operator from elsewhere", "of another plan"],
)
def test_an_approval_that_is_none_changes_nothing(bench: MakeBench, by: str, digest: str) -> None:
    made = bench("O1-approval")
    made.walk()
    made.approve(by, digest)
    assert isinstance(made.walk(), WaitingForPerson)
    assert forward(made) == {"free"}


def test_who_has_resumed_it_is_an_operator_too(bench: MakeBench) -> None:
    made = bench("O1-approval")
    made.walk()
    Journal(made.path, KEY).write("resumed", operator="another@desk", token=2)
    made.approve("another@desk")
    assert isinstance(made.walk(), WaitingForPerson)
    made.approve("third@desk")
    assert made.walk() is None
    made.over()


def test_two_people_are_enough_whoever_of_them_goes_on(bench: MakeBench) -> None:
    made = bench("O1-approval")
    made.walk()
    made.approve("another@desk")
    Journal(made.path, KEY).write("resumed", operator="another@desk", token=2)
    assert made.walk() is None
    made.over()


def test_an_approval_that_came_early_lets_the_run_through(bench: MakeBench) -> None:
    made = bench("O1-approval")
    made.crash("after the record state token STAGED")
    made.approve()
    assert made.walk() is None
    made.over()


def test_a_cut_is_armed_and_rehearsed_once_more_when_it_is_approved(bench: MakeBench) -> None:
    made = bench("O4-approval")
    assert isinstance(made.walk(), WaitingForPerson)
    assert (made.standing("it").state, made.standing("it").shown) == (State.VERIFIED, State.WAITING_HUMAN)
    assert "check api" in made.world.calls
    assert "stage it h3" not in made.world.calls
    made.approve()
    made.world.calls.clear()
    assert made.walk() is None
    assert set(made.world.calls[: made.world.calls.index("cutover it h3")]) == {"stage it h3", "check api", "check job"}
    made.over()


def test_a_cut_that_was_staged_unapproved_is_not_made(bench: MakeBench) -> None:
    """Whatever brought it there: the handler that makes the cut looks itself."""
    made = bench("O4-approval")
    made.walk()
    journal = Journal(made.path, KEY)
    journal.write("unblocked", credential="it")
    journal.write("state", credential="it", state="STAGED")
    assert isinstance(made.walk(), WaitingForPerson)
    assert "cutover it h3" not in made.world.calls
    assert forward(made) == set()


def test_a_failure_of_the_rehearsal_is_told_instead_of_a_wait(bench: MakeBench) -> None:
    made = bench("O4-approval")
    made.world.faults = [Fault("error", "delivery", check=True, skip=2, times=9)]
    assert isinstance(made.walk(), StepFailed)
    assert made.standing("it").shown is State.BLOCKED
    made.world.faults.clear()
    made.finish()


def test_while_it_waits_abort_is_free(bench: MakeBench) -> None:
    for story in ("O1-approval", "O4-approval"):
        made = bench(story)
        made.walk()
        assert made.abort() is None
        made.back()


def test_after_the_approval_and_the_revocation_there_is_no_way_back(bench: MakeBench) -> None:
    made = bench("O1-approval")
    made.walk()
    made.approve()
    made.crash("after the record state token REVOKING")
    assert isinstance(made.abort(), ForwardOnly)


def test_a_value_a_person_makes_and_an_approval_are_two_waits(bench: MakeBench) -> None:
    services = {
        "api": {
            "host": "h1",
            "unit": "api.service",
            "reads": ["KEY"],
            "env_file": {"path": "/etc/api.env", "readers": ["systemd"]},
        }
    }
    for kind, first in (("person", "mycoops provide it"), ("console", "mycoops approve")):
        credential = {"kind": kind, "category": "api_keys", "authority": {"host": "h3"}, "consumers": [use("api", "KEY")]}
        made = bench(Story(kind, fleet(services, {"it": {**credential, "approval": True}})))
        assert isinstance(made.walk(), WaitingForPerson)
        assert made.standing("it").waiting["next"].startswith(first)
        made.finish()


@pytest.mark.parametrize(
    ("story", "what"),
    [
        ("O1-slots", "revoked without"),
        ("O1-lists", "first value was ended without"),
        ("O4", "cut without"),
        ("O7", "used up without"),
    ],
)
def test_the_world_notices_an_end_that_nobody_approved(
    bench: MakeBench, monkeypatch: pytest.MonkeyPatch, story: str, what: str
) -> None:
    """The control: an engine that does not ask breaks the invariant, at the entry, at the list and at the cut."""
    monkeypatch.setattr("mycoops.ledger.Run.lacks_approval", lambda run, credential: False)
    with pytest.raises(Violation, match=f"{what} an approval"):
        bench(Story("asked", asking(story))).walk()


@pytest.mark.parametrize("story", [name for name in STORIES if not name.endswith("approval")])
def test_whatever_a_fleet_is_made_of_it_can_be_asked_for(bench: MakeBench, story: str) -> None:
    made = bench(Story("asked", asking(story)))
    error = made.walk()
    assert isinstance(error, WaitingForPerson)
    assert forward(made) == set()
    made.bring()
    made.finish()
