"""A new fleet directory passes `check` as it is, and nothing that exists is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from mycoops import schema
from mycoops.commands import checking, starting
from mycoops.errors import ConfigurationError
from mycoops.session import open_fleet


def test_a_new_fleet_passes_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    paths = starting.init(tmp_path / "My Fleet")
    assert [path.name for path in paths] == ["hosts.yml", "catalogue.yml", ".catalogue.schema.json", ".gitignore"]
    opened = open_fleet(tmp_path / "My Fleet")
    assert opened.catalogue.fleet.name == "my-fleet"
    assert checking.check(opened) == []


def test_an_editor_finds_the_schema_and_ansible_does_not_take_it_for_hosts(tmp_path: Path) -> None:
    starting.init(tmp_path)
    catalogue = tmp_path / "group_vars" / "all" / "catalogue.yml"
    first = catalogue.read_text().splitlines()[0]
    place = catalogue.parent / first.removeprefix(schema.HEADER)
    assert place.read_text() == schema.text()
    inventory = InventoryManager(loader=DataLoader(), sources=[str(tmp_path)])
    assert [host.name for host in inventory.get_hosts()] == ["example-host"]


@pytest.mark.parametrize("name", ["-", "ü", "a b!", "1st", "2031", "true"])
def test_any_name_of_a_directory_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    starting.init(tmp_path / name)
    assert checking.check(open_fleet(tmp_path / name)) == []


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty"):
        starting.init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
