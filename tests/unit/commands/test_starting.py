"""A new fleet directory passes `check` as it is, and nothing that exists is overwritten."""

from __future__ import annotations

import subprocess
import sys
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


def test_git_leaves_alone_what_a_killed_writer_left(tmp_path: Path) -> None:
    starting.init(tmp_path / "acme")
    code = (
        "import os, signal, sys; from pathlib import Path; from mycoops import durable\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "durable.replace(Path(sys.argv[1]), b'x')"
    )
    for name in ("group_vars/all/vault.yml", "pending/db.g2.vault", "journal/run.jsonl"):
        died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "acme" / name)], check=False)
        assert died.returncode == -9
    left = {path.name for path in tmp_path.rglob(".*.new")}
    assert len(left) == 3
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    added = subprocess.run([*git, "ls-files"], capture_output=True, text=True, check=True).stdout
    assert "acme/hosts.yml" in added
    assert not any(name in added for name in left)
