"""A credential is due by its window or its cadence, whichever is first; what has passed is overdue."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycoops.catalogue import Catalogue
from mycoops.checklist import Windows
from mycoops.due import Due, beyond, due, dues
from tests.unit import fleets

DAYS = st.dates(date(2001, 1, 1), date(2100, 1, 1))
POLICY = Windows()


def declared(cadence: int | None = None, owner: str = "") -> Catalogue:
    """Two credentials, of which db has a cadence or an owner of its own."""
    data = fleets.document()
    data["mycoops_credentials"]["db"] |= {"cadence_days": cadence, "owner": owner}
    return Catalogue.model_validate(data)


def db(rotated: date | None, day: date, cadence: int | None = None) -> Due:
    """When db is due."""
    return dues(declared(cadence), {"db": f"{rotated}T12:00:00Z"} if rotated else {}, day)["db"]


@pytest.mark.parametrize(
    ("rotated", "day", "overdue"),
    [
        (None, date(2031, 5, 1), True),
        (date(2031, 4, 1), date(2031, 6, 30), False),
        (date(2031, 4, 1), date(2031, 7, 7), False),
        (date(2031, 4, 1), date(2031, 7, 8), True),
        (date(2031, 3, 31), date(2031, 4, 7), False),
        (date(2031, 3, 31), date(2031, 4, 8), True),
        (date(2030, 10, 3), date(2031, 1, 7), False),
        (date(2030, 10, 3), date(2031, 1, 8), True),
        (date(2030, 9, 30), date(2031, 1, 1), True),
    ],
)
def test_a_value_is_overdue_when_a_whole_window_has_passed(rotated: date | None, day: date, overdue: bool) -> None:
    assert db(rotated, day).overdue is overdue


@pytest.mark.parametrize(
    ("rotated", "cadence", "opens", "closes", "by"),
    [
        (date(2031, 4, 3), None, date(2031, 7, 1), date(2031, 7, 7), "2031-Q3"),
        (date(2031, 4, 3), 30, date(2031, 5, 3), date(2031, 5, 3), "cadence"),
        (date(2031, 4, 3), 88, date(2031, 6, 30), date(2031, 6, 30), "cadence"),
        (date(2031, 4, 3), 89, date(2031, 7, 1), date(2031, 7, 7), "2031-Q3"),
        (date(2031, 4, 3), 92, date(2031, 7, 1), date(2031, 7, 7), "2031-Q3"),
        (date(2031, 4, 3), 365, date(2031, 7, 1), date(2031, 7, 7), "2031-Q3"),
    ],
)
def test_a_cadence_counts_where_it_ends_before_the_window(
    rotated: date, cadence: int | None, opens: date, closes: date, by: str
) -> None:
    assert due(rotated, POLICY, cadence) == (opens, closes, by)
    assert not db(rotated, closes, cadence).overdue
    assert db(rotated, closes + timedelta(days=1), cadence).overdue


@given(DAYS, st.integers(1, 400))
def test_what_was_rotated_today_is_not_overdue_and_no_cadence_is_later_than_the_window(day: date, cadence: int) -> None:
    assert not db(day, day, cadence).overdue
    opens, closes, _ = due(day, POLICY, cadence)
    assert day < opens <= closes
    assert closes <= due(day, POLICY, None)[1]
    assert closes <= max(day + timedelta(days=cadence), due(day, POLICY, None)[1])


def test_an_owner_of_its_own_comes_before_the_fleets() -> None:
    found = dues(declared(owner="dba"), {}, date(2031, 1, 1))
    assert {name: one.owner for name, one in found.items()} == {"db": "dba", "token": "somebody"}


def test_a_rotation_outside_a_window_says_so_and_since_when_what_is_overdue() -> None:
    created = {"db": "2031-01-03T00:00:00Z", "token": "2031-04-20T00:00:00Z"}
    found = dues(declared(), created, date(2031, 5, 1))
    assert beyond(found.values(), date(2031, 5, 1), POLICY) == "outside the window; overdue since 2031-04-08: db"
    assert beyond([found["token"]], date(2031, 5, 1), POLICY) == "outside the window"
    for day in (date(2031, 4, 1), date(2031, 4, 7), date(2031, 10, 5)):
        assert beyond(found.values(), day, POLICY) == ""
    assert beyond([], date(2031, 4, 8), POLICY) == "outside the window"
