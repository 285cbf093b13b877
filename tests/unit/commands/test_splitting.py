"""A value that serves several credentials is split into an entry for each; then each can be checked and rotated alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycoops import durable, session
from mycoops.commands import checking
from mycoops.commands.splitting import Split, split
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.families import families
from mycoops.secret import generate
from mycoops.session import Fleet
from mycoops.vault import Store, password_secrets
from tests.unit import fleets


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet of which one credential has a value, and another and a third have none."""
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    data = fleets.document()
    services, credentials = data["mycoops_services"], data["mycoops_credentials"]
    services["job"]["reads"] += ["OTHER"]
    credentials["other"] = {
        "kind": "single",
        "category": "api_keys",
        "authority": {"host": "h3"},
        "consumers": [{"service": "job", "env": {"OTHER": "<value>"}}],
    }
    where = fleets.write(tmp_path / "fleet", data)
    (tmp_path / "state" / "tale").mkdir(parents=True)
    durable.replace(tmp_path / "state" / "tale" / "vault-password", fleets.PASSWORD.encode())
    store(where).add("db", "a", generate("token"))
    return session.open_fleet(where)


def store(where: Path) -> Store:
    return Store.open(where, password_secrets(fleets.PASSWORD))


def value(fleet: Fleet, name: str) -> str:
    meta = fleet.store().meta(name)
    return fleet.store().secret(name, meta.generation).reveal() if meta else ""


def shared(fleet: Fleet) -> list[str]:
    return [one.problem for one in checking.check(fleet) if "same value" in one.problem]


def test_each_gets_the_value_and_an_entry_of_its_own(fleet: Fleet) -> None:
    done = split(fleet, "db", ["token", "db", "other"], "one password for all")
    assert done == Split("db", ("token", "other"), (), ("mycoops rotate token", "mycoops rotate other", "mycoops rotate db"))
    assert value(fleet, "token") == value(fleet, "other") == value(fleet, "db") != ""
    metas = {meta.credential: (meta.generation, meta.slot) for meta in fleet.store().metas()}
    assert metas == {"db": (1, "a"), "token": (1, ""), "other": (1, "")}
    assert checking.check(fleet) == [], "they may share it now"
    log = fleet.settings.rotation_log.read_text()
    assert "split: db generation 1 into token, other, fingerprint `" in log
    journal = "".join(path.read_text() for path in fleet.settings.journals.glob("*"))
    assert value(fleet, "db") not in log + journal


def test_the_same_value_without_a_split_is_a_finding_that_names_the_command(fleet: Fleet) -> None:
    split(fleet, "db", ["token"])
    store(fleet.settings.fleet).add("other", "", fleet.store().secret("db", 1))
    assert shared(fleet) == ["other and db hold the same value"]
    (found,) = [one for one in checking.check(fleet) if "same value" in one.problem]
    assert "`mycoops split db --into other`" in found.fix
    done = split(fleet, "db", ["other"])
    assert (done.made, done.there) == ((), ("other",))
    assert shared(fleet) == []


def test_a_family_grows(fleet: Fleet) -> None:
    split(fleet, "db", ["token"])
    split(fleet, "token", ["other"])
    assert families(fleet.runs().values())["db"] == {"db", "token", "other"}


def test_splitting_again_records_nothing(fleet: Fleet) -> None:
    split(fleet, "db", ["token"])
    before = sorted(fleet.settings.journals.glob("*"))
    assert split(fleet, "db", ["token"]).made == ()
    assert sorted(fleet.settings.journals.glob("*")) == before


def test_what_has_a_value_of_its_own_is_left(fleet: Fleet) -> None:
    store(fleet.settings.fleet).add("token", "", generate("token"))
    before = value(fleet, "token")
    with pytest.raises(ConfigurationError, match="has a value of its own"):
        split(fleet, "db", ["other", "token"])
    assert (value(fleet, "token"), value(fleet, "other")) == (before, "")


def test_what_is_not_declared_is_told_how_to_be(fleet: Fleet) -> None:
    with pytest.raises(ConfigurationError, match="sudo: not declared") as caught:
        split(fleet, "db", ["token", "sudo"])
    assert "catalogue.yml" in caught.value.hint
    assert value(fleet, "token") == ""


@pytest.mark.parametrize("into", [[], ["db"]])
def test_into_nothing_is_a_wrong_use(fleet: Fleet, into: list[str]) -> None:
    with pytest.raises(WrongUsage, match="nothing to split"):
        split(fleet, "db", into)
    with pytest.raises(WrongUsage, match="unknown credential"):
        split(fleet, "none", ["db"])


def test_a_login_of_two_names_needs_to_know_which_is_in_force(fleet: Fleet) -> None:
    store(fleet.settings.fleet).add("token", "", generate("token"))
    again = session.open_fleet(fleet.settings.fleet)
    (fleet.settings.fleet / "group_vars" / "all" / "vault.yml").unlink()
    store(fleet.settings.fleet).add("token", "", generate("token"))
    with pytest.raises(ConfigurationError, match="does not say in which slot"):
        split(again, "token", ["db"])
