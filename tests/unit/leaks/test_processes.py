"""The arguments and the environment of every process of this machine are looked at while a run goes on, and of no other's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mycoops.leaks import processes
from mycoops.leaks.processes import Sampler
from mycoops.secret import generate

BRIEF = [sys.executable, "-c", "import time; time.sleep(0.6)"]


def showing(sampler: Sampler, value: str) -> list[str]:
    """What showed a value."""
    return sorted(what for what, data in sampler.looks() if value.encode() in data)


@pytest.mark.parametrize("place", ["arguments", "environment"])
def test_a_process_that_ended_long_ago_has_been_seen(place: str) -> None:
    value = generate("token").reveal()
    with Sampler() as sampler:
        more = [value] if place == "arguments" else []
        subprocess.run([*BRIEF, *more], env={"PLANTED": value if place == "environment" else ""}, check=True)
    assert [what.partition(" of ")[0] for what in showing(sampler, value)] == [f"the {place}"]
    assert showing(sampler, generate("token").reveal()) == []


def test_equal_looks_are_kept_once() -> None:
    sampler = Sampler()
    sampler.look()
    first = len(sampler.looks())
    sampler.look()
    assert first <= len(sampler.looks()) < first + 20
    assert sampler.rounds == 2


def test_of_too_much_the_number_of_looks_that_were_not_kept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LIMIT", 100)
    sampler = Sampler()
    sampler.look()
    assert sampler.lost > 0
    assert sum(len(data) for _, data in sampler.looks()) <= 100


class Tree:
    """A /proc of made-up processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def process(self, number: str, *, namespace: str = "pid:[1]", group: str = "/user.slice", readable: bool = True) -> None:
        path = self.root / number
        (path / "ns").mkdir(parents=True)
        (path / "ns" / "pid").symlink_to(namespace)
        (path / "cmdline").write_bytes(f"program\0--number={number}\0".encode())
        (path / "comm").write_text("program\n")
        (path / "cgroup").write_text(f"0::{group}\n")
        if readable:
            (path / "environ").write_bytes(f"NUMBER=e{number}\0".encode())


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setattr(processes, "PROC", tmp_path)
    made = Tree(tmp_path)
    made.process("self")
    return made


def test_a_container_of_this_machine_is_another_host(tree: Tree) -> None:
    tree.process("10")
    tree.process("11", namespace="pid:[2]")
    sampler = Sampler()
    sampler.look()
    assert (showing(sampler, "number=10"), showing(sampler, "e10")) == (
        ["the arguments of program"],
        ["the environment of program"],
    )
    assert showing(sampler, "11") == []


def test_a_consumer_on_this_machine_has_its_values_in_its_environment_on_purpose_but_not_in_its_arguments(tree: Tree) -> None:
    tree.process("10", group="/system.slice/api.service")
    tree.process("11", group="/system.slice/other.service")
    sampler = Sampler(["api.service"])
    sampler.look()
    assert (showing(sampler, "e10"), showing(sampler, "number=10")) == ([], ["the arguments of program"])
    assert showing(sampler, "e11") == ["the environment of program"]


def test_of_another_account_the_arguments_are_seen(tree: Tree) -> None:
    tree.process("10", readable=False)
    sampler = Sampler()
    sampler.look()
    assert showing(sampler, "number=10") == ["the arguments of program"]
