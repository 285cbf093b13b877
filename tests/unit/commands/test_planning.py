"""A plan starts from what the vault and all journals know, and names what it cannot plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycoops import durable
from mycoops.commands import planning, providing
from mycoops.errors import ConfigurationError
from mycoops.journal import Journal
from mycoops.plan import Held
from mycoops.secret import generate
from mycoops.session import open_fleet
from mycoops.settings import install_key
from tests.unit import fleets
from tests.unit.commands.conftest import MakeStage


def test_a_quarter_is_named_by_its_letter_and_number(stage: MakeStage) -> None:
    opened = stage().opened()
    assert planning.quarter("q2", 2031, opened).label == "2031-Q2"
    assert planning.quarter("Q1", None, opened).year > 2000
    with pytest.raises(ConfigurationError, match="Q5 is not a quarter"):
        planning.quarter("Q5", 2031, opened)


def test_every_number_ever_used_is_counted(stage: MakeStage) -> None:
    made = stage("O1-slots")
    opened = made.opened()
    assert planning.held(opened, made.store()) == {"db": Held(1, "a", 1)}
    made.store().put_pending("db", 4, "b", generate("token"))
    assert planning.held(opened, made.store()) == {"db": Held(1, "a", 4)}
    made.store().drop_pending("db", 4)
    entry = {"credential": "db", "from_generation": 1, "to_generation": 6}
    written = Journal(made.fleet / "journal" / "old.jsonl", install_key(opened.settings))
    written.write("opened", plan={"rotations": [entry]})
    written.write("state", credential="db", state="ABORTED")
    assert planning.held(opened, made.store()) == {"db": Held(1, "a", 6)}


def test_nothing_named_is_everything(stage: MakeStage) -> None:
    made = stage()
    opened, store = made.opened(), made.store()
    assert [r.credential for r in planning.plan(opened, store, [], label="l", reason="r").rotations] == ["one", "two"]
    assert [r.credential for r in planning.plan(opened, store, ["two"], label="l", reason="r").rotations] == ["two"]


def test_what_is_unknown_or_has_no_value_is_not_planned(stage: MakeStage) -> None:
    made = stage()
    opened, store = made.opened(), made.store()
    with pytest.raises(ConfigurationError, match="unknown credential gone") as caught:
        planning.plan(opened, store, ["gone"], label="l", reason="r")
    assert caught.value.hint == "One of: one, two."
    (made.fleet / "group_vars" / "all" / "vault.yml").unlink()
    made.forget()
    with pytest.raises(ConfigurationError, match="one has no value in the vault"):
        planning.plan(opened, made.store(), ["one"], label="l", reason="r")


def test_a_preview_needs_no_password_and_is_the_plan_that_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    opened = open_fleet(fleets.write(tmp_path / "fleet"))
    before, lacking = planning.preview(opened, [], label="2031-Q2", reason="r")
    assert lacking == planning.lacking(opened) == ["db", "token"]
    assert [(r.credential, r.from_generation, r.to_principal) for r in before.rotations] == [("db", 1, "app_b"), ("token", 1, "")]
    durable.replace(opened.settings.state / "vault-password", fleets.PASSWORD.encode())
    for name in lacking:
        providing.provide(
            opened, name, generate("token"), slot="a" if opened.kinds[opened.catalogue.credentials[name].kind].slots else ""
        )
    (opened.settings.state / "vault-password").unlink()
    after, lacking = planning.preview(opened, [], label="2031-Q2", reason="r")
    assert lacking == planning.lacking(opened) == []
    assert after.digest == before.digest
    with pytest.raises(ConfigurationError, match="unknown credential gone"):
        planning.preview(opened, ["gone"], label="l", reason="r")
