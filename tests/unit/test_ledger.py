"""The state of a rotation is the fold of its records and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mycoops.ledger import Run, Standing, fold
from mycoops.model import ORDER, Leak, Stage, State

OPENED = {
    "event": "opened",
    "time": "2031-01-01T00:00:00.000Z",
    "plan": {"rotations": [{"credential": "db", "from_generation": 1, "to_generation": 2}]},
    "operator": "somebody",
    "reason": "a test",
}


def run(*records: dict[str, Any]) -> Run:
    """Fold records after an opening."""
    found = fold([OPENED, *({"time": "2031-01-01T00:01:00.000Z", "credential": "db", **record} for record in records)])
    assert found
    return found


def standing(*records: dict[str, Any]) -> Standing:
    """The one rotation of a run."""
    return run(*records).rotations["db"]


def state(name: State | str, **more: Any) -> dict[str, Any]:
    """A record of a state."""
    return {"event": "state", "state": str(name), **more}


def consumer(stage: Stage, service: str = "api") -> dict[str, Any]:
    """A record of a consumer's stage."""
    return {"event": "consumer", "service": service, "stage": str(stage)}


def test_nothing_is_no_run() -> None:
    assert fold([]) is None
    assert fold([{"event": "state", "credential": "db"}]) is None


def test_a_run_knows_its_opening_and_its_end() -> None:
    found = run(state(State.CLOSED), {"event": "finished"})
    assert (found.operator, found.reason, found.opened, found.finished) == (
        "somebody",
        "a test",
        OPENED["time"],
        "2031-01-01T00:01:00.000Z",
    )
    assert not found.open
    assert run().open


def test_records_of_other_credentials_and_unknown_events_change_nothing() -> None:
    assert (
        standing(state(State.MINTED) | {"credential": "gone"}, {"event": "note"}, {"event": "move", "move": "01-mint"}).state
        == "PLANNED"
    )


@pytest.mark.parametrize("name", [State.CLOSED, State.ABORTED, State.ROLLED_BACK])
def test_an_end_is_an_end(name: State) -> None:
    found = standing({"event": "blocked", "reason": "x", "next": "y"}, state(name))
    assert (found.open, found.blocked, found.ended, found.shown) == (False, "", "2031-01-01T00:01:00.000Z", name)


def test_a_stop_shows_its_reason_until_it_is_lifted() -> None:
    found = standing(state(State.MINTING), {"event": "blocked", "reason": "no route", "next": "mycoops resume"})
    assert (found.shown, found.blocked, found.next_command, found.halted) == (State.BLOCKED, "no route", "mycoops resume", True)
    found = standing({"event": "blocked", "reason": "no route", "next": "x"}, {"event": "unblocked"})
    assert (found.shown, found.blocked, found.next_command, found.halted) == (State.PLANNED, "", "", False)


def test_a_wait_shows_its_page() -> None:
    found = standing(
        {"event": "waiting", "step": "make one", "page": "p", "owner": "o", "deadline": "", "next": "mycoops provide db"}
    )
    assert found.shown is State.WAITING_HUMAN
    assert found.waiting == {"step": "make one", "page": "p", "owner": "o", "deadline": "", "next": "mycoops provide db"}


def test_a_side_state_keeps_the_place_on_the_main_line() -> None:
    found = standing(state(State.REVOKED), state(State.QUARANTINED))
    assert (found.state, found.place) == (State.QUARANTINED, State.REVOKED)
    assert [place for place in ORDER if found.reached(place)] == list(ORDER[: ORDER.index(State.REVOKED) + 1])


def test_the_point_of_no_return_is_not_passed_back() -> None:
    assert standing(state(State.REVOKING, forward_only=True), state(State.REVOKED)).forward_only
    assert not standing(state(State.PROMOTED)).forward_only


def test_the_candidate_is_numbered_on() -> None:
    assert standing({"event": "renumbered", "to_generation": 5}).to_generation == 5


@pytest.mark.parametrize(
    ("stage", "generation"),
    [(None, 1), (Stage.STAGED, 1), (Stage.ROLLED_BACK, 1), (Stage.SWITCHING, 2), (Stage.ACKNOWLEDGED, 2)],
)
def test_a_consumer_is_given_the_candidate_from_the_moment_its_switch_began(stage: Stage | None, generation: int) -> None:
    found = standing(*([consumer(stage)] if stage else []))
    assert found.generation_for("api") == generation
    assert found.generation_for("other") == 1


def test_nobody_is_given_the_old_value_after_a_cut_or_a_promotion() -> None:
    assert standing({"event": "fact", "fact": "cut"}).generation_for("other") == 2
    assert standing(state(State.PROMOTED)).generation_for("other") == 2
    back = standing(consumer(Stage.ACKNOWLEDGED), state(State.PROMOTED), state(State.ROLLING_BACK), consumer(Stage.ROLLED_BACK))
    assert back.generation_for("api") == 1


@pytest.mark.parametrize(
    ("stage", "generation"),
    [(None, 0), (Stage.STAGED, 0), (Stage.ROLLED_BACK, 0), (Stage.SWITCHING, 2), (Stage.ACKNOWLEDGED, 2)],
)
def test_a_consumer_has_a_next_value_from_the_moment_it_was_to_be_given_it(stage: Stage | None, generation: int) -> None:
    found = standing(*([{**consumer(stage), "event": "ahead"}] if stage else []))
    assert (found.ahead_for("api"), found.ahead_for("other")) == (generation, 0)
    assert found.generation_for("api") == 1


def test_nobody_has_a_next_value_after_the_cut() -> None:
    given = {**consumer(Stage.ACKNOWLEDGED), "event": "ahead"}
    assert standing(given, state(State.CUTOVER)).ahead_for("api") == 2
    assert standing(given, {"event": "fact", "fact": "cut"}).ahead_for("api") == 0
    assert standing(given, state(State.PROMOTED)).ahead_for("api") == 0


@pytest.mark.parametrize("again", [State.MINTED, State.CUTOVER])
def test_who_acknowledged_a_value_that_is_made_again_is_looked_at_again(again: State) -> None:
    found = standing(consumer(Stage.ACKNOWLEDGED), consumer(Stage.ROLLED_BACK, "other"), state(again))
    assert found.stages == {"api": Stage.SWITCHING, "other": Stage.ROLLED_BACK}


@pytest.mark.parametrize("later", [State.SWITCHED, State.SOAKING, State.PROMOTED, State.REVOKING])
def test_an_acknowledgement_stands_in_every_later_state(later: State) -> None:
    assert standing(consumer(Stage.ACKNOWLEDGED), state(later)).stages == {"api": Stage.ACKNOWLEDGED}


def test_a_list_holds_both_from_the_mint_to_the_drop() -> None:
    dropped = {"event": "dropped", "service": "gate"}
    assert standing(state(State.MINTING)).accepted_for("gate") == [1]
    assert standing(state(State.MINTED)).accepted_for("gate") == [1, 2]
    assert standing(state(State.REVOKING), dropped).accepted_for("gate") == [2]
    assert standing(state(State.REVOKING), dropped).accepted_for("door") == [1, 2]
    assert standing(state(State.STAGED), state(State.ROLLING_BACK)).accepted_for("gate") == [1, 2]
    assert standing(state(State.STAGED), state(State.ROLLING_BACK), dropped).accepted_for("gate") == [1]


def test_what_has_to_be_done_again_is_forgotten() -> None:
    accepted, dropped = {"event": "accepted", "service": "gate"}, {"event": "dropped", "service": "gate"}
    assert standing(state(State.MINTED), accepted).accepted_by == {"gate"}
    assert standing(state(State.MINTED), accepted, state(State.MINTED)).accepted_by == set()
    assert standing(state(State.REVOKING), dropped).dropped_by == {"gate"}
    assert standing(state(State.REVOKING), dropped, state(State.REVOKING)).dropped_by == set()


def test_the_last_probe_of_a_subject_counts() -> None:
    seen = [
        {"event": "fact", "fact": "probe", "subject": s, "outcome": o}
        for s, o in (("old", "accepted"), ("new", "refused"), ("old", "refused"))
    ]
    found = standing(*seen)
    assert (found.seen("old"), found.seen("new"), found.seen("random")) == ("refused", "refused", "")


def test_leaks_are_the_runs() -> None:
    found = run({"event": "leak", "credential": "db", "generation": 1, "host": "h1", "place": "/tmp/x", "time": "2026"}).leaks
    assert found == [Leak("db", 1, "/tmp/x", "h1")]
    assert found[0].time == "2026"
