"""`status` and `log verify` answer from files alone: where everything stands, and the exact next command."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mycoops import account, lease, stale
from mycoops.commands import looking, rotating
from mycoops.commands.looking import Status
from mycoops.drill.faults import Fault
from mycoops.errors import JournalError
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_rotating import abort, resume, rotate


def status(made: Stage, name: str, today: date | None = None) -> Status:
    """The status of one credential."""
    return next(one for one in looking.status(made.opened(), today) if one.credential == name)


def test_a_value_that_is_young_needs_nothing(stage: MakeStage) -> None:
    one = status(stage(), "one")
    assert (one.state, one.generation, one.age_days, one.overdue, one.next) == ("CURRENT", 1, 0, False, "")


def test_a_value_that_missed_a_window_is_overdue(stage: MakeStage) -> None:
    one = status(stage(), "one", datetime.now(UTC).date() + timedelta(days=200))
    assert (one.overdue, one.age_days, one.next) == (True, 200, "mycoops rotate one")


def test_a_stopped_rotation_says_why_and_what_next(stage: MakeStage) -> None:
    made = stage()
    made.world.faults = [Fault("error", "mint", credential="one", code="slot_expired")]
    rotate(made)
    one = status(made, "one")
    assert (one.state, one.next) == ("BLOCKED", "mycoops resume")
    assert "slot_expired" in one.waiting_for
    assert status(made, "two").state == "CLOSED"
    resume(made)
    assert (status(made, "one").state, status(made, "one").next, status(made, "one").generation) == ("CLOSED", "", 2)


def test_a_wait_for_a_person_says_what_to_bring(stage: MakeStage) -> None:
    made = stage("O3")
    rotate(made)
    one = status(made, "it")
    assert (one.state, one.next) == ("WAITING_HUMAN", "mycoops provide it")
    assert one.waiting_for == "make a token named after the tag (https://console.example/tokens)"


def test_an_interrupted_rotation_is_to_be_resumed(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made))
    one = status(made, "one")
    assert (one.state, one.waiting_for, one.next) == ("STAGED", "the run that was interrupted", "mycoops resume")


def test_a_way_back_that_was_interrupted_is_to_be_gone_on_with(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made, "one"))
    made.crash("before the record state one ABORTED", lambda: abort(made))
    one = status(made, "one")
    assert (one.state, one.waiting_for, one.next) == ("ROLLING_BACK", "the run that was interrupted", "mycoops abort")


def test_a_rotation_under_way_waits_for_nothing_but_its_run(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made))
    with lease.hold(made.opened().settings.state, "resume"):
        one = status(made, "one")
    assert (one.state, one.next) == ("STAGED", "")
    assert f"the run under way: {account.name()} on " in one.waiting_for
    with lease.hold(made.opened().settings.state, "deploy"):
        assert status(made, "one").next == "mycoops resume"


def test_a_missing_value_is_told(stage: MakeStage) -> None:
    made = stage()
    status(made, "one")
    (made.fleet / "group_vars" / "all" / "vault.yml").unlink()
    one = status(made, "one")
    assert (one.state, one.generation, one.next) == ("MISSING", 0, "mycoops provide one")


def test_every_chain_is_checked(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    rotate(made, "two")
    first, second = made.journals
    first.write_bytes(first.read_bytes().replace(b'"API"', b'"API"').replace(b'"accepted"', b'"refused"', 1))
    second.write_bytes(second.read_bytes()[:-5])
    assert [verdict.state for verdict in looking.verify_log(made.opened())] == ["tampered", "shortened"]
    made.opened().settings.rotation_log.unlink()
    stale.forget(made.opened())
    assert [verdict.state for verdict in looking.verify_log(made.opened())] == ["tampered", "torn"]


def test_a_journal_that_only_the_log_knows_of_is_missing_and_the_log_keeps_its_evidence(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    rotate(made, "two")
    log = made.opened().settings.rotation_log
    before, away = log.read_text(), made.journals[0].with_suffix(".away")
    made.journals[0].rename(away)
    assert [verdict.state for verdict in looking.verify_log(made.opened())] == ["intact", "missing"]
    with pytest.raises(JournalError, match="it is not there"):
        rotating.render_log(made.opened())
    assert log.read_text() == before
    away.rename(away.with_suffix(".jsonl"))
    rotating.render_log(made.opened())
    assert log.read_text() == before


def test_a_log_is_not_rendered_anew_from_a_journal_that_was_changed(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    log = made.opened().settings.rotation_log
    before = log.read_text()
    made.journals[0].write_bytes(made.journals[0].read_bytes().replace(b'"accepted"', b'"refused"', 1))
    with pytest.raises(JournalError, match="this record was changed") as caught:
        rotating.render_log(made.opened())
    assert "mycoops log verify" in caught.value.hint
    assert log.read_text() == before
