"""A delivery alone takes the playbook that starts one process a host; calls of kinds take the one for moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycoops.model import Item
from mycoops.performer import AnsiblePerformer
from mycoops.runner import Outcome, Run

CALL = Item("probe/db/h1/new", "probe", "h1", "db", "pair", {})


class Recorder:
    """Takes the starts a performer asks for."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def perform(self, run: Run) -> Outcome:
        self.runs.append(run)
        return Outcome()


@pytest.mark.parametrize(
    ("items", "deliveries", "playbook"),
    [([], {"h1": {"token": 1}}, "deploy"), ([CALL], {}, "move"), ([CALL], {"h2": {"token": 1}}, "move")],
)
def test_the_playbook_is_the_smallest_that_does_it(items: list[Item], deliveries: dict[str, dict[str, int]], playbook: str) -> None:
    recorder = Recorder()
    AnsiblePerformer(recorder, Path("fleet")).carry_out(items, deliveries)  # type: ignore[arg-type]
    assert [run.playbook for run in recorder.runs] == [playbook]
    assert set(recorder.runs[0].hosts) == {*deliveries, *(item.host for item in items)}


def test_nothing_to_do_starts_nothing() -> None:
    recorder = Recorder()
    AnsiblePerformer(recorder, Path("fleet")).carry_out()  # type: ignore[arg-type]
    assert recorder.runs == []
