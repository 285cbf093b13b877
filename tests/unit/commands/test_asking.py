"""`status --ask` asks all authorities in one start, keeps what they tell, and plain `status` shows it without a host."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from mycoops import cli, sightings
from mycoops.commands import asking, looking
from mycoops.commands.looking import Status
from mycoops.drill.faults import Fault
from mycoops.errors import Exit, Invalid, Leaked, StepFailed
from mycoops.model import Leak
from mycoops.runner import Outcome
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_looking import status
from tests.unit.commands.test_rotating import abort, rotate


@pytest.fixture
def rotated(stage: MakeStage) -> Stage:
    """db went from app_a to app_b."""
    made = stage("O1-slots")
    assert rotate(made).error is None
    made.world.calls.clear()
    return made


def ask(made: Stage) -> asking.Asked:
    """One `mycoops status --ask`."""
    return asking.ask(made.opened(), lambda *_: None)


def told(address: str = "192.0.2.7", ago: float = 0.0, **more: Any) -> dict[str, Any]:
    """What a host replies of one address."""
    now = time.time() + 1 - ago
    return {"address": address, "host": "h2", "first": now, "last": now, "count": 2, **more}


def seen(made: Stage) -> Status:
    """What plain `status` says."""
    return status(made, "db")


def test_nobody_is_told_of_before_anybody_was_asked(rotated: Stage) -> None:
    assert seen(rotated).retired is None
    assert rotated.world.calls == []


def test_who_tries_the_old_name_is_kept_and_shown(rotated: Stage) -> None:
    rotated.world.sighted = {"app_a": [told()], "app_b": [told("192.0.2.66")]}
    done = ask(rotated)
    assert (done.credentials, done.problems, done.error) == (("db",), {}, None)
    assert rotated.world.calls == ["sightings db h3"]
    rotated.world.calls.clear()
    found = seen(rotated).retired
    assert found
    assert (found.generation, found.principal) == (1, "app_a")
    assert [(one.address, one.host, one.count) for one in found.sightings] == [("192.0.2.7", "h2", 2)]
    assert rotated.world.calls == [], "plain status touches no host"
    assert [kept.name for kept in rotated.opened().settings.state.glob("sightings*")] == ["sightings.json"]


def test_nobody_having_tried_is_an_answer_too(rotated: Stage) -> None:
    ask(rotated)
    found = seen(rotated).retired
    assert found
    assert found.sightings == ()
    assert datetime.fromisoformat(found.asked).year > 2000


def test_what_is_asked_for_names_the_old_login_since_it_was_last_tried_by_us(rotated: Stage) -> None:
    proven = next(record["time"] for record in rotated.records() if record.get("state") == "PROVEN_DEAD")
    asked: list[dict[str, Any]] = []
    rotated.world._sightings = lambda item, values: asked.append(item.body) or {"sightings": []}  # type: ignore[method-assign]
    ask(rotated)
    (body,) = asked
    assert (body["previous_principal"], body["principal"], body["previous"], body["generation"]) == ("app_a", "app_b", 1, 2)
    assert body["since"] == datetime.fromisoformat(proven).timestamp()
    assert body["hosts"] == {"h1": ["h1"], "h2": ["h2"], "h3": ["h3"]}
    assert body["token"] == 0, "it changes nothing, so it needs no lease"


def test_what_mycoops_tried_itself_is_not_told_of(rotated: Stage) -> None:
    rotated.world.sighted = {"app_a": [told(ago=3600)]}
    ask(rotated)
    assert seen(rotated).retired.sightings == ()  # type: ignore[union-attr]


def test_a_name_that_is_taken_up_again_is_not_asked_about(rotated: Stage) -> None:
    rotated.world.sighted = {"app_a": [told()]}
    ask(rotated)
    rotated.crash("after the record state db ACTIVATED", lambda: rotate(rotated))
    assert seen(rotated).retired is None
    rotated.world.calls.clear()
    assert ask(rotated).credentials == ()
    assert rotated.world.calls == []
    abort(rotated)
    found = seen(rotated).retired
    assert found is None, "the generation that was taken back is another"
    ask(rotated)
    assert seen(rotated).retired.generation == 3  # type: ignore[union-attr]


@pytest.mark.parametrize("what", ["unreachable", "error", "lost"])
def test_an_authority_that_does_not_answer_is_told_and_forgets_nothing(rotated: Stage, what: str) -> None:
    rotated.world.sighted = {"app_a": [told()]}
    ask(rotated)
    before = seen(rotated)
    rotated.world.faults = [Fault(what, "sightings", code="no_log_file")]
    done = ask(rotated)
    assert set(done.problems) == {"db"}
    assert isinstance(done.error, StepFailed)
    assert "db: " in done.error.message
    assert seen(rotated) == before
    assert ask(rotated).error is None


def test_a_value_in_what_came_back_is_told_as_what_it_is(rotated: Stage) -> None:
    rotated.world.leaks = [Leak("db", 2, "run001/stdout")]
    with pytest.raises(Leaked, match="db: generation 2 was found where it must not be: control node: run001/stdout"):
        ask(rotated)
    assert status(rotated, "db").state == "EMERGENCY"


def test_what_a_killed_run_left_is_searched_before_it_goes(rotated: Stage) -> None:
    rotated.scanner = lambda: Outcome(leaks=[Leak("db", 2, "left-by-1/artifacts/stdout")])
    with pytest.raises(Leaked, match="db: generation 2 was found where it must not be: control node: left-by-1/artifacts/stdout"):
        ask(rotated)
    assert status(rotated, "db").state == "EMERGENCY"


def test_a_host_that_was_not_searched_is_told(rotated: Stage) -> None:
    rotated.scanner = lambda: Outcome(missed={"h3": "h3: did not answer"})
    error = ask(rotated).error
    assert error
    assert "not searched for leaks: h3: did not answer" in error.message


def test_a_fleet_with_a_mistake_is_not_asked(rotated: Stage) -> None:
    path = rotated.fleet / "group_vars" / "all" / "catalogue.yml"
    path.write_text(path.read_text().replace("- DB", "- OTHER", 1))
    with pytest.raises(Invalid):
        ask(rotated)


def invoke(made: Stage, *words: str) -> Any:
    """`mycoops status …` as a person runs it."""
    return CliRunner().invoke(cli.app, ["status", *words, "--fleet", str(made.fleet)])


def test_the_command_says_who_from_where_and_when(rotated: Stage) -> None:
    when = 1924992000.0 + 86400 * 3650
    rotated.world.sighted = {"app_a": [told(first=when, last=when), told("198.51.100.1", host="", count=1, first=when, last=when)]}
    done = invoke(rotated, "--ask")
    assert done.exit_code == 0
    time_ = sightings.instant(when).replace("T", " ").rstrip("Z")
    for line in (
        f"db: old generation 1 (app_a) still tried from 192.0.2.7/h2, last {time_} UTC, 2 times\n",
        f"db: old generation 1 (app_a) still tried from 198.51.100.1, last {time_} UTC, 1 time\n",
    ):
        assert line in done.stdout
        assert line in invoke(rotated).stdout
    (one,) = json.loads(invoke(rotated, "--json").stdout)
    assert one["retired"]["generation"] == 1
    assert one["retired"]["sightings"][0] == {
        "address": "192.0.2.7",
        "host": "h2",
        "first": sightings.instant(when),
        "last": sightings.instant(when),
        "count": 2,
    }


def test_the_command_does_not_take_silence_for_an_answer(rotated: Stage) -> None:
    rotated.world.faults = [Fault("unreachable", "sightings")]
    done = invoke(rotated, "--ask")
    assert "db" in done.stdout, "the status is shown all the same"
    assert isinstance(done.exception, StepFailed)
    assert done.exception.exit_status == Exit.FAILED_OLD_INTACT


def test_where_nobody_can_be_asked_that_is_said(stage: MakeStage) -> None:
    made = stage()
    assert rotate(made).error is None
    done = invoke(made, "--ask")
    assert (done.exit_code, "nobody was asked" in done.stderr) == (0, True)
    assert [one.retired for one in looking.status(made.opened())] == [None, None]
