"""Every place of the control node is searched: a planted value is found and named there, another value is nowhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from mycoops_needles import Needles

from mycoops.leaks import control_node
from mycoops.leaks.control_node import ControlNode
from mycoops.leaks.heard import Heard
from mycoops.leaks.known import Known
from mycoops.leaks.needles import texts
from mycoops.leaks.processes import Sampler
from mycoops.model import CONTROL_NODE, Leak
from mycoops.secret import generate
from mycoops.settings import Settings


class Searched:
    """A control node whose directories are all in one place, and one value that is searched for."""

    def __init__(self, root: Path) -> None:
        self.value, self.heard, self.sampler = generate("token").reveal(), Heard(), Sampler()
        self.settings = Settings(root / "fleet", root / "state")
        self.directory, self.home, self.temporary = root / "shm" / "mycoops-run", root / "home", root / "tmp"
        for path in (self.directory, self.home / ".ansible", self.temporary, self.settings.journals, root / "fleet" / "docs"):
            path.mkdir(parents=True)

    def places(self, *values: str) -> list[str]:
        """Where one of these values is found, by default the one that may have been planted."""
        forms = [text.encode() for value in values or (self.value,) for text in texts(value)]
        known = Known.__new__(Known)
        known.needles = lambda: Needles({("db", 2): forms})  # type: ignore[method-assign]
        found, _ = ControlNode(self.settings, self.directory, self.heard, self.sampler).scan(known, 0.0)
        assert {(leak.credential, leak.generation, leak.host) for leak in found} <= {("db", 2, "")}
        assert not [leak for leak in found if any(value in str(leak) for value in (self.value, *values))]
        return sorted(leak.place for leak in found)


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Searched:
    made = Searched(tmp_path)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setattr(tempfile, "tempdir", str(made.temporary))
    monkeypatch.setattr(control_node, "SHARED", ())
    monkeypatch.setattr("mycoops.rundir.memory_directories", lambda: [made.directory.parent])
    return made


def into(*parts: str) -> Callable[[Searched, str], str]:
    """Plants into a file below an attribute; returns the place that is to be told."""

    def plant(searched: Searched, text: str) -> str:
        place: Path = getattr(searched, parts[0]).joinpath(*parts[1:])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        inside = place.is_relative_to(searched.directory)
        return f"the directory of this run/{place.relative_to(searched.directory)}" if inside else str(place)

    return plant


def journal(searched: Searched, text: str) -> str:
    place = searched.settings.journals / "run.jsonl"
    place.write_text(f'{{"event": "blocked", "reason": "{text}"}}\n')
    return str(place)


def log(searched: Searched, text: str) -> str:
    searched.settings.rotation_log.write_text(f"| {text} |\n")
    return str(searched.settings.rotation_log)


def output(searched: Searched, text: str) -> str:
    searched.heard.take(f"0:01 app: stopped: {text}\n")
    return "the output of mycoops"


def arguments(searched: Searched, text: str) -> str:
    searched.sampler._keep("the arguments of psql", f"psql\0{text}".encode())
    return "the arguments of psql"


def environment(searched: Searched, text: str) -> str:
    searched.sampler._keep("the environment of psql", f"PGPASSWORD={text}".encode())
    return "the environment of psql"


CHANNELS = {
    "artifact": into("directory", "run003", "artifacts", "x", "stdout"),
    "command of a start": into("directory", "run003", "artifacts", "x", "command"),
    "what a killed run left": into("directory", "left-by-mycoops-1", "run001", "artifacts", "x", "stdout"),
    "Ansible's local temporary files": into("directory", "tmp", "ansible-local-1", "source"),
    "what Ansible keeps of a task beside the others": into("home", ".ansible_async", "j1.1"),
    "Ansible's files in the home": into("home", ".ansible", "tmp", "ansible-tmp-1", "AnsiballZ_copy.py"),
    "temporary file": into("temporary", "tmpabc"),
    "journal record": journal,
    "rotation log": log,
    "printed line": output,
    "arguments of a process": arguments,
    "environment of a process": environment,
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_planted_value_is_found_and_its_place_is_named(searched: Searched, channel: str) -> None:
    told = CHANNELS[channel](searched, f"before {searched.value} after")
    assert searched.places() == [told]
    assert searched.places(generate("token").reveal()) == []


def test_every_form_is_found_in_one_search(searched: Searched) -> None:
    for number, form in enumerate(sorted(texts(searched.value))):
        (searched.temporary / f"{number:02d}").write_text(f"x{form}")
    assert len(searched.places()) == len(texts(searched.value))
    assert searched.places(generate("token").reveal()) == []


def test_the_memory_other_runs_use_is_searched_and_the_own_directory_told_once(searched: Searched) -> None:
    (searched.directory / "x").write_text(searched.value)
    (searched.directory.parent / "other").write_text(searched.value)
    assert searched.places() == [str(searched.directory.parent / "other"), "the directory of this run/x"]


def test_a_file_that_is_called_like_a_value_is_told_without_it(searched: Searched) -> None:
    (searched.temporary / f"{searched.value}.txt").write_text("empty")
    assert searched.places() == [f"the name of {searched.temporary} …"]


def test_what_was_not_searched_is_said(searched: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_node, "BOUNDS", (2, 1000, 1000))
    for number in range(4):
        (searched.temporary / str(number)).write_text("x")
    searched.sampler.lost, searched.heard.lost = 3, True
    known = Known.__new__(Known)
    known.needles = lambda: Needles({})  # type: ignore[method-assign]
    found, skipped = ControlNode(searched.settings, searched.directory, searched.heard, searched.sampler).scan(known, 0.0)
    assert found == []
    assert skipped == [
        f"{CONTROL_NODE}: {searched.temporary}: all but 2 names of it",
        f"{CONTROL_NODE}: 3 looks at processes",
        f"{CONTROL_NODE}: the output of mycoops: its beginning",
    ]


def test_the_usual_directories_are_among_those_searched(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "fleet", tmp_path / "state")
    places = set(ControlNode(settings, tmp_path, Heard(), Sampler())._places())
    assert {Path("/tmp"), Path("/var/tmp"), Path.home() / ".ansible", settings.journals, settings.rotation_log.parent} <= places


def test_a_leak_says_where_it_is_and_nothing_else() -> None:
    assert str(Leak("db", 2, "/tmp/x")) == "control node: /tmp/x"
    assert str(Leak("db", 2, "/tmp/x", "h1")) == "h1: /tmp/x"
