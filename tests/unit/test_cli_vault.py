"""`mycoops vault` on the command line: a value comes in hidden, none goes out, and each command says how to go on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mycoops import durable, vault_switch
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

    @property
    def password(self) -> Path:
        """Where the vault password lies."""
        return self.state / "tale" / "vault-password"

    @property
    def command(self) -> tuple[list[str], dict[str, str]]:
        """How a command is started, and its environment."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.state), "MYCOOPS_STATE": str(self.state)}
        return [sys.executable, "-m", "mycoops.cli"], {**environment, "MYCOOPS_FLEET": str(self.fleet), "TERM": "dumb"}

    def run(self, *arguments: str, stdin: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """A command with something piped into it."""
        command, environment = self.command
        environment = {**environment, **more}
        return subprocess.run(
            [*command, *arguments], env=environment, input=stdin or "", capture_output=True, text=True, check=False
        )

    def typed(self, *arguments: str, answers: tuple[tuple[str, str], ...]) -> tuple[int, str]:
        """A command on a terminal, with an answer to each question; its status, and all that the terminal showed."""
        command, environment = self.command
        child, terminal = pty.fork()
        if child == 0:
            os.execve(sys.executable, [*command, *arguments], environment)
        shown = b""
        for question, answer in answers:
            while question.encode() not in shown:
                shown += os.read(terminal, 1000)
            os.write(terminal, answer.encode() + b"\n")
            shown = shown.split(question.encode(), 1)[1]
        try:
            while more := os.read(terminal, 1000):
                shown += more
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()

    def store(self, password: str = fleets.PASSWORD) -> Store:
        """What is kept."""
        return Store.open(self.fleet, password_secrets(password))


@pytest.fixture(params=["file"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """A fleet with nothing wrong; its catalogue names the source of the password that the test asks for."""
    data = fleets.document()
    sources: dict[str, Any] = {"file": {"file": "vault-password"}, "script": {"script": "print-it"}, "prompt": {"prompt": True}}
    data["mycoops_fleet"]["vault_password"] = sources[request.param]
    made = Desk(fleets.write(tmp_path / "fleet", data), tmp_path / "state")
    made.password.parent.mkdir(parents=True)
    durable.replace(made.password, fleets.PASSWORD.encode())
    script = made.password.with_name("print-it")
    script.write_text('#!/bin/sh\nexec cat "$(dirname "$0")/vault-password"\n')
    script.chmod(0o700)
    made.store().add("db", "a", generate("token"))
    made.store().add("token", "", generate("token"))
    return made


def test_the_list_needs_no_password(desk: Desk) -> None:
    desk.password.unlink()
    done = desk.run("vault", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:4] for line in done.stdout.splitlines()] == [
        ["credential", "kind", "gen", "slot"],
        ["db", "pair", "1", "a"],
        ["token", "listed", "1", "0"],
    ]
    (first, _) = json.loads(desk.run("vault", "list", "--json").stdout)
    assert (first["credential"], first["generation"], first["candidates"], first["old"], first["age_days"]) == ("db", 1, [], [], 0)


def test_a_value_is_set_from_a_pipe_and_from_a_hidden_prompt(desk: Desk) -> None:
    first, second = generate("token").reveal(), generate("token").reveal()
    done = desk.run("vault", "set", "db", stdin=f"{first}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "db: generation 2, slot a, encrypted; the one before it is kept until its next rotation is closed\n→ mycoops redeploy db\n"
    )
    status, shown = desk.typed("vault", "set", "db", "--json", answers=(("New value of db: ", second),))
    assert status == 0, shown
    assert json.loads(shown[shown.index("{") :])["generation"] == 3
    assert second not in shown
    assert desk.store().secret("db", 3).reveal() == second
    assert "  old" in (listed := desk.run("vault", "list").stdout)
    assert listed.splitlines()[1].endswith("1, 2")
    assert desk.run("check").returncode == 0


def test_a_value_is_edited(desk: Desk, tmp_path: Path) -> None:
    new = generate("token").reveal()
    durable.replace(tmp_path / "new", new.encode())
    program = tmp_path / "editor"
    program.write_text(f'#!/bin/sh\ncat {tmp_path / "new"} > "$1"\n')
    program.chmod(0o700)
    done = desk.run("vault", "edit", "db", EDITOR=str(program))
    assert (done.returncode, done.stderr) == (0, "")
    assert new not in done.stdout
    assert desk.store().secret("db", 2).reveal() == new
    assert desk.run("vault", "edit", "db", EDITOR=str(program)).stdout == "db: generation 2, slot a, as it was; nothing written\n"


@pytest.mark.parametrize("desk", ["file"], indirect=True)
@pytest.mark.parametrize("how", ["made", "file", "script", "pipe", "terminal"])
def test_the_new_password_comes_from_any_place(desk: Desk, tmp_path: Path, how: str) -> None:
    new = generate("token").reveal()
    place = tmp_path / "place"
    place.write_text(f"#!/bin/sh\necho {new}\n" if how == "script" else f"{new}\n")
    place.chmod(0o700)
    options = {"made": ["--generate"], "file": ["--new-password-file", str(place)], "script": ["--new-password-script", str(place)]}
    if how == "terminal":
        status, shown = desk.typed("vault", "rekey", answers=(("New vault password: ", new), (": ", new)))
    else:
        done = desk.run("vault", "rekey", *options.get(how, []), stdin=f"{new}\n" if how == "pipe" else None)
        status, shown = done.returncode, done.stdout + done.stderr
    assert status == 0, shown
    assert "2 values in 1 files are under the new password" in shown
    assert shown.rstrip().endswith("→ mycoops check")
    now = desk.password.read_text()
    assert now not in shown
    assert (now == new) is (how != "made")
    assert now != fleets.PASSWORD
    assert len(list(desk.store(now).secrets())) == 2
    assert desk.run("check").returncode == 0


@pytest.mark.parametrize("desk", ["script", "prompt"], indirect=True)
def test_where_the_catalogue_names_no_file_a_person_does_the_rest(desk: Desk, tmp_path: Path, request: Any) -> None:
    prompt, new = request.node.callspec.params["desk"] == "prompt", generate("token").reveal()
    done = desk.run("vault", "rekey", "--generate")
    assert done.returncode == Exit.USAGE
    assert "nobody would know a password that is made here" in done.stderr
    durable.replace(tmp_path / "new", new.encode())
    if prompt:
        asked = (("Vault password: ", fleets.PASSWORD),)
        status, shown = desk.typed("vault", "rekey", "--new-password-file", str(tmp_path / "new"), answers=asked)
        assert "→ type the new password from now on: `mycoops check`" in shown
    else:
        done = desk.run("vault", "rekey", "--new-password-file", str(tmp_path / "new"))
        status, shown = done.returncode, done.stdout + done.stderr
        assert "→ let print-it print the new password, then `mycoops check`" in shown
    assert (status, new in shown) == (0, False), shown
    assert len(list(desk.store(new).secrets())) == 2
    if prompt:
        assert desk.typed("check", answers=(("Vault password: ", new),))[0] == 0
        assert desk.typed("check", answers=(("Vault password: ", fleets.PASSWORD),))[0] == Exit.CONFIGURATION
    else:
        assert desk.run("check").returncode == Exit.CONFIGURATION
        durable.replace(desk.password, new.encode())
        assert desk.run("check").returncode == 0


@pytest.mark.parametrize("desk", ["file", "script", "prompt"], indirect=True)
def test_a_change_that_was_cut_off_is_told_and_ended_without_any_password(desk: Desk) -> None:
    new = generate("token").reveal()
    files = desk.store().under(password_secrets(new))
    password = desk.password if "file" in (desk.fleet / "group_vars/all/catalogue.yml").read_text().split("host_order")[0] else None
    vault_switch.prepare({path: made for path, (_, made) in files.items()}, password, new.encode())
    vault_switch.decide(desk.fleet, "")
    assert "mycoops vault rekey" in desk.run("vault", "list").stderr
    for command in (("check",), ("deploy",), ("rotate", "db", "--yes")):
        done = desk.run(*command)
        assert done.returncode == Exit.CONFIGURATION
        assert "Finish it: `mycoops vault rekey`" in done.stdout + done.stderr
    done = desk.run("vault", "rekey", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changed"] is True
    assert len(list(desk.store(new).secrets())) == 2
    assert not vault_switch.decided(desk.fleet)


def test_two_places_for_a_password_are_one_too_many(desk: Desk) -> None:
    done = desk.run("vault", "rekey", "--generate", "--new-password-file", "x")
    assert (done.returncode, "say one place" in done.stderr) == (Exit.USAGE, True)
    done = desk.run("vault", "rekey", "--new-password-file", str(desk.fleet / "gone"))
    assert done.returncode == Exit.CONFIGURATION
    assert f"--new-password-file: the vault password is not there: {desk.fleet / 'gone'}" in done.stderr


def test_a_wrong_password_changes_nothing_and_names_the_place(desk: Desk) -> None:
    durable.replace(desk.password, b"another password that is wrong")
    content = vault_path(desk.fleet).read_bytes()
    done = desk.run("vault", "rekey", "--generate")
    assert done.returncode == Exit.CONFIGURATION
    assert f"{vault_path(desk.fleet)}:3: db does not decrypt" in done.stderr
    assert vault_path(desk.fleet).read_bytes() == content
    assert desk.password.read_text() == "another password that is wrong"


def test_the_values_are_of_the_type_that_shows_nothing(desk: Desk) -> None:
    assert isinstance(desk.store().secret("db", 1), Secret)


@pytest.mark.parametrize("desk", ["prompt"], indirect=True)
def test_a_person_is_asked_for_the_password_once_by_a_command(desk: Desk) -> None:
    asked = ("Vault password: ", fleets.PASSWORD)
    status, shown = desk.typed("rotate", "db", "--yes", answers=(asked,))
    assert "preflight" in shown, "the rotation has begun"
    assert (status, "Vault password: " in shown, "a bug" in shown) == (Exit.FAILED_OLD_INTACT, False, False), shown


@pytest.mark.parametrize("desk", ["prompt"], indirect=True)
@pytest.mark.parametrize(
    ("answer", "problem"), [("another one that is wrong", "does not decrypt"), ("", "an empty vault password")]
)
def test_a_wrong_answer_ends_the_command_before_anything_is_done(desk: Desk, answer: str, problem: str) -> None:
    status, shown = desk.typed("rotate", "db", "--yes", answers=(("Vault password: ", answer),))
    assert (status, problem in shown, "Vault password: " in shown) == (Exit.CONFIGURATION, True, False), shown
    assert not list(desk.fleet.glob("journal/*"))
