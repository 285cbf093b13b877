"""A value set by hand is a new generation, the one before it is kept, and whatever `provide` or a rotation does is left to them."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from mycoops import durable, lease, stale
from mycoops.commands import checking, looking, planning, providing, replacing, rotating
from mycoops.errors import ConfigurationError, Invalid, Locked, WrongUsage
from mycoops.secret import Secret, fingerprint, generate
from mycoops.session import Fleet, open_fleet
from mycoops.settings import install_key
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit import fleets
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, never


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet with a value for each credential."""
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    fleets.write(tmp_path / "fleet")
    opened = open_fleet(tmp_path / "fleet")
    opened.settings.state.mkdir(parents=True)
    durable.replace(opened.settings.state / "vault-password", fleets.PASSWORD.encode())
    store = opened.store()
    store.add("db", "a", generate("token"))
    store.add("token", "", generate("token"))
    return opened


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A program that does this to the file it is given."""
    program = tmp_path / "editor"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(program))


def test_a_value_becomes_the_next_generation_and_the_one_before_it_is_kept(fleet: Fleet) -> None:
    old, new = fleet.store().secret("db", 1), generate("token")
    done = replacing.put(fleet, "db", new, reason="changed in the console")
    assert (done.generation, done.slot, done.changed, done.next) == (2, "a", True, "mycoops redeploy db")
    store = fleet.store()
    assert store.secret("db", 2).same_as(new)
    assert store.secret("db", 1).same_as(old)
    assert (store.pending("db"), store.slot("db", 2)) == ([1], "a")
    assert checking.check(fleet) == []


def test_the_evidence_names_it_by_its_fingerprint(fleet: Fleet) -> None:
    new = generate("token")
    replacing.put(fleet, "db", new, reason="changed in the console")
    log = fleet.settings.rotation_log.read_text()
    named = fingerprint(install_key(fleet.settings), "db", new)
    assert f"- set by hand: db generation 1 → 2, fingerprint `{named}`" in log.splitlines()
    assert "- reason: changed in the console" in log
    assert {verdict.state for verdict in looking.verify_log(fleet)} == {"intact"}
    assert not [path for path in fleet.settings.fleet.rglob("*") if path.is_file() and new.reveal() in path.read_text()]


def test_the_slot_can_be_another_one(fleet: Fleet) -> None:
    assert replacing.put(fleet, "db", generate("token"), slot="b").slot == "b"
    assert fleet.store().slot("db", 2) == "b"
    with pytest.raises(ConfigurationError, match="no slot z"):
        replacing.put(fleet, "db", generate("token"), slot="z")


def test_the_value_that_is_current_changes_nothing(fleet: Fleet) -> None:
    value, content = fleet.store().secret("db", 1), vault_path(fleet.settings.fleet).read_bytes()
    done = replacing.put(fleet, "db", value)
    assert (done.changed, done.generation) == (False, 1)
    assert vault_path(fleet.settings.fleet).read_bytes() == content
    assert fleet.runs() == {}


def test_a_value_that_is_kept_already_is_refused(fleet: Fleet) -> None:
    store = fleet.store()
    with pytest.raises(ConfigurationError, match="this is the value of token, generation 1"):
        replacing.put(fleet, "db", store.secret("token", 1))
    replacing.put(fleet, "db", generate("token"))
    with pytest.raises(ConfigurationError, match="this is the value of db, generation 1"):
        replacing.put(fleet, "db", store.secret("db", 1))
    assert fleet.facts().pending("db") == [1]


@pytest.mark.parametrize(("value", "reason"), [("short", "at least 16"), ("a" * 20 + "\x07", "control character")])
def test_a_value_of_the_wrong_shape_is_refused_without_showing_it(fleet: Fleet, value: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        replacing.put(fleet, "db", Secret(value))
    assert value not in f"{caught.value.message}{caught.value.hint}"


def test_a_first_value_is_for_provide(fleet: Fleet) -> None:
    data = fleets.document()
    data["mycoops_credentials"]["more"] = {
        **fleets.TOKEN,
        "authority": {"services": ["api"], "accepts": {"TOKENS": "<accepted|csv>"}},
    }
    fleets.write(fleet.settings.fleet, data)
    with pytest.raises(ConfigurationError, match="more has no value") as caught:
        replacing.put(open_fleet(fleet.settings.fleet), "more", generate("token"))
    assert "mycoops provide more" in caught.value.hint
    with pytest.raises(ConfigurationError) as told:
        providing.provide(fleet, "db", generate("token"))
    assert "mycoops vault set db" in told.value.hint
    with pytest.raises(WrongUsage, match="unknown credential nothing"):
        replacing.edit(fleet, "nothing")


def test_an_open_rotation_is_not_disturbed(stage: MakeStage) -> None:
    made = stage("O3")
    opened = made.opened()
    planned = planning.plan(opened, opened.store(), ["it"], label="single", reason="a test")
    rotating.rotate(opened, planned, Quiet(), lambda host, task: None, never)
    for act in (lambda: replacing.put(opened, "it", Secret(secrets.token_urlsafe(32))), lambda: replacing.edit(opened, "it")):
        with pytest.raises(ConfigurationError, match="a rotation of it is open") as caught:
            act()
        assert "mycoops abort" in caught.value.hint
    assert made.store().pending("it") == []


def test_no_number_is_used_twice(fleet: Fleet) -> None:
    fleet.store().put_pending("db", 4, "b", generate("token"))
    assert replacing.put(fleet, "db", generate("token")).generation == 5
    assert replacing.put(fleet, "db", generate("token")).generation == 6
    assert planning.held(fleet, fleet.facts())["db"].highest == 6


def test_another_run_is_waited_for(fleet: Fleet) -> None:
    with lease.hold(fleet.settings.state, "rotate"), pytest.raises(Locked):
        replacing.put(fleet, "db", generate("token"))


def test_an_older_copy_of_the_fleet_is_refused(fleet: Fleet) -> None:
    replacing.put(fleet, "db", generate("token"))
    (journal,) = fleet.settings.journals.iterdir()
    fleet.settings.rotation_log.unlink()
    journal.unlink()
    with pytest.raises(Invalid, match=stale.FIX):
        replacing.put(fleet, "db", generate("token"))


def test_what_an_editor_makes_of_it_is_set(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = generate("token")
    (tmp_path / "new").write_text(f"{new.reveal()}\n")
    editor(tmp_path, monkeypatch, f"cp {tmp_path / 'new'} $1")
    assert replacing.edit(fleet, "db").generation == 2
    assert fleet.store().secret("db", 2).same_as(new)


def test_an_editor_that_changes_nothing_writes_nothing(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, "exit 0")
    content = vault_path(fleet.settings.fleet).read_bytes()
    assert replacing.edit(fleet, "db").changed is False
    assert vault_path(fleet.settings.fleet).read_bytes() == content
    assert fleet.runs() == {}


@pytest.mark.parametrize("text", ["exit 3", "rm $1", "printf short > $1", "printf '\\377' > $1"])
def test_an_editor_that_fails_writes_nothing(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    editor(tmp_path, monkeypatch, text)
    content = vault_path(fleet.settings.fleet).read_bytes()
    with pytest.raises(ConfigurationError):
        replacing.edit(fleet, "db")
    assert vault_path(fleet.settings.fleet).read_bytes() == content
    assert fleet.runs() == {}


def test_a_private_key_keeps_its_last_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> None:
    data = fleets.document()
    fleets.write(fleet.settings.fleet, data)
    kind = fleet.settings.fleet / "roles" / "kind_pair" / "meta" / "kind.yml"
    kind.write_text(kind.read_text() + "generates: ed25519\n")
    key, opened = generate("ed25519"), open_fleet(fleet.settings.fleet)
    (tmp_path / "key").write_text(key.reveal())
    editor(tmp_path, monkeypatch, f"cp {tmp_path / 'key'} $1")
    assert replacing.edit(opened, "db").generation == 2
    assert Store.open(fleet.settings.fleet, password_secrets(fleets.PASSWORD)).secret("db", 2).same_as(key)
    assert replacing.edit(opened, "db").changed is False
