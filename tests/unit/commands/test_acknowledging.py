"""What a person says of a consumer outside the hosts goes into the journal that waits for it, and into no other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mycoops import account
from mycoops.commands import acknowledging, looking, planning, rotating
from mycoops.errors import ConfigurationError, StepFailed, WaitingForPerson, WrongUsage
from mycoops.model import State
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never

MANUAL, ANN = "manual:the store of n8n", "developer:ann"


def begun(stage: MakeStage) -> Stage:
    """A stage of which the rotation waits."""
    return begin(stage("O1-outside"))


def begin(made: Stage) -> Stage:
    plan = planning.plan(made.opened(), made.store(), ["it"], label="single", reason="a test")
    outcome = rotating.rotate(made.opened(), plan, Quiet(), lambda *_: None, never)
    assert isinstance(outcome.error, WaitingForPerson)
    return made


def later(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def resumed(made: Stage) -> State:
    rotating.resume(made.opened(), Quiet(), lambda *_: None, never)
    return next(run for run in made.opened().runs().values() if "it" in run.rotations).rotations["it"].state


def test_what_is_acknowledged_and_waived_lets_the_rotation_go_on(stage: MakeStage) -> None:
    made = begun(stage)
    made.world.take("it", made.catalogue.credentials["it"].outside[2], 2)
    said = acknowledging.acknowledge(made.opened(), "it", "the store of n8n")
    assert (said.consumer, said.generation, said.by, said.next) == (MANUAL, 2, account.here(), "mycoops resume")
    assert resumed(made) is State.SWITCHING
    waived = acknowledging.waive(made.opened(), "it", ANN, later(3), "on leave,\n- not a line of the log")
    assert waived.until == later(3)
    assert resumed(made) is State.CLOSED
    log = made.opened().settings.rotation_log.read_text()
    assert (
        f"- waived: {ANN} did not acknowledge it, until {later(3)}, by {account.here()}: on leave, - not a line of the log\n" in log
    )
    assert f"- acknowledged: {MANUAL} holds it generation 2, by {account.here()}\n" in log


def test_status_names_the_command_until_it_was_given(stage: MakeStage) -> None:
    made = begun(stage)
    assert looking.status(made.opened())[0].next == "mycoops pull --as ann"
    acknowledging.waive(made.opened(), "it", ANN, later(1), "on leave")
    assert looking.status(made.opened())[0].next == "mycoops resume"


@pytest.mark.parametrize("until", ["yesterday", later(-1), later(400), "2031-02-30"])
def test_a_waiver_is_for_a_while(stage: MakeStage, until: str) -> None:
    made = begun(stage)
    with pytest.raises(WrongUsage):
        acknowledging.waive(made.opened(), "it", ANN, until, "on leave")


def test_a_waiver_has_a_reason(stage: MakeStage) -> None:
    with pytest.raises(WrongUsage, match="without a reason"):
        acknowledging.waive(begun(stage).opened(), "it", ANN, date.today().isoformat(), "  ")


@pytest.mark.parametrize("consumer", ["api", "rotator", "the store", ""])
def test_whom_mycoops_reaches_itself_is_not_excused(stage: MakeStage, consumer: str) -> None:
    made = begun(stage)
    with pytest.raises(WrongUsage, match="no consumer") as caught:
        acknowledging.waive(made.opened(), "it", consumer, later(1), "a reason")
    assert ANN in caught.value.hint
    with pytest.raises(WrongUsage, match="unknown credential"):
        acknowledging.waive(made.opened(), "other", ANN, later(1), "a reason")


def test_a_developer_and_a_secret_of_github_acknowledge_by_themselves(stage: MakeStage) -> None:
    made = begun(stage)
    for consumer in (ANN, "github:acme/app:SECRET"):
        with pytest.raises(ConfigurationError, match="acknowledges by itself"):
            acknowledging.acknowledge(made.opened(), "it", consumer)


def test_nobody_waits_before_a_rotation_or_twice(stage: MakeStage) -> None:
    made = stage("O1-outside")
    with pytest.raises(ConfigurationError, match="no rotation of it waits"):
        acknowledging.acknowledge(made.opened(), "it", MANUAL)
    begin(made)
    made.world.take("it", made.catalogue.credentials["it"].outside[2], 2)
    acknowledging.acknowledge(made.opened(), "it", MANUAL)
    resumed(made)
    with pytest.raises(ConfigurationError, match="no rotation of it waits"):
        acknowledging.acknowledge(made.opened(), "it", MANUAL)


def test_on_the_way_back_it_is_the_old_value_that_is_acknowledged(stage: MakeStage) -> None:
    made = begun(stage)
    with pytest.raises(StepFailed):
        rotating.abort(made.opened(), Quiet(), lambda *_: None, never)
    said = acknowledging.acknowledge(made.opened(), "it", MANUAL)
    assert (said.generation, said.next) == (1, "mycoops abort")
    acknowledging.waive(made.opened(), "it", ANN, later(1), "never fetched it")
    assert rotating.abort(made.opened(), Quiet(), lambda *_: None, never) == ["it"]


def test_the_value_is_shown_in_an_editor_and_nothing_is_recorded(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made, shown = begun(stage), []
    monkeypatch.setattr("mycoops.editor.edited", lambda name, secret: shown.append((name, secret.reveal())))
    before = made.records()
    acknowledging.show(made.opened(), "it", MANUAL)
    assert shown == [("it", made.store().secret("it", 2).reveal())]
    assert made.records() == before
