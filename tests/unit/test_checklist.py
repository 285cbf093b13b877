"""The policy's quarters, windows and items."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycoops.checklist import CATEGORIES, ITEMS, Quarter, Windows, due_window, next_window, quarter_of

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


def test_every_item_has_a_category_of_the_policy() -> None:
    assert len(ITEMS) == 16
    assert {category for category, _ in ITEMS.values()} == set(CATEGORIES)


@pytest.mark.parametrize(("name", "month"), [("Q1", 1), ("Q2", 4), ("Q3", 7), ("Q4", 10)])
def test_a_window_is_the_first_week_of_the_quarter(name: str, month: int) -> None:
    quarter = Quarter(name, 2031)
    assert (quarter.opens, quarter.closes, quarter.label) == (date(2031, month, 1), date(2031, month, 7), f"2031-{name}")
    assert Quarter(name, 2031, Windows(14)).closes == date(2031, month, 14)


@given(DAYS)
def test_a_day_lies_in_its_quarter(day: date) -> None:
    quarter = quarter_of(day)
    assert quarter.opens <= day < quarter.opens + timedelta(days=93)
    assert quarter_of(quarter.opens) == quarter


@given(DAYS)
def test_the_next_window_is_open_or_to_come_and_the_first_such(day: date) -> None:
    window = next_window(day)
    assert day <= window.closes
    assert window.opens - day < timedelta(days=93)
    assert next_window(window.closes) == window
    assert next_window(window.closes + timedelta(days=1)).opens > window.opens


@pytest.mark.parametrize(
    ("rotated", "due"),
    [
        (date(2026, 3, 31), "2026-Q2"),
        (date(2026, 4, 1), "2026-Q3"),
        (date(2026, 4, 7), "2026-Q3"),
        (date(2026, 4, 8), "2026-Q3"),
        (date(2026, 12, 31), "2027-Q1"),
        (date(2026, 10, 3), "2027-Q1"),
    ],
)
def test_a_credential_is_due_in_the_first_window_that_opens_after_its_rotation(rotated: date, due: str) -> None:
    assert due_window(rotated).label == due


LATE = Windows(5, ("02-10", "05-10", "08-10", "11-10"))


@given(DAYS)
def test_a_window_in_the_middle_of_a_quarter_is_found_from_every_day(day: date) -> None:
    window = next_window(day, LATE)
    assert (window.opens.day, window.closes.day) == (10, 14)
    assert day <= window.closes
    assert window.opens - day < timedelta(days=93)
    assert due_window(day, LATE).opens > day


def test_the_days_between_windows_are_those_of_the_calendar() -> None:
    assert Windows().between() == (84, 92)
    assert LATE.between() == (85, 92)
