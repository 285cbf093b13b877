"""The scan of a session goes back as far as its run, to every host of it, and adds the control node to what hosts answered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mycoops.drill.stories import KINDS, STORIES
from mycoops.leaks import search as module
from mycoops.leaks.search import Search
from mycoops.model import CONTROL_NODE, Leak
from mycoops.plan import Held
from mycoops.planner import make
from mycoops.runner import Outcome

NOW = 1_000_000.0


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Search:
    """The scan of a session that began now, over a store of one credential."""
    monkeypatch.setattr(module.time, "time", lambda: NOW)
    known = SimpleNamespace(kept=lambda: [("db", 1)])
    asked: list[float] = []

    def scan(known: object, since: float) -> tuple[list[Leak], list[str]]:
        asked.append(since)
        return [Leak("db", 1, f"since {since}")], ["control node: something"]

    node = SimpleNamespace(scan=scan, asked=asked)
    return Search(STORIES["O1-slots"].catalogue, KINDS, known, node, NOW)  # type: ignore[arg-type]


def test_the_window_is_as_long_as_the_run_and_some_slack(search: Search) -> None:
    assert search.requests(["h1"])["h1"]["seconds"] == module.SLACK_SECONDS
    search.since("1970-01-12T13:45:40.000Z")
    assert search.requests(["h1"])["h1"]["seconds"] == 60 + module.SLACK_SECONDS
    search.since("1971-01-01T00:00:00.000Z")
    assert search.requests(["h1"])["h1"]["seconds"] == 60 + module.SLACK_SECONDS, "it never becomes shorter"


def test_what_the_control_node_has_is_added(search: Search) -> None:
    outcome = search.finish(Outcome(leaks=[Leak("db", 1, "/tmp/x", "h1")], searched=["h1"], skipped=["h1: y"]))
    assert outcome.leaks == [Leak("db", 1, "/tmp/x", "h1"), Leak("db", 1, f"since {NOW}")]
    assert outcome.searched == ["h1", CONTROL_NODE]
    assert outcome.skipped == ["h1: y", "control node: something"]


def test_the_hosts_of_a_plan_are_all_that_are_spoken_to_for_it(search: Search) -> None:
    made = make(search.catalogue, KINDS, {"db": Held(1, "a", 1)}, ["db"], label="single", reason="a test")
    assert search.hosts_of(made) == {"h1", "h2", "h3"}
