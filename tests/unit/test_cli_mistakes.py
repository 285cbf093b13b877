"""Whatever is wrong with a fleet directory, each command ends with status 3, one line that names file and line, and no value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mycoops import durable
from mycoops.errors import Exit
from mycoops.secret import Secret, generate
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit import fleets

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Desk:
    """A fleet with values, and the state of its control node."""

    fleet: Path
    state: Path
    values: tuple[Secret, ...]

    @property
    def catalogue(self) -> Path:
        """Its declarations."""
        return self.fleet / "group_vars" / "all" / "catalogue.yml"

    @property
    def vault(self) -> Path:
        """Its values."""
        return vault_path(self.fleet)

    @property
    def password(self) -> Path:
        """Where the vault password lies."""
        return self.state / "tale" / "vault-password"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command on the fleet."""
        command = [sys.executable, "-m", "mycoops.cli", *arguments, "--fleet", str(self.fleet)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.state), "MYCOOPS_STATE": str(self.state)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A fleet with nothing wrong."""
    fleet, state = fleets.write(tmp_path / "fleet"), tmp_path / "state"
    values = (generate("token"), generate("token"))
    store = Store.open(fleet, password_secrets(fleets.PASSWORD))
    store.add("db", "a", values[0])
    store.add("token", "", values[1])
    made = Desk(fleet, state, values)
    made.password.parent.mkdir(parents=True)
    durable.replace(made.password, fleets.PASSWORD.encode())
    return made


def put(path: Path, old: str, new: str) -> None:
    """Change one place of a file."""
    text = path.read_text()
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1))


def line_of(path: Path, text: str) -> int:
    """The number of the first line with a text."""
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


Break = Callable[[Desk], object]
MISTAKES: dict[str, tuple[Break, Callable[[Desk], str], str]] = {
    "a catalogue that is not YAML": (
        lambda d: put(d.catalogue, "mycoops_services:", "mycoops_services: ["),
        lambda d: f"{d.catalogue}:",
        "not YAML",
    ),
    "an unknown key": (
        lambda d: put(d.catalogue, "owner: somebody", "owner: somebody\n  colour: red"),
        lambda d: f"{d.catalogue}:{line_of(d.catalogue, 'colour')}: ",
        "mycoops_fleet.colour: this key is unknown",
    ),
    "a wrong type": (
        lambda d: put(d.catalogue, "owner: somebody", "owner: somebody\n  forks: many"),
        lambda d: f"{d.catalogue}:{line_of(d.catalogue, 'forks')}: ",
        "mycoops_fleet.forks: Input should be a valid integer",
    ),
    "a conflict in the catalogue": (
        lambda d: put(d.catalogue, "mycoops_services:", "<<<<<<< HEAD\nmycoops_services:"),
        lambda d: f"{d.catalogue}:{line_of(d.catalogue, '<<<<')}: ",
        "an unresolved merge conflict",
    ),
    "an inventory that is not YAML": (
        lambda d: d.fleet.joinpath("hosts.yml").write_text("all:\n  hosts: [\n"),
        lambda d: f"{d.fleet}/hosts.yml:3: ",
        "not YAML",
    ),
    "an inventory of a wrong shape": (
        lambda d: d.fleet.joinpath("hosts.yml").write_text("all:\n  hosts:\n    - h1\n"),
        lambda d: f"{d.fleet}/hosts.yml:2: ",
        "all.hosts is not a mapping",
    ),
    "an unknown key of the inventory": (
        lambda d: d.fleet.joinpath("hosts.yml").write_text("all:\n  host:\n    h1:\n"),
        lambda d: f"{d.fleet}/hosts.yml:2: ",
        "all has the unknown key host",
    ),
    "a broken kind": (
        lambda d: put(d.fleet / "roles" / "kind_pair" / "meta" / "kind.yml", "overlap: O1", "overlap: O9"),
        lambda d: f"{d.fleet}/roles/kind_pair/meta/kind.yml:{line_of(d.fleet / 'roles/kind_pair/meta/kind.yml', 'O9')}: ",
        "overlap: Input should be",
    ),
    "no vault password": (
        lambda d: d.password.unlink(),
        lambda d: f"{d.catalogue}:{line_of(d.catalogue, 'vault_password')}: ",
        "the vault password is not there",
    ),
    "the wrong vault password": (
        lambda d: durable.replace(d.password, b"another one"),
        lambda d: f"{d.vault}:{line_of(d.vault, 'db:')}: ",
        "db does not decrypt",
    ),
    "a conflict in the vault": (
        lambda d: put(d.vault, "  token:", "=======\n>>>>>>> theirs\n  token:"),
        lambda d: f"{d.vault}:{line_of(d.vault, '>>>>')}: ",
        "an unresolved merge conflict",
    ),
    "an entry twice": (
        lambda d: d.vault.write_text(d.vault.read_text() + "  db: {generation: 2, value: !vault x}\n"),
        lambda d: f"{d.vault}:{len(d.vault.read_text().splitlines())}: ",
        "db stands here for the second time",
    ),
    "a vault that is not YAML": (
        lambda d: put(d.vault, "  db:", "  db: ["),
        lambda d: f"{d.vault}:",
        "not YAML",
    ),
    "a value in clear": (
        lambda d: d.vault.write_text("mycoops_vault:\n  db:\n    generation: 1\n    value: " + d.values[0].reveal() + "\n"),
        lambda d: f"{d.vault}:2: ",
        "db needs `generation` and an encrypted `value: !vault |`",
    ),
}


def test_nothing_is_wrong_to_begin_with(desk: Desk) -> None:
    done = desk.run("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing wrong" in done.stdout


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_tells_it_in_one_line(desk: Desk, mistake: str) -> None:
    breaking, place, problem = MISTAKES[mistake]
    breaking(desk)
    done = desk.run("check")
    assert done.returncode == Exit.CONFIGURATION, done.stdout + done.stderr
    told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert told[0].startswith(place(desk))
    assert problem in told[0]
    assert [line.split()[0] for line in told[1:]] == ["→"]
    assert_silent(done, desk)


@pytest.mark.parametrize("mistake", ["an unknown key", "an unknown key of the inventory", "the wrong vault password"])
@pytest.mark.parametrize("command", [("rotate", "--quarter", "Q2", "--yes"), ("deploy",), ("drift",)])
def test_nothing_is_done_with_a_mistake(desk: Desk, mistake: str, command: tuple[str, ...]) -> None:
    breaking, place, problem = MISTAKES[mistake]
    breaking(desk)
    done = desk.run(*command)
    assert done.returncode == Exit.CONFIGURATION, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(place(desk))
    assert problem in done.stderr
    assert not (desk.fleet / "journal").exists()
    assert_silent(done, desk)


def test_findings_come_as_json_too(desk: Desk) -> None:
    MISTAKES["an unknown key"][0](desk)
    done = desk.run("check", "--json")
    assert (done.returncode, done.stderr) == (Exit.CONFIGURATION, "")
    (finding,) = json.loads(done.stdout)
    assert finding == {
        "place": f"{desk.catalogue}:{line_of(desk.catalogue, 'colour')}",
        "problem": "mycoops_fleet.colour: this key is unknown",
        "fix": "Remove it, or mend its name.",
        "level": "error",
    }


def assert_silent(done: subprocess.CompletedProcess[str], desk: Desk) -> None:
    """No trace of a bug, and no value."""
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert "a bug in mycoops" not in text
    assert not any(value.reveal() in text for value in desk.values)
    assert fleets.PASSWORD not in text
