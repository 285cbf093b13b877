"""Nothing else runs before `check` has found nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycoops.commands import checking
from mycoops.errors import ConfigurationError
from mycoops.session import open_fleet
from tests.unit import fleets
from tests.unit.commands.conftest import MakeStage


def test_the_hosts_are_those_of_the_inventory(stage: MakeStage) -> None:
    assert checking.hosts_of(stage().opened()) == {"h1", "h2", "h3"}


def test_a_good_fleet_passes(stage: MakeStage) -> None:
    opened = stage().opened()
    assert checking.check(opened) == []
    checking.refuse(opened)


def test_without_a_vault_only_the_declarations_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    assert checking.check(open_fleet(fleets.write(tmp_path / "fleet"))) == []


def test_the_vault_is_not_opened_while_the_declarations_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    data = fleets.document()
    data["mycoops_services"]["api"]["host"] = "h9"
    fleet = fleets.write(tmp_path / "fleet", data)
    (fleet / "group_vars" / "all" / "vault.yml").write_text("not even a vault")
    (finding,) = checking.check(open_fleet(fleet))
    assert "unknown host h9" in finding.problem


def test_a_refusal_names_every_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    data = fleets.document()
    data["mycoops_services"]["api"]["host"] = "h9"
    data["mycoops_credentials"]["db"]["kind"] = "oracle"
    with pytest.raises(ConfigurationError) as caught:
        checking.refuse(open_fleet(fleets.write(tmp_path / "fleet", data)))
    assert "unknown host h9. Add it to the inventory" in caught.value.message
    assert "unknown kind oracle. One of:" in caught.value.message


def test_an_inventory_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    fleet = fleets.write(tmp_path / "fleet")
    (fleet / "hosts.yml").unlink()
    with pytest.raises(ConfigurationError, match=r"hosts\.yml does not exist"):
        checking.check(open_fleet(fleet))
