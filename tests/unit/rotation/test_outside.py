"""Consumers outside the hosts are brought the new value, waited for, waived by name, and brought back; nothing old ends before."""

from __future__ import annotations

import pytest

from mycoops.drill.bench import KEY, Bench
from mycoops.drill.faults import Fault, Violation
from mycoops.drill.spoils import waived
from mycoops.errors import StepFailed, WaitingForPerson
from mycoops.journal import Journal
from mycoops.ledger import Standing
from mycoops.model import Stage, State
from mycoops.order import admins_of, segment_of
from tests.unit.rotation.conftest import MakeBench

GITHUB, ANN, MANUAL = "github:acme/app:SECRET", "developer:ann", "manual:the store of n8n"
STORIES = ("O1-outside", "O4-outside")


def ended(made: Bench) -> bool:
    """Whether the old value has met its end."""
    return "revoke it h3" in made.world.calls


@pytest.mark.parametrize("story", STORIES)
def test_a_rotation_waits_for_persons_when_all_that_it_reaches_is_done(bench: MakeBench, story: str) -> None:
    made = bench(story)
    assert isinstance(made.walk(), WaitingForPerson)
    standing = made.standing("it")
    reached = {GITHUB, "api"} & set(standing.stages)
    assert reached == ({GITHUB, "api"} if story == "O1-outside" else {GITHUB})
    assert {standing.stages[name] for name in reached} == {Stage.ACKNOWLEDGED}
    assert standing.stages[ANN] is standing.stages[MANUAL] is Stage.SWITCHING
    assert (standing.state, standing.shown) == (State.SWITCHING, State.WAITING_HUMAN)
    assert standing.waiting["next"] == "mycoops pull --as ann"
    assert "ann fetches it into .env; put it into the store of n8n" in standing.waiting["step"]
    assert standing.waiting["deadline"] == standing.within[ANN] != ""
    assert not ended(made)
    made.bring()
    assert made.walk() is None
    made.over()


def test_the_page_and_the_command_are_those_of_who_is_missing(bench: MakeBench) -> None:
    made = bench("O1-outside")
    made.walk()
    made.world.take("it", next(one for one in made.catalogue.credentials["it"].outside if one.developer), 2)
    assert isinstance(made.walk(), WaitingForPerson)
    waiting = made.standing("it").waiting
    assert waiting["page"] == "https://n8n.example/credentials"
    assert waiting["next"] == "mycoops acknowledge it 'manual:the store of n8n'"


def test_waiting_is_not_an_answer_to_itself(bench: MakeBench) -> None:
    made = bench("O1-outside")
    for _ in range(3):
        assert isinstance(made.walk(), WaitingForPerson)
    assert not ended(made)


@pytest.mark.parametrize("generation", [1, 3])
def test_an_acknowledgement_of_another_generation_is_none(bench: MakeBench, generation: int) -> None:
    made = bench("O1-outside")
    made.walk()
    for consumer in (ANN, MANUAL):
        Journal(made.path, KEY).write("acknowledged", credential="it", service=consumer, generation=generation, by="a@desk")
    assert isinstance(made.walk(), WaitingForPerson)
    assert made.standing("it").stages[MANUAL] is Stage.SWITCHING


def test_after_the_deadline_it_is_stopped_and_says_how_to_go_on(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-outside")
    made.walk()
    monkeypatch.setattr("mycoops.rotation.outside.today", lambda: "2999-01-01")
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert f"{ANN} has not acknowledged by " in error.message
    assert made.standing("it").next_command == "mycoops waive it developer:ann --until DATE --reason TEXT"
    assert not ended(made)


def test_a_waiver_by_name_lets_it_go_on(bench: MakeBench) -> None:
    made = bench("O1-outside")
    made.walk()
    waived("it")(made)
    assert made.walk() is None
    assert ended(made)
    assert made.standing("it").stages[ANN] is Stage.SWITCHING
    assert made.standing("it").waived[ANN]["reason"] == "on leave"
    made.over()


def test_a_waiver_that_is_over_is_none(bench: MakeBench) -> None:
    made = bench("O1-outside")
    made.walk()
    waived("it", "2020-01-01")(made)
    assert isinstance(made.walk(), WaitingForPerson)
    assert not ended(made)


def test_a_waiver_that_runs_out_before_the_end_stops_it_and_after_its_beginning_does_not(bench: MakeBench) -> None:
    made = bench("O1-outside")
    made.walk()
    waived("it")(made)
    made.crash("after the record state it PROMOTED")
    waived("it", "2020-01-01")(made)
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert "has run out, and it has not acknowledged" in error.message
    assert not ended(made)
    made.finish()
    standing = Standing("it", 1, 2, forward_only=True, waived={ANN: {"until": "2020-01-01"}})
    assert standing.excused(ANN, "2030-01-01")
    standing.forward_only = False
    assert not standing.excused(ANN, "2030-01-01")
    assert standing.excused(ANN, "2020-01-01")


def test_a_waiver_is_for_the_consumer_it_names_alone(bench: MakeBench) -> None:
    made = bench("O1-outside")
    made.walk()
    Journal(made.path, KEY).write("waived", credential="it", service=ANN, until="9999-12-31", by="a@desk", reason="x")
    assert isinstance(made.walk(), WaitingForPerson)
    assert made.standing("it").waiting["step"] == "put it into the store of n8n"


def test_the_world_notices_an_end_that_nobody_acknowledged(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an engine that waits for nobody breaks the invariants."""
    monkeypatch.setattr("mycoops.rotation.outside.settled", lambda *_: True)
    with pytest.raises(Violation, match=r"revoked before .*developer:ann|run on what is not accepted"):
        bench("O1-outside").walk()


def test_a_failing_place_is_asked_again_and_then_stops_its_own_credential(bench: MakeBench) -> None:
    made = bench("O1-outside")
    made.world.faults = [Fault("unreachable", "reach", GITHUB, check=False, times=3)]
    assert isinstance(made.walk(), WaitingForPerson)
    assert made.slept[:3] == [1.0, 2.0, 4.0]
    made = bench("O1-outside")
    made.world.faults = [Fault("unreachable", "reach", GITHUB, check=False, times=99)]
    assert isinstance(made.walk(), StepFailed)
    assert made.standing("pat").state is State.CLOSED
    assert not ended(made)


@pytest.mark.parametrize("story", STORIES[:1])
def test_on_the_way_back_persons_are_asked_for_the_old_value_before_the_new_one_dies(bench: MakeBench, story: str) -> None:
    made = bench(story)
    made.walk()
    made.bring()
    made.crash("after the record state it SOAKING")
    error = made.abort()
    assert isinstance(error, StepFailed)
    standing = made.standing("it")
    assert "may hold the new value" in standing.blocked
    assert standing.stages[GITHUB] is Stage.ROLLED_BACK
    assert not ended(made)
    made.bring()
    assert made.abort() is None
    made.back()


def test_a_token_that_writes_secrets_goes_after_what_it_writes(bench: MakeBench) -> None:
    made = bench("O1-outside")
    admins = admins_of(made.catalogue)
    assert [segment_of(name, made.catalogue, made.kinds, admins) for name in ("it", "pat")] == [0, 1]
