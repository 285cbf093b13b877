"""A delivery alone takes the playbook that starts one process a host; calls of kinds take the one for moves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mycoops.model import Item, Leak, Reply
from mycoops.performer import AnsiblePerformer
from mycoops.runner import BROKE_OFF, Outcome, Run

CALL = Item("probe/db/h1/new", "probe", "h1", "db", "pair", {})


class Recorder:
    """Takes the starts a performer asks for."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.runs: list[Run] = []
        self.outcomes = list(outcomes)

    def perform(self, run: Run) -> Outcome:
        self.runs.append(run)
        return self.outcomes.pop(0) if self.outcomes else Outcome()

    def searched(self) -> list[list[str]]:
        """Which hosts each start searched."""
        return [list(run.requests["scans"]) for run in self.runs]


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


def performer(recorder: Recorder) -> AnsiblePerformer:
    """A performer over a fleet on whose hosts h1, h2 and h3 the value of one credential is held."""

    def scans(hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        values = [{"credential": "db", "generation": 1, "value": {"$form": "<value>"}}]
        return {host: {"id": f"scan/{host}", "values": values} for host in hosts if host in ("h1", "h2", "h3")}

    return AnsiblePerformer(recorder, Path("fleet"), scans)  # type: ignore[arg-type]


def clean(*hosts: str, **more: Any) -> Outcome:
    """Every one of these hosts was searched."""
    return Outcome([Reply(f"scan/{host}", host, {"found": [], "skipped": []}) for host in hosts], **more)


def test_the_scan_rides_along_and_searches_every_host_that_was_spoken_to() -> None:
    recorder = Recorder(Outcome(), clean("h1", "h2"))
    acting = performer(recorder)
    acting.carry_out([CALL])
    outcome = acting.carry_out((), {"h2": {"token": 1}, "h9": {"token": 1}}, scan=True)
    assert recorder.searched() == [[], ["h1", "h2"]]
    assert (recorder.runs[1].playbook, recorder.runs[1].hosts) == ("deploy", ("h2", "h9", "h1"))
    assert (outcome.searched, outcome.missed) == (["h1", "h2"], {})
    acting.carry_out(scan=True)
    assert len(recorder.runs) == 2, "nothing is left to be searched"


def test_a_host_that_gave_no_answer_is_missed_and_searched_in_a_start_of_its_own() -> None:
    recorder = Recorder(clean("h1", problems={"h2": "no answer (ansible-playbook: failed)"}), clean("h2"))
    acting = performer(recorder)
    outcome = acting.carry_out((), {"h1": {"token": 1}, "h2": {"token": 1}}, scan=True)
    assert outcome.missed == {"h2": "h2: no answer (ansible-playbook: failed)"}
    assert acting.carry_out(scan=True).missed == {}
    assert [(run.playbook, run.hosts) for run in recorder.runs][1] == ("scan", ("h2",))


def test_a_search_that_failed_on_the_host_is_missed() -> None:
    failed = Reply("scan/h1", "h1", {"error": {"code": "crash", "message": "MemoryError at leak_scan.py:9"}})
    acting = performer(Recorder(Outcome(), Outcome([failed])))
    acting.carry_out([CALL])
    assert acting.carry_out(scan=True).missed == {"h1": "h1: MemoryError at leak_scan.py:9"}


def test_a_host_that_was_never_reached_has_nothing_to_be_searched_for() -> None:
    recorder = Recorder(Outcome(unreachable={"h1"}, problems={"h1": "nobody listens there"}))
    acting = performer(recorder)
    acting.carry_out([CALL])
    acting.carry_out(scan=True)
    assert len(recorder.runs) == 1


def test_a_host_whose_connection_broke_off_has() -> None:
    recorder = Recorder(Outcome(unreachable={"h1"}, problems={"h1": BROKE_OFF}), clean("h1"))
    acting = performer(recorder)
    acting.carry_out([CALL])
    acting.carry_out(scan=True)
    assert recorder.searched() == [[], ["h1"]]


def test_what_an_earlier_process_spoke_to_is_owed() -> None:
    recorder = Recorder(clean("h3"))
    acting = performer(recorder)
    acting.owe(["h3", "h9"])
    acting.carry_out(scan=True)
    assert recorder.searched() == [["h3"]]


def test_what_was_found_is_named_by_its_host() -> None:
    found = [{"credential": "db", "generation": 1, "place": "/tmp/x"}]
    acting = performer(Recorder(Outcome([Reply("scan/h1", "h1", {"found": found, "skipped": ["/var/log/huge"]})])))
    outcome = acting.carry_out((), {"h1": {"token": 1}}, scan=True)
    assert outcome.leaks == [Leak("db", 1, "/tmp/x", "h1")]
    assert outcome.skipped == ["h1: /var/log/huge"]


def test_a_look_is_one_start_of_its_own_and_owes_no_search() -> None:
    recorder = Recorder()
    acting = performer(recorder)
    assert acting.look({}).replies == []
    acting.look({"h1": {"id": "drift/h1"}, "h2": {"id": "drift/h2"}})
    assert [(run.playbook, run.hosts, set(run.variables["mycoops_looks"])) for run in recorder.runs] == [
        ("drift", ("h1", "h2"), {"h1", "h2"})
    ]
    acting.carry_out(scan=True)
    assert len(recorder.runs) == 1
