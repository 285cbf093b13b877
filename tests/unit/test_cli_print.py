"""A table shows every word of every cell, however narrow the terminal is; what a row is about is in one piece."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mycoops import cli_print

ROWS = [
    (
        "postgresql_of_the_reports",
        12,
        "WAITING_HUMAN",
        "92 d",
        "2027-01-01",
        "a value from the console of somebody",
        "mycoops provide it",
    ),
    ("db", 1, "CURRENT", "1 d", "overdue", "", ""),
]
COLUMNS = ("credential", "gen", "state", "age", "due", "waiting for", "next command")


def printed(width: int) -> str:
    """The table on a terminal of this width."""
    stream = io.StringIO()
    cli_print.table(COLUMNS, ROWS, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_name_is_not_broken_and_nothing_is_lost(width: int) -> None:
    text = printed(width)
    assert "postgresql_of_the_reports" in text
    assert max(map(len, text.splitlines())) <= width
    shown = sorted("".join(text.split()))
    assert shown == sorted("".join("".join(map(str, row)) for row in (COLUMNS, *ROWS)).replace(" ", ""))


def test_a_name_that_is_wider_than_the_terminal_is_shown_whole_too() -> None:
    stream = io.StringIO()
    cli_print.table(("credential", "gen"), [("x" * 90, 1)], Console(file=stream, width=80))
    assert stream.getvalue().count("x") == 90


def test_a_row_is_a_line_where_no_terminal_is() -> None:
    assert not cli_print.out.is_terminal
    text = printed(cli_print.out.width)
    assert len(text.splitlines()) == 1 + len(ROWS)
    assert "a value from the console of somebody  mycoops provide it" in text
