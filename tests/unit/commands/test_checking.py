"""Nothing else runs before `check` has found nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mycoops import cli
from mycoops.commands import checking
from mycoops.errors import ConfigurationError, Invalid
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


def test_cadences_that_contradict_each_other_are_told_and_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    data = fleets.document()
    data["mycoops_credentials"]["db"]["cadence_days"] = 365
    fleet = fleets.write(tmp_path / "fleet", data)
    done = CliRunner().invoke(cli.app, ["check", "--fleet", str(fleet)])
    assert done.exit_code == 0
    assert "warning: db: a cadence of 365 days has no effect" in done.stderr
    assert "warning" not in done.stdout
    told = json.loads(CliRunner().invoke(cli.app, ["check", "--fleet", str(fleet), "--json"]).stdout)
    assert {(one["level"], one["place"].rpartition("/")[2].split(":")[0]) for one in told} == {("warning", "catalogue.yml")}


def test_a_plan_is_refused_for_its_declarations_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    fleet = fleets.write(tmp_path / "fleet")
    (fleet / "group_vars" / "all" / "vault.yml").write_text("not even a vault")
    checking.refuse_declarations(open_fleet(fleet))
    data = fleets.document()
    data["mycoops_credentials"]["token"]["consumers"][0]["service"] = "gone"
    with pytest.raises(Invalid, match="unknown consumer gone"):
        checking.refuse_declarations(open_fleet(fleets.write(tmp_path / "fleet", data)))


def test_what_cannot_be_opened_is_told_as_findings_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    fleet = fleets.write(tmp_path / "fleet")
    found, opened = checking.examine(fleet)
    assert (found, opened and opened.catalogue.fleet.name) == ([], "tale")
    (fleet / "hosts.yml").write_text("all:\n  host: {}\n")
    ((finding,), opened) = checking.examine(fleet)
    assert (finding.place, opened) == (f"{fleet}/hosts.yml:2", None)


def test_a_file_that_its_program_would_not_read_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    data = fleets.document()
    data["mycoops_services"]["api"]["env_file"]["reload"] = True
    opened = open_fleet(fleets.write(tmp_path / "fleet", data))
    (finding,) = checking.check(opened)
    assert "the environment of a process does not change on a reload" in finding.problem
    with pytest.raises(Invalid):
        checking.refuse_declarations(opened)
