"""`rotate`, `resume` and `abort` work on journals under one lease, show what is left, and render the log whatever happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mycoops import interrupts, lease
from mycoops.commands import planning, rotating
from mycoops.drill.faults import Fault
from mycoops.drill.points import Crash
from mycoops.drill.stories import Story, fleet, use
from mycoops.errors import ConfigurationError, ForwardOnly, Interrupted, Leaked, Locked, StepFailed, WaitingForPerson
from mycoops.interrupts import Stop
from mycoops.ledger import Run
from mycoops.model import State
from mycoops.plan import Plan
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never


def planned(made: Stage, *names: str) -> Plan:
    """The plan a command would show."""
    opened = made.opened()
    return planning.plan(opened, made.store(), names, label="single", reason="a test")


def rotate(made: Stage, *names: str) -> rotating.Outcome:
    """One `mycoops rotate`."""
    return rotating.rotate(made.opened(), planned(made, *names), Quiet(), lambda *_: None, never)


def resume(made: Stage) -> list[rotating.Outcome]:
    """One `mycoops resume`."""
    return rotating.resume(made.opened(), Quiet(), lambda *_: None, never)


def abort(made: Stage) -> list[str]:
    """One `mycoops abort`."""
    return rotating.abort(made.opened(), Quiet(), lambda *_: None, never)


def states(made: Stage) -> dict[str, State]:
    """Where everything stands, by all journals."""
    return {name: standing.state for run in made.opened().runs().values() for name, standing in run.rotations.items()}


def test_a_rotation_leaves_a_journal_a_log_and_a_summary(stage: MakeStage) -> None:
    made = stage()
    outcome = rotate(made)
    assert outcome.error is None
    assert [(line.credential, line.state, line.from_generation, line.to_generation) for line in outcome.lines] == [
        ("one", "CLOSED", 1, 2),
        ("two", "CLOSED", 1, 2),
    ]
    assert [line.consumers for line in outcome.lines] == [1, 1]
    log = made.opened().settings.rotation_log.read_text()
    assert "| one | API keys | 1 → 2 | CLOSED | accepted from h1" in log
    assert not any(value in log for value in made.world.known)
    assert made.records()[0]["event"] == "opened"
    assert made.records()[0]["token"] == 1
    named = [record["fingerprint"] for record in made.records() if record["event"] == "kept"]
    assert sorted(named) == ["one-2", "two-2"]


def test_the_log_of_a_way_back_says_that_the_old_value_works_and_the_candidate_does_not(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one SWITCHED", lambda: rotate(made, "one"))
    abort(made)
    (row,) = [line for line in made.opened().settings.rotation_log.read_text().splitlines() if line.startswith("| 2")]
    cells = [cell.strip().split(" ")[0] for cell in row.strip("|").split("|")]
    assert cells[4:8] == ["ROLLED_BACK", "refused", "refused", "accepted"], row


def test_a_failure_is_returned_with_the_lines_and_the_log(stage: MakeStage) -> None:
    made = stage()
    made.world.faults = [Fault("error", "mint", credential="one")]
    outcome = rotate(made)
    assert isinstance(outcome.error, StepFailed)
    assert [line.state for line in outcome.lines] == ["BLOCKED", "CLOSED"]
    assert "BLOCKED" in made.opened().settings.rotation_log.read_text()
    (again,) = resume(made)
    assert again.error is None
    assert set(states(made).values()) == {State.CLOSED}


def test_a_crash_is_no_answer_but_leaves_the_log(stage: MakeStage) -> None:
    made = stage()

    def die(what: str) -> None:
        if what == "after the record state one STAGED":
            raise Crash(what)

    made.clock.seen = die
    with pytest.raises(Crash):
        rotate(made)
    made.clock.seen = lambda what: None
    assert "STAGED" in made.opened().settings.rotation_log.read_text()
    (again,) = resume(made)
    assert again.error is None


def test_an_interrupt_stops_between_two_moves(stage: MakeStage) -> None:
    made = stage()

    class AtTheThird(Stop):
        """Asks to stop when it is looked at for the third time."""

        def __call__(self) -> bool:
            self.asked.append(0)
            return len(self.asked) > 2

    outcome = rotating.rotate(made.opened(), planned(made), Quiet(), lambda *_: None, AtTheThird())
    assert isinstance(outcome.error, Interrupted)
    assert [record["event"] for record in made.records()][-1] == "interrupted"
    (again,) = resume(made)
    assert again.error is None


def test_an_open_rotation_is_not_rotated_again(stage: MakeStage) -> None:
    made = stage()
    made.world.faults = [Fault("error", "mint", credential="one")]
    rotate(made, "one")
    with pytest.raises(ConfigurationError, match="a rotation of one is open"):
        rotate(made, "one")
    assert rotate(made, "two").error is None


def test_a_plan_that_is_no_longer_true_is_not_carried_out(stage: MakeStage) -> None:
    made = stage()
    shown = planned(made, "one")
    assert rotate(made, "one").error is None
    with pytest.raises(ConfigurationError, match="changed since"):
        rotating.rotate(made.opened(), shown, Quiet(), lambda *_: None, never)
    assert len(made.journals) == 1
    assert made.store().pending("one") == []


def test_a_second_run_is_told_who_holds_the_fleet(stage: MakeStage) -> None:
    made = stage()
    with lease.hold(made.opened().settings.state, "rotate"), pytest.raises(Locked, match="`mycoops rotate`"):
        rotate(made)


def test_a_fleet_with_a_mistake_is_not_rotated(stage: MakeStage) -> None:
    made = stage()
    shown = planned(made)
    path = made.fleet / "group_vars" / "all" / "catalogue.yml"
    path.write_text(path.read_text().replace("- SECRET", "- OTHER", 1))
    with pytest.raises(ConfigurationError, match="has no reader of SECRET"):
        rotating.rotate(made.opened(), shown, Quiet(), lambda *_: None, never)
    assert made.journals == []


def test_there_is_nothing_to_resume_or_abort_where_nothing_is_open(stage: MakeStage) -> None:
    made = stage()
    for command in (resume, abort):
        with pytest.raises(ConfigurationError, match="no rotation is open"):
            command(made)
    assert rotate(made).error is None
    with pytest.raises(ConfigurationError, match="no rotation is open"):
        resume(made)


def test_a_wait_for_a_person_is_answered_by_resume(stage: MakeStage) -> None:
    made = stage("O3")
    assert isinstance(rotate(made).error, WaitingForPerson)
    made.world.bring("it")
    (again,) = resume(made)
    assert again.error is None


def test_abort_takes_everything_back_and_says_what(stage: MakeStage) -> None:
    made = stage()
    made.world.allergic = {"api", "job"}
    assert isinstance(rotate(made).error, StepFailed)
    made.world.allergic.clear()
    assert abort(made) == ["one", "two"]
    assert set(states(made).values()) == {State.ROLLED_BACK}
    assert "ROLLED_BACK" in made.opened().settings.rotation_log.read_text()
    made.world.check()
    assert rotate(made).error is None
    assert made.store().meta("one").generation == 3  # type: ignore[union-attr]


def test_a_run_that_cannot_be_taken_back_does_not_keep_another_from_it(stage: MakeStage) -> None:
    made = stage()
    made.world.faults = [Fault("error", "revoke", credential="one")]
    assert isinstance(rotate(made, "one").error, ForwardOnly)
    made.world.allergic = {"job"}
    assert isinstance(rotate(made, "two").error, StepFailed)
    made.world.allergic.clear()
    with pytest.raises(ForwardOnly):
        abort(made)
    assert states(made) == {"one": State.REVOKING, "two": State.ROLLED_BACK}
    (again,) = resume(made)
    assert again.error is None


def shared() -> Story:
    """Two services that use the same two credentials."""
    services = {
        name: {
            "host": host,
            "unit": f"{name}.service",
            "reads": ["ONE", "TWO"],
            "env_file": {"path": "/etc/x.env", "readers": ["bash"]},
        }
        for name, host in (("api", "h1"), ("job", "h2"))
    }
    credentials = {
        name: {
            "kind": "acl",
            "category": "api_keys",
            "authority": {"host": "h3"},
            "consumers": [use("api", name.upper()), use("job", name.upper())],
        }
        for name in ("one", "two")
    }
    return Story("shared", fleet(services, credentials))


def test_a_run_respects_what_another_open_run_has_switched(stage: MakeStage) -> None:
    made = stage(shared())
    made.world.faults = [Fault("unreachable", "delivery", "h2", check=False)]
    assert isinstance(rotate(made, "one").error, StepFailed)
    assert rotate(made, "two").error is None
    made.world.check()
    (again,) = resume(made)
    assert again.error is None
    assert set(states(made).values()) == {State.CLOSED}


def test_a_tampered_journal_stops_everything(stage: MakeStage) -> None:
    made = stage()
    rotate(made)
    (path,) = made.journals
    path.write_bytes(path.read_bytes().replace(b'"refused"', b'"accepted"', 1))
    with pytest.raises(ConfigurationError, match="this record was changed"):
        resume(made)


def test_ctrl_c_in_a_long_soak_stops_there_and_resume_goes_on(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage()
    soaking: list[bool] = []

    def impatient(stop: Callable[[], bool]) -> Callable[[float], None]:
        return lambda _seconds: soaking.append(True) or interrupts_patient(lambda: True)(3600)

    with monkeypatch.context() as patched:
        interrupts_patient = interrupts.patient
        patched.setattr("mycoops.interrupts.patient", impatient)
        outcome = rotate(made)
    assert soaking
    assert isinstance(outcome.error, Interrupted)
    assert [record["event"] for record in made.records()[-2:]] == ["interrupted", "scanned"]
    assert set(states(made).values()) == {State.SOAKING}
    assert resume(made)[0].error is None
    assert set(states(made).values()) == {State.CLOSED}


def test_a_way_back_stops_between_two_steps_and_is_gone_on_with(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.crash("after the record state db SWITCHED", lambda: rotate(made))
    stop = Stop()

    def ask(what: str) -> None:
        if what.startswith("restart"):
            stop.asked.append(2)

    made.clock.seen = ask
    with pytest.raises(Interrupted) as caught:
        rotating.abort(made.opened(), Quiet(), lambda *_: None, stop)
    assert caught.value.hint == "Go on with `mycoops abort`."
    assert states(made)["db"] is State.ROLLING_BACK
    made.clock.seen = lambda what: None
    assert abort(made) == ["db"]


def test_told_to_stop_in_the_middle_of_a_step_a_run_is_interrupted_not_failed(stage: MakeStage) -> None:
    made = stage()
    stop = Stop()
    made.clock.seen = lambda what: stop.asked.extend([2, 2]) if what.startswith("restart") else None
    made.world.faults = [Fault("lost", "delivery", check=False, times=9)]
    outcome = rotating.rotate(made.opened(), planned(made), Quiet(), lambda *_: None, stop)
    assert isinstance(outcome.error, Interrupted)
    assert "no answer" in outcome.error.message
    assert outcome.error.hint == "Go on with `mycoops resume`: it asks first."


def test_of_several_runs_the_gravest_end_is_the_commands(stage: MakeStage) -> None:
    path = stage().fleet
    ends = [WaitingForPerson("a person"), Interrupted("stopped"), ForwardOnly("past it"), StepFailed("old intact"), None]
    leak = Leaked("a value was found")
    assert rotating.gravest([rotating.Outcome(path, [], 0, end, Run({}, {})) for end in [*ends, leak]]) is leak
    assert rotating.gravest([rotating.Outcome(path, [], 0, end, Run({}, {})) for end in ends]) is ends[2]
    assert rotating.gravest([rotating.Outcome(path, [], 0, end, Run({}, {})) for end in ends[:2]]) is ends[1]
    assert rotating.gravest([rotating.Outcome(path, [], 0, None, Run({}, {}))]) is None


def test_nothing_is_closed_before_its_evidence_is_in_the_log(stage: MakeStage) -> None:
    made = stage()
    docs = made.opened().settings.rotation_log.parent
    docs.write_text("a file where the folder has to be")
    outcome = rotate(made, "one")
    assert isinstance(outcome.error, ForwardOnly)
    assert "SECRET_ROTATION_LOG.md cannot be written" in outcome.error.message
    assert states(made)["one"] is State.PROVEN_DEAD
    docs.unlink()
    (again,) = resume(made)
    assert (again.error, states(made)["one"]) == (None, State.CLOSED)


def test_a_crash_before_the_end_leaves_the_evidence_in_the_log(stage: MakeStage) -> None:
    made = stage()
    seen: list[str] = []

    def look(what: str) -> None:
        if what == "before the record state one CLOSED":
            seen.append(made.opened().settings.rotation_log.read_text())

    made.clock.seen = look
    rotate(made, "one")
    assert "| 1 → 2 | PROVEN_DEAD | accepted from h1" in seen[0]
