"""The words of the protocol: classes, states and outcomes fit together."""

from __future__ import annotations

import pytest

from mycoops.model import ENDED, FORWARD_ONLY, ORDER, Item, Outcome, Overlap, Reply, State, Verb


def test_a_class_has_two_values_or_one_slot_or_changes_itself() -> None:
    for overlap in Overlap:
        assert overlap.two_valid + overlap.one_slot + (overlap is Overlap.O7) == 1
    assert {o for o in Overlap if o.needs_person} == {Overlap.O3, Overlap.O6}
    assert {o for o in Overlap if o.provider_mints} == {Overlap.O2, Overlap.O5, Overlap.O7}


def test_the_main_line_ends_closed_and_holds_no_side_state() -> None:
    assert ORDER[0] is State.PLANNED
    assert ORDER[-1] is State.CLOSED
    assert len(set(ORDER)) == len(ORDER)
    assert not set(ORDER) & {State.BLOCKED, State.WAITING_HUMAN, State.QUARANTINED, State.ROLLING_BACK, State.ABORTED}
    assert {State.CLOSED, State.ABORTED, State.ROLLED_BACK} == ENDED


def test_four_verbs_have_no_way_back() -> None:
    assert {Verb.REFRESH, Verb.CUTOVER, Verb.REVOKE, Verb.DROP} == FORWARD_ONLY


def test_only_three_outcomes_say_something() -> None:
    assert {o for o in Outcome if o.informative} == {Outcome.ACCEPTED, Outcome.REFUSED, Outcome.FORBIDDEN}


def test_an_items_own_names_win_over_its_body() -> None:
    data = Item("probe/db/h1/new", "probe", "h1", "db", "pair", {"host": "elsewhere", "generation": 2}).data()
    assert (data["host"], data["generation"], data["id"]) == ("h1", 2, "probe/db/h1/new")


@pytest.mark.parametrize(
    ("told", "outcome"), [("accepted", Outcome.ACCEPTED), ("refused", Outcome.REFUSED), ("fine", None), (None, None)]
)
def test_an_outcome_is_one_of_the_five_or_none(told: object, outcome: Outcome | None) -> None:
    assert Reply("", "h1", {"outcome": told}).outcome is outcome


def test_no_error_is_empty() -> None:
    assert Reply("", "h1", {"error": None}).error == {}
    assert Reply("", "h1", {"error": {"code": "x"}}).error == {"code": "x"}
