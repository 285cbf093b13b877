"""A leak fails the command whatever else it did, opens an emergency, names the command that ends it, and is measured."""

from __future__ import annotations

from datetime import date

import pytest

from mycoops.checklist import quarter_of
from mycoops.commands import deploying, leaking, looking, planning, rendering, rotating
from mycoops.drill.faults import Fault
from mycoops.errors import ConfigurationError, Exit, Leaked, StepFailed
from mycoops.exposure import emergencies, exposures
from mycoops.interrupts import Stop
from mycoops.leaks.control_node import OUTPUT
from mycoops.leaks.heard import HEARD
from mycoops.leaks.known import Known
from mycoops.model import Leak, State
from mycoops.report import ended_in, exposure_text, scan_text
from mycoops.runner import Outcome
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never
from tests.unit.commands.test_rotating import abort, planned, resume, rotate, states

PLACE = Leak("db", 2, "/var/log/app.log", "h1")


def finds(made: Stage, *leaks: Leak, **more: object) -> None:
    """From now on the scan of a run finds this."""
    made.scanner = lambda: Outcome(leaks=list(leaks), searched=["h1", "control node"], **more)  # type: ignore[arg-type]


def status(made: Stage, name: str = "db") -> looking.Status:
    return next(one for one in looking.status(made.opened()) if one.credential == name)


def test_a_leak_of_the_value_in_force_is_an_emergency_until_it_is_replaced(stage: MakeStage) -> None:
    made = stage("O1-slots")
    finds(made, PLACE)
    first = rotate(made)
    assert isinstance(first.error, Leaked)
    assert first.error.exit_status == Exit.LEAK
    assert "db: generation 2 was found where it must not be: h1: /var/log/app.log" in first.error.message
    assert "EMERGENCY" in first.error.hint
    assert "`mycoops rotate db`" in first.error.hint
    one = status(made)
    assert (one.state, one.next, one.emergency_since != "") == ("EMERGENCY", "mycoops rotate db", True)
    assert "generation 2 leaked, found at" in one.waiting_for

    made.scanner = Outcome
    again = rotate(made)
    assert again.error is None
    assert set(states(made).values()) == {State.CLOSED}
    assert (status(made).state, status(made).next, status(made).emergency_since) == ("CLOSED", "", "")
    (over,) = exposures(made.opened().runs().values())
    assert (over.generation, over.until != "", over.seconds() >= 0) == (2, True, True)
    assert ended_in(again.run, [over]) == [over]
    log = made.opened().settings.rotation_log.read_text()
    assert "- LEAK: db generation 2: h1: /var/log/app.log, at " in log
    assert f"- {exposure_text(over)}" in log
    assert "to PROVEN_DEAD at" in log


def test_rotate_closes_what_waited_to_be_told_and_begins_anew(stage: MakeStage) -> None:
    made = stage("O1-slots")
    finds(made, PLACE)
    rotate(made)
    assert states(made) == {"db": State.PROVEN_DEAD}
    made.scanner = Outcome
    assert rotate(made).error is None
    first, second = made.opened().runs().values()
    assert (first.rotations["db"].state, first.rotations["db"].to_generation) == (State.CLOSED, 2)
    assert (second.rotations["db"].state, second.rotations["db"].from_generation) == (State.CLOSED, 2)


def test_what_has_more_left_to_do_than_to_tell_is_not_gone_over(stage: MakeStage) -> None:
    made = stage()
    made.world.faults = [Fault("error", "mint", credential="one")]
    finds(made, Leak("two", 2, "/tmp/x", "h1"))
    rotate(made)
    assert states(made) == {"one": State.MINTING, "two": State.PROVEN_DEAD}
    with pytest.raises(ConfigurationError, match="a rotation of two is open"):
        rotate(made, "two")


def test_the_plan_of_an_emergency_names_it_as_its_reason(stage: MakeStage) -> None:
    made = stage("O1-slots")
    within = quarter_of(date(2031, 5, 1), made.opened().catalogue.fleet.windows).opens
    assert planning.why(made.opened(), ["db"], "by name", within) == "by name"
    finds(made, PLACE)
    rotate(made)
    for chosen in (["db"], []):
        told = planning.why(made.opened(), chosen, "by name", within)
        assert told.startswith("by name; emergency: db generation 2 leaked, found at ")
    assert planning.why(made.opened(), ["other"], "by name", within) == "by name"


def test_a_dead_value_that_is_found_is_told_and_is_no_emergency(stage: MakeStage) -> None:
    made = stage("O1-slots")
    finds(made, Leak("db", 1, "/var/log/app.log", "h1"))
    error = rotate(made).error
    assert isinstance(error, Leaked)
    assert "EMERGENCY" not in error.hint
    assert (status(made).state, status(made).next) == ("BLOCKED", "mycoops resume")
    assert emergencies(made.opened().runs().values()) == {}
    made.scanner = Outcome
    assert resume(made)[0].error is None


def test_a_value_that_is_still_there_fails_every_command_that_finds_it(stage: MakeStage) -> None:
    made = stage("O1-slots")
    finds(made, PLACE)
    rotate(made)
    (again,) = resume(made)
    assert isinstance(again.error, Leaked)
    assert states(made) == {"db": State.CLOSED}
    assert len([record for record in made.records() if record["event"] == "leak"]) == 1


def test_a_dead_value_that_was_told_before_does_not_keep_the_rotation_that_replaced_it_open(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.scanner = lambda: Outcome(leaks=[Leak("db", 1, "/var/log/app.log", "h1")])
    deploying.deploy(made.opened(), lambda *_: None, never)
    assert status(made).state == "EMERGENCY"
    cure = rotate(made)
    assert isinstance(cure.error, Leaked), "it is found again, and told again"
    assert states(made) == {"db": State.CLOSED}
    assert (status(made).state, status(made).next) == ("CLOSED", "")


def test_a_failed_run_that_leaked_says_both(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.world.faults = [Fault("error", "mint", credential="db", code="slot_expired")]
    finds(made, PLACE)
    error = rotate(made).error
    assert isinstance(error, Leaked)
    assert "/var/log/app.log" in error.message
    assert "slot_expired" in error.message
    assert made.records()[-1]["event"] == "scanned"


def test_a_way_back_that_leaked_is_taken_back_and_fails(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.crash("after the record state db VERIFIED", lambda: rotate(made))
    finds(made, PLACE)
    with pytest.raises(Leaked) as caught:
        abort(made)
    assert "dead already" in caught.value.hint
    assert states(made) == {"db": State.ABORTED}
    assert status(made).state == "ABORTED"


def test_a_way_back_of_which_a_host_was_not_searched_is_not_called_clean(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.crash("after the record state db VERIFIED", lambda: rotate(made))
    finds(made, missed={"h1": "h1 cannot be reached over ssh"})
    with pytest.raises(StepFailed, match="not searched for leaks: h1 cannot be reached"):
        abort(made)
    assert states(made) == {"db": State.ABORTED}


def test_told_to_stop_at_once_nothing_is_searched_and_that_is_said(stage: MakeStage) -> None:
    made, stop, progress = stage(), Stop(), Quiet()
    made.scanner = lambda: pytest.fail("searched")
    made.clock.seen = lambda what: stop.asked.extend([2, 2]) if what.startswith("restart") else None
    made.world.faults = [Fault("lost", "delivery", check=False, times=9)]
    outcome = rotating.rotate(made.opened(), planned(made), progress, lambda *_: None, stop)
    assert scan_text(outcome.run) == ""
    assert any("not searched for leaks" in note for note in progress.notes)


def test_what_an_earlier_process_may_have_left_is_searched_for_too(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage("O1-slots")
    made.crash("after the record state db PROVEN_DEAD", lambda: rotate(made))
    went_back: list[tuple[str, int]] = []
    monkeypatch.setattr(made, "went_back", went_back)
    resume(made)
    (run,) = made.opened().runs().values()
    assert went_back == [(run.opened, len(run.plan["moves"]))]


def test_the_summary_says_what_was_searched_and_what_was_not(stage: MakeStage) -> None:
    made = stage("O1-slots")
    finds(made, skipped=[f"h1: /var/log/{number}" for number in range(5)])
    some = "h1: /var/log/0; h1: /var/log/1; h1: /var/log/2 and 2 more"
    assert scan_text(rotate(made).run) == f"h1, control node: nothing found; left out: {some}"


def test_of_many_places_a_few_are_told() -> None:
    text = leaking._told([Leak("db", 1, f"/tmp/{number}", "h1") for number in range(9)])
    assert text.count("/tmp/") == leaking.SHOWN
    assert text.endswith("and 4 more places")


def test_the_last_lines_of_a_command_are_searched_too(stage: MakeStage) -> None:
    made = stage("O1-slots")
    store = made.store()
    HEARD.begin()
    opened = made.opened()
    assert leaking.overheard(opened, Known(store)) is None
    HEARD.take(f"a bug: {store.secret('db', 1).reveal()}\n")
    error = leaking.overheard(opened, Known(store))
    assert isinstance(error, Leaked)
    assert f"db: generation 1 was found where it must not be: control node: {OUTPUT}" in error.message
    assert status(made).state == "EMERGENCY"
    HEARD.told.append(Leak("db", 1, OUTPUT))
    assert leaking.overheard(opened, Known(store)) is None, "told once"
    HEARD.begin()


def test_a_deploy_says_what_was_searched(stage: MakeStage) -> None:
    made = stage("O1-slots")
    finds(made, skipped=["h1: /var/log/huge"])
    done = deploying.deploy(made.opened(), lambda *_: None, never)
    assert done.scan == "h1, control node: nothing found; left out: h1: /var/log/huge"
    finds(made, PLACE)
    done = deploying.deploy(made.opened(), lambda *_: None, never)
    assert done.scan == "h1, control node: found in 1 place"


def test_a_deploy_that_is_stopped_tells_what_it_found(stage: MakeStage) -> None:
    made, stop = stage("O1-slots"), Stop()
    stop.asked.append(2)
    finds(made, PLACE)
    with pytest.raises(Leaked, match="db: generation 2 was found"):
        deploying.deploy(made.opened(), lambda *_: None, stop)


def test_nothing_found_writes_nothing(stage: MakeStage) -> None:
    made = stage("O1-slots")
    leaking.recorded(made.opened(), [], "deploy")
    assert made.journals == []
    assert leaking.failure(made.opened(), []) is None
    deploying.deploy(made.opened(), lambda *_: None, never)
    rendering.render_log(made.opened())
    assert "LEAK" not in made.opened().settings.rotation_log.read_text()
