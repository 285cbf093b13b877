"""What `no_log: true` does not keep back, one case each, and that mycoops keeps all of it back; docs/LEAKS.md has the table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from careless_fleet import CASES, CarelessFleet

from mycoops.masking import MASK
from mycoops.runner import Outcome

FEWEST = 20
"""As many cases have to leak without mycoops; with fewer there would be nothing to be kept back."""
LOUD = {"ANSIBLE_VERBOSITY": "5", "ANSIBLE_DIFF_ALWAYS": "True", "ANSIBLE_DISPLAY_TRACEBACK": "always"}
"""What a caller would wish for to see more; none of it comes through, but had it come through it would be masked."""
PATIENCE_SECONDS = 30
BESIDE = "account/.ansible_async/"
"""Where a task that runs beside the others leaves its answer on the host itself; the leak scan looks there."""


def test_plain_ansible_shows_the_values_of_these_cases(tmp_path: Path) -> None:
    """The control. Which cases leak is measured, not believed."""
    fleet = CarelessFleet(tmp_path)
    leaking = fleet.shown(fleet.plain())
    assert len(leaking) >= FEWEST
    assert leaking == {case for case, declared in CASES.items() if declared["leaks"]}


class Start:
    """One start by mycoops' runner: what came of it, and every event as it was handed on."""

    def __init__(self, fleet: CarelessFleet, **overrides: str) -> None:
        self.heard: list[dict[str, Any]] = []
        here = {"HOME": str(fleet.account), "ANSIBLE_REMOTE_TEMP": str(fleet.account / ".ansible" / "tmp")}
        self.outcome: Outcome = fleet.performer(self.heard.append, **here, **overrides).carry_out(fleet.items())
        self.told = json.dumps(self.heard, ensure_ascii=False) + repr(self.outcome)

    def masked(self) -> set[str]:
        """The cases in whose events something was masked."""
        hidden = [event for event in self.heard if MASK in json.dumps(event, ensure_ascii=False)]
        return {str((event.get("event_data") or {}).get("host")) for event in hidden} & CASES.keys()


def nothing_is_left(fleet: CarelessFleet, start: Start) -> None:
    """No value in events, problems and replies, nor in any file that is left."""
    assert fleet.shown(start.told) == set()
    assert start.outcome.leaks == []
    assert {path: cases for path, cases in fleet.left().items() if not path.startswith(BESIDE)} == {}


def test_through_mycoops_none_of_these_shows_its_value(tmp_path: Path) -> None:
    """The others are played below, where they could be seen."""
    fleet = CarelessFleet(tmp_path, [case for case, declared in CASES.items() if declared["leaks"]])
    start = Start(fleet)
    nothing_is_left(fleet, start)
    assert len(start.masked()) >= FEWEST, "the values did not come as far as the mask"


def test_nor_without_no_log_at_the_highest_verbosity_and_with_a_log_file(tmp_path: Path) -> None:
    fleet = CarelessFleet(tmp_path)
    fleet.without_no_log()
    start = Start(fleet, ANSIBLE_LOG_PATH=str(tmp_path / "log"), **LOUD)
    nothing_is_left(fleet, start)
    assert (tmp_path / "log").read_text().count(MASK) > len(CASES)
    assert len(start.masked()) > len(CASES) * 3 // 4


@pytest.mark.parametrize("level", ["1", "5"])
def test_a_log_that_is_told_more_than_the_screen_is_masked_too(tmp_path: Path, level: str) -> None:
    fleet = CarelessFleet(tmp_path, ["raw_command"])
    start = Start(fleet, ANSIBLE_LOG_PATH=str(tmp_path / "log"), ANSIBLE_LOG_VERBOSITY=level)
    assert ("EXEC" in (tmp_path / "log").read_text()) == (level == "5"), "the log was told no more"
    nothing_is_left(fleet, start)


def test_an_event_that_nobody_has_read_yet_is_masked_in_its_file(tmp_path: Path) -> None:
    """After SIGKILL such files stay, in memory, until the next run takes them over."""
    fleet = CarelessFleet(tmp_path, ["register_shown"])
    unread: list[str] = []

    def hear(event: dict[str, Any]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while event["event"] == "playbook_on_play_start" and not unread and time.monotonic() < until:
            time.sleep(0.1)
            files = [
                json.dumps(json.loads(path.read_text()), ensure_ascii=False)
                for path in fleet.session.rglob("job_events/*-partial.json")
            ]
            unread.extend(files if any('"told"' in text for text in files) else [])

    fleet.performer(hear).carry_out(fleet.items())
    assert unread, "the playbook has not gone on while nobody listened"
    assert fleet.shown("".join(unread)) == set()
    assert MASK in "".join(unread)


def test_facts_are_kept_in_memory_only(tmp_path: Path) -> None:
    fleet = CarelessFleet(tmp_path, ["fact_shown"])
    start = Start(fleet)
    assert start.masked() == {"fact_shown"}
    assert list(fleet.session.rglob("fact_cache/*")) == []


@pytest.mark.parametrize("place", ["account/.ansible/tmp/x", "session/run001/artifacts/x/stdout", "scratch/x"])
def test_the_search_for_what_is_left_finds_it(tmp_path: Path, place: str) -> None:
    fleet = CarelessFleet(tmp_path, ["register_shown", "fact_shown"])
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(json.dumps(json.dumps({"msg": fleet.values["fact_shown"].text})))
    assert fleet.left() == {place: {"fact_shown"}}
