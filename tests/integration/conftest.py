"""One lab for the whole session, in the order in which its tests build on each other; it is removed whatever happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.integration import fleet
from tests.integration.lab import Lab

ORDER = (
    "boot",
    "deploy",
    "drift",
    "quarter",
    "checklist",
    "one_slot",
    "env_files",
    "env_dialects",
    "rollback",
    "crash",
    "signals",
    "unreachable",
    "disk_full",
    "operators",
    "restarted",
    "refusals",
    "drill",
    "approval",
    "vault",
    "sightings",
    "leaks",
    "own_kind",
    "providers",
    "log",
    "silence",
)
"""The modules: the lab that is booted and removed by its own test first, the search through everything last. What leaves a value in
the vault that is declared no more comes after everything that rotates."""
PORT_OFFSET = -5000
PARTS = 3
"""A run that is to be short takes one in so many of the tests marked `fault`; on consecutive days all of them come up."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many of the faults are tried."""
    parser.addoption("--faults", choices=("all", "today"), default="all", help=f"one in {PARTS} of the tests of faults, by the day")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the faults whose day is another one, and put the modules in order."""
    if config.getoption("--faults") == "today":
        faults = [item for item in items if item.get_closest_marker("fault")]
        left = {item for number, item in enumerate(faults) if number % PARTS != date.today().toordinal() % PARTS}
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]
    mine = [item for item in items if Path(item.path).parent == Path(__file__).parent]
    places = [items.index(item) for item in mine]
    for place, item in zip(places, sorted(mine, key=_place), strict=True):
        items[place] = item


def _place(item: pytest.Item) -> int:
    return next((number for number, word in enumerate(ORDER) if word in Path(item.path).stem), len(ORDER) - 1)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The fleet `itest`, booted and deployed; its state lies in memory, as it would on a careful person's machine."""
    root = tmp_path_factory.mktemp("lab")
    home = root / "home"
    home.mkdir()
    made = Lab(fleet.make(root, name="itest", offset=PORT_OFFSET), Path(tempfile.mkdtemp(dir=root, prefix="state-")), home)
    try:
        made.run("lab", "down")
        made.run("lab", "up")
        made.run("deploy")
        yield made
    finally:
        made.run("lab", "down")


@pytest.fixture(autouse=True)
def _nothing_left_open(request: pytest.FixtureRequest) -> None:
    """A test starts with no rotation open: what another one left behind is carried to its end first."""
    if "lab" in request.fixturenames:
        lab: Lab = request.getfixturevalue("lab")
        if any(one["next"].startswith("mycoops ") for one in lab.run("status", "--json").json()):
            lab.run("resume", status=None)
