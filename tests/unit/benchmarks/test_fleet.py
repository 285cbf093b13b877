"""The fleet of the benchmark is one mycoops takes, and its values change for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fleet as fleets
from benchmarks.contenders import Ansible, ParallelSsh
from benchmarks.fleet import CHANGED, CREDENTIALS, Fleet
from mycoops.commands import checking
from mycoops.lab_fleet import load
from mycoops.secret import generate
from mycoops.session import open_fleet


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Two hosts."""
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    made = Fleet(tmp_path / "fleet", tmp_path / "state" / fleets.NAME, 2, 10, generate("ed25519").reveal())
    made.make()
    return made


def test_mycoops_finds_nothing_wrong_with_it(fleet: Fleet) -> None:
    assert checking.check(open_fleet(fleet.directory)) == []
    assert [(host.name, host.ssh_port) for host in load(fleet.directory).hosts] == [("h01", 24201), ("h02", 24202)]


def test_a_change_is_in_the_vault_and_in_what_the_others_are_given(fleet: Fleet, tmp_path: Path) -> None:
    before = dict(fleet.values)
    fleet.change()
    store = open_fleet(fleet.directory).store()
    changed = {name for name in before if fleet.values[name] != before[name]}
    assert changed == {CHANGED.upper()}
    for name in CREDENTIALS:
        meta = store.meta(name)
        assert meta
        assert store.secret(name, meta.generation).reveal() == fleet.values[name.upper()]
    assert store.pending(CHANGED) == []
    for contender, file in ((ParallelSsh(tmp_path / "ssh"), "ssh/script"), (Ansible(tmp_path / "ansible"), "ansible/hosts.json")):
        contender.prepare(fleet)
        text = (tmp_path / file).read_text()
        assert all(value in text for value in fleet.values.values())


def test_no_value_is_an_argument_or_in_the_environment(fleet: Fleet, tmp_path: Path) -> None:
    for contender in (ParallelSsh(tmp_path / "ssh"), Ansible(tmp_path / "ansible")):
        words, environment = contender.command(fleet, "deploy")
        told = " ".join([*words, *environment.values()])
        assert not any(value in told for value in fleet.values.values())
