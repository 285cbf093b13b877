"""A clock that jumps, between two commands or within one, changes no order, no state and no waiting; what it made wrong is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from mycoops import interrupts, lease
from mycoops.commands import looking, rotating
from mycoops.model import State
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_rotating import abort, resume, rotate, states

MODULES = ("journal", "vault", "lease", "commands.looking")
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Clock:
    """What the machine takes for the time; each look at it moves it on by `step`."""

    def __init__(self) -> None:
        self.now, self.step = NOW, timedelta(seconds=1)

    def look(self) -> datetime:
        """The time, wrong or not."""
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of this machine."""
    made = Clock()

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Jumping:
            return cls.fromtimestamp(made.look().timestamp(), tz)

    for name in MODULES:
        monkeypatch.setattr(f"mycoops.{name}.datetime", Jumping)
    return made


def chains(made: Stage) -> set[str]:
    """What `log verify` says."""
    return {verdict.state for verdict in looking.verify_log(made.opened())}


def one(made: Stage) -> looking.Status:
    """The status of the first credential."""
    return next(found for found in looking.status(made.opened()) if found.credential == "one")


@pytest.mark.parametrize("step", [timedelta(hours=-7), timedelta(days=40), timedelta(0)])
def test_a_clock_that_jumps_within_a_run_changes_nothing_about_it(stage: MakeStage, clock: Clock, step: timedelta) -> None:
    made = stage()
    clock.step = step
    outcome = rotate(made)
    assert outcome.error is None
    assert set(states(made).values()) == {State.CLOSED}
    assert chains(made) == {"intact"}
    assert [record["seq"] for record in made.records()] == list(range(1, len(made.records()) + 1))
    assert all(line.seconds >= 0 for line in outcome.lines)


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
def test_the_newest_journal_is_the_last_one_whatever_the_clock_says(stage: MakeStage, clock: Clock, jump: timedelta) -> None:
    made = stage()
    rotate(made, "one")
    first = made.journals
    clock.now += jump
    made.crash("after the record state one STAGED", lambda: rotate(made, "one"))
    assert made.journals[:1] == first
    assert (one(made).state, one(made).next) == ("STAGED", "mycoops resume")
    clock.now -= 2 * jump
    abort(made)
    assert one(made).state == "ABORTED"
    rotate(made, "one")
    assert [path.name for path in made.journals] == sorted(path.name for path in made.journals)
    assert (one(made).state, one(made).generation) == ("CLOSED", 4)
    assert chains(made) == {"intact"}
    text = rotating.render_log(made.opened()).read_text()
    assert text.index(made.journals[2].name) < text.index(made.journals[1].name) < text.index(made.journals[0].name)


def test_a_run_that_broke_off_is_gone_on_with_after_a_jump(stage: MakeStage, clock: Clock) -> None:
    made = stage()
    made.crash("after the record state one REVOKING", lambda: rotate(made, "one"))
    clock.now -= timedelta(days=3000)
    (outcome,) = resume(made)
    assert outcome.error is None
    assert chains(made) == {"intact"}


def test_a_value_made_under_a_clock_that_was_ahead_is_not_young_for_ever(stage: MakeStage, clock: Clock) -> None:
    made = stage()
    clock.now += timedelta(days=4000)
    rotate(made, "one")
    clock.now = NOW
    found = one(made)
    assert (found.age_days, found.overdue, found.next) == (0, True, "mycoops rotate one")
    assert "lies ahead: a clock was wrong" in found.waiting_for
    rotate(made, "one")
    found = one(made)
    assert (found.overdue, found.waiting_for, found.next) == (False, "", "")


def test_a_date_of_a_machine_in_another_time_zone_is_no_wrong_clock(stage: MakeStage, clock: Clock) -> None:
    made = stage()
    rotate(made, "one")
    clock.now -= timedelta(hours=14)
    assert (one(made).overdue, one(made).waiting_for) == (False, "")


def test_a_soak_lasts_its_time_by_a_clock_that_cannot_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 4e9)
    began = time.monotonic()
    interrupts.patient(lambda: False)(0.3)
    assert time.monotonic() - began >= 0.3


def test_the_lease_knows_no_clock(stage: MakeStage, clock: Clock) -> None:
    made = stage()
    state = made.opened().settings.state
    with lease.hold(state, "rotate") as first:
        clock.now -= timedelta(days=4000)
        assert lease.under_way(state, ["rotate"])
    with lease.hold(state, "rotate") as second:
        assert second == first + 1
