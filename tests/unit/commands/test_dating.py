"""`calendar` tells windows, dates and owners, and its iCalendar is one that the library reads back, with names that stay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar
from typer.testing import CliRunner, Result

from mycoops import cli
from mycoops.commands import dating, planning, rotating
from mycoops.errors import Exit
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never
from tests.unit.commands.test_rotating import rotate

TODAY = datetime.now(UTC).date()


def invoke(made: Stage, *words: str) -> Result:
    """`mycoops calendar` on the stage's fleet."""
    return CliRunner().invoke(cli.app, ["calendar", "--fleet", str(made.fleet), *words])


def declare(made: Stage, old: str, new: str) -> None:
    """Change the catalogue in one place."""
    path = made.fleet / "group_vars" / "all" / "catalogue.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_calendar_begins_with_the_window_that_is_open(stage: MakeStage) -> None:
    opened = stage().opened()
    windows = dating.calendar(opened, date(2031, 4, 7)).windows
    assert [window.quarter for window in windows] == ["2031-Q2", "2031-Q3", "2031-Q4", "2032-Q1"]
    assert (windows[0].opens, windows[0].closes, windows[0].credentials) == ("2031-04-01", "2031-04-07", ("one", "two"))
    assert dating.calendar(opened, date(2031, 10, 8)).windows[0].quarter == "2032-Q1"


def test_a_year_has_its_windows_and_the_dates_within_it(stage: MakeStage) -> None:
    opened = stage().opened()
    (first, *_) = dating.calendar(opened).credentials
    year = int(first.due[:4])
    found = dating.calendar(opened, year=year)
    assert [window.quarter for window in found.windows] == [f"{year}-Q{number}" for number in (1, 2, 3, 4)]
    assert [one.credential for one in found.credentials] == ["one", "two"]
    later = dating.calendar(opened, year=year + 5)
    assert (later.credentials, later.windows[0].credentials) == ([], ("one", "two"))


def test_a_window_that_is_over_names_only_what_missed_it(stage: MakeStage) -> None:
    opened = stage().opened()
    (one, _) = dating.calendar(opened).credentials
    missed = date.fromisoformat(one.closes) + timedelta(days=1)
    told = {window.quarter: window.credentials for window in dating.calendar(opened, missed, year=missed.year).windows}
    assert told[one.by] == ("one", "two")
    before = {window.quarter: window.credentials for window in dating.calendar(opened, year=TODAY.year - 1).windows}
    assert set(before.values()) == {()}


def test_owner_and_cadence_of_a_credential_are_told(stage: MakeStage) -> None:
    made = stage()
    declare(made, "    owner: ''\n", "    owner: dba\n")
    declare(made, "    cadence_days: null\n", "    cadence_days: 3\n")
    one, two = dating.calendar(made.opened()).credentials
    assert (one.owner, one.by, one.due) == ("dba", "cadence", (TODAY + timedelta(days=3)).isoformat())
    assert (two.owner, two.rotated) == (made.opened().catalogue.fleet.owner, TODAY.isoformat())
    text = invoke(made).output
    assert "dba" in text
    assert "last rotated" in text


def events(made: Stage) -> dict[str, dict[str, object]]:
    """What a calendar that imports the answer sees, by UID."""
    done = invoke(made, "--ics")
    assert done.exit_code == 0
    read = Calendar.from_ical(done.stdout)
    assert read.errors == []
    found = [event for event in read.walk("VEVENT") if not event.errors]
    seen = {
        str(e["uid"]): {"first": e["dtstart"].dt, "end": e["dtend"].dt, "sequence": e["sequence"], "sum": e["summary"]}
        for e in found
    }
    assert len(seen) == len(read.walk("VEVENT")) > 0
    return seen


def test_the_icalendar_reads_back_whole_days_under_names_that_stay(stage: MakeStage) -> None:
    made = stage()
    before = events(made)
    fleet = made.opened().catalogue.fleet.name
    window = dating.calendar(made.opened()).windows[0]
    first = before[f"window-{window.quarter.lower()}@{fleet}.mycoops"]
    assert (first["first"], first["end"]) == (
        date.fromisoformat(window.opens),
        date.fromisoformat(window.closes) + timedelta(days=1),
    )
    assert {f"due-one@{fleet}.mycoops", f"due-two@{fleet}.mycoops"} < set(before)
    assert events(made) == before
    rotate(made, "one")
    after = events(made)
    assert after.keys() == before.keys(), "a second import makes no second entry"
    assert int(str(after[f"due-one@{fleet}.mycoops"]["sequence"])) > int(str(before[f"due-one@{fleet}.mycoops"]["sequence"]))


def test_no_answer_holds_a_value(stage: MakeStage) -> None:
    made = stage()
    values = [secret.reveal() for _, _, secret in made.store().secrets()]
    answers = [invoke(made, *words).output for words in ((), ("--json",), ("--ics",), ("--year", "2031"))]
    assert values
    assert [value for value in values if any(value in answer.replace("\r\n ", "") for answer in answers)] == []


def test_two_answers_at_once_are_refused(stage: MakeStage) -> None:
    made = stage()
    done = invoke(made, "--ics", "--json")
    assert getattr(done.exception, "exit_status", None) == Exit.USAGE
    assert invoke(made, "--year", "-5").exit_code == Exit.USAGE


@pytest.mark.parametrize("day", [date(2031, 5, 1), date(2031, 4, 8)])
def test_what_is_overdue_can_be_rotated_on_any_day_and_the_log_says_why(stage: MakeStage, day: date) -> None:
    made = stage()
    opened = made.opened()
    why = planning.why(opened, ["one"], "somebody left", day)
    assert why.startswith("somebody left; outside the window; overdue since ")
    assert why.endswith(": one")
    plan = planning.plan(opened, made.store(), ["one"], label="single", reason=why)
    assert rotating.rotate(opened, plan, Quiet(), lambda *_: None, never).error is None
    assert made.records()[0]["plan"]["reason"] == why
    assert why in made.opened().settings.rotation_log.read_text()
    assert planning.why(made.opened(), ["one"], "r", date(2031, 4, 3)) == "r"
