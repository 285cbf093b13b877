"""Cadences that contradict the windows or each other are told with line and fix, and stop nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mycoops.check import declarations
from mycoops.check_cadence import conflicts
from mycoops.errors import Invalid
from tests.unit.fleets import document, subject

Change = Callable[[dict[str, Any]], Any]
CONFLICTS: dict[str, tuple[Change, str]] = {
    "longer than a quarter": (
        lambda d: d["mycoops_credentials"]["db"].update(cadence_days=180),
        "db: a cadence of 180 days has no effect: the next window opens at most 92 days after the last",
    ),
    "nearly a quarter": (
        lambda d: d["mycoops_credentials"]["db"].update(cadence_days=90),
        "db: a cadence of 90 days can end up to 2 days before the window",
    ),
    "shorter than the soak": (
        lambda d: (d["mycoops_fleet"].update(soak_seconds=172800), d["mycoops_credentials"]["db"].update(cadence_days=2)),
        "db: a cadence of 2 days ends before the soak",
    ),
    "one file, two cadences": (
        lambda d: d["mycoops_credentials"]["db"].update(cadence_days=30),
        "/etc/api.env on h1 is shared at different cadences: db every 30 days, token every window",
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_conflict_is_told_with_its_line_and_stops_nothing(name: str, tmp_path: Path) -> None:
    change, told = CONFLICTS[name]
    data = document()
    change(data)
    made = subject(tmp_path, data)
    found = [finding for finding in conflicts(made) if told in finding.problem]
    assert len(found) == 1
    assert found[0].place.startswith(str(tmp_path))
    assert ":" in found[0].place
    line = int(found[0].place.rpartition(":")[2])
    text = (tmp_path / "group_vars" / "all" / "catalogue.yml").read_text().splitlines()[line - 1]
    assert "cadence_days" in text
    assert declarations(made) == []


@pytest.mark.parametrize("cadence", [None, 30, 83])
def test_cadences_that_agree_are_no_conflict(cadence: int | None, tmp_path: Path) -> None:
    data = document()
    for credential in data["mycoops_credentials"].values():
        credential["cadence_days"] = cadence
    assert conflicts(subject(tmp_path, data)) == []


@pytest.mark.parametrize(
    ("opens", "days", "problem"),
    [
        (["01-01", "04-01", "07-01"], 7, "not four windows"),
        (["01-01", "04-01", "07-01", "12-28"], 7, "not within Q4"),
        (["02-01", "03-31", "07-01", "10-01"], 7, "not within Q2"),
        (["02-29", "04-01", "07-01", "10-01"], 7, "not a day of every year"),
        (["1 January", "04-01", "07-01", "10-01"], 7, "not a day of every year"),
    ],
)
def test_windows_that_cannot_be_are_refused(opens: list[str], days: int, problem: str, tmp_path: Path) -> None:
    data = document()
    data["mycoops_fleet"] |= {"window_opens": opens, "window_days": days}
    with pytest.raises(Invalid, match=problem):
        subject(tmp_path, data)


def test_windows_of_ones_own_are_taken(tmp_path: Path) -> None:
    data = document()
    data["mycoops_fleet"] |= {"window_opens": ["02-10", "05-10", "08-10", "11-10"], "window_days": 5}
    assert subject(tmp_path, data).catalogue.fleet.windows.between() == (85, 92)
