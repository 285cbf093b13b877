"""Where a fleet's state lies, and how the vault password is obtained: each failure says where it is declared, none tells it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mycoops import settings
from mycoops.errors import ConfigurationError
from mycoops.secret import generate
from mycoops.settings import Settings

HERE = "catalogue.yml:5"


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    """A fleet's two directories."""
    return Settings(tmp_path / "fleet", tmp_path)


def program(path: Path, text: str, mode: int = 0o700) -> str:
    """A program in the state directory; returns its name."""
    path.write_text(text)
    path.chmod(mode)
    return path.name


def private(path: Path, text: str) -> Path:
    """A file that nobody else may read."""
    path.touch(0o600)
    path.write_text(text)
    return path


def test_a_file_gives_the_password_without_its_line_end(place: Settings, tmp_path: Path) -> None:
    private(tmp_path / "kept", "words and more\n")
    assert settings.vault_password("kept", "", False, place, HERE) == "words and more"
    assert settings.vault_password(str(tmp_path / "kept"), "", False, place, HERE) == "words and more"


def test_a_program_gives_the_password(place: Settings, tmp_path: Path) -> None:
    script = program(tmp_path / "ask", "#!/bin/sh\necho words\n")
    assert settings.vault_password("", script, False, place, HERE) == "words"


def test_a_program_does_not_read_what_is_piped_into_the_command(tmp_path: Path) -> None:
    program(tmp_path / "ask", "#!/bin/sh\nread -r line\necho words\n")
    code = (
        "import sys; from pathlib import Path; from mycoops import settings as s\n"
        f"place = s.Settings(Path('fleet'), Path({str(tmp_path)!r}))\n"
        "print(s.vault_password('', 'ask', False, place, 'x'), sys.stdin.read())"
    )
    done = subprocess.run([sys.executable, "-c", code], input="the value", capture_output=True, text=True, check=True)
    assert done.stdout == "words the value\n"


def test_every_failure_says_where_and_how_to_go_on(place: Settings, tmp_path: Path) -> None:
    value = generate("token").reveal()
    private(tmp_path / "empty", "\n")
    private(tmp_path / "bytes", "").write_bytes(b"\xff" + value.encode())
    (tmp_path / "folder").mkdir()
    program(tmp_path / "fails", f"#!/bin/sh\necho {value}\nexit 7\n")
    program(tmp_path / "mute", "#!/bin/sh\n")
    program(tmp_path / "plain", f"#!/bin/sh\necho {value}\n", 0o600)
    program(tmp_path / "bare", f"echo {value}\n")
    told = {}
    for name, script in (
        *((name, False) for name in ("gone", "empty", "bytes", "folder")),
        *((name, True) for name in ("gone", "fails", "mute", "plain", "bare")),
    ):
        with pytest.raises(ConfigurationError) as caught:
            settings.vault_password("" if script else name, name if script else "", False, place, HERE)
        assert caught.value.message.startswith(f"{HERE}: ")
        assert str(tmp_path / name) in caught.value.message
        assert len(caught.value.message.splitlines()) == 1
        assert value not in caught.value.message + caught.value.hint
        told[name, script] = caught.value.message.removeprefix(f"{HERE}: ").replace(str(tmp_path / name), "HERE")
    assert told == {
        ("gone", False): "the vault password is not there: HERE",
        ("empty", False): "an empty vault password from HERE",
        ("bytes", False): "no vault password from HERE: it is not UTF-8 text",
        ("folder", False): "no vault password from HERE: Is a directory",
        ("gone", True): "the vault password is not there: HERE",
        ("fails", True): "the program HERE ended with status 7",
        ("mute", True): "an empty vault password from HERE",
        ("plain", True): "no vault password from HERE: Permission denied",
        ("bare", True): "no vault password from HERE: Exec format error",
    }


ASK = """
import sys
from pathlib import Path
from mycoops import settings
from mycoops.errors import ConfigurationError
try:
    given = settings.vault_password("", "", True, settings.Settings(Path("f"), Path("s")), "catalogue.yml:5")
    print(len(given), "characters")
except ConfigurationError as error:
    print(error.message)
"""


def test_without_a_terminal_nobody_is_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True, start_new_session=True, stdin=subprocess.DEVNULL
    )
    assert (done.stdout, done.stderr) == (f"{HERE}: nobody can be asked for the vault password\n", "")


def test_on_a_terminal_the_password_is_asked_for_and_not_shown() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    seen = b""
    while b"Vault password: " not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, b"words\n")
    while b"5 characters" not in seen:
        seen += os.read(terminal, 1000)
    os.waitpid(child, 0)
    assert b"words" not in seen


def test_the_install_key_is_made_once_and_kept_from_others(place: Settings) -> None:
    first = settings.install_key(place)
    assert len(first) == 32
    assert settings.install_key(place) == first
    assert (place.state / "install.key").stat().st_mode & 0o077 == 0


def test_the_directories_come_from_argument_environment_and_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "inventory/lab"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("MYCOOPS_FLEET", raising=False)
    assert settings.find(None).fleet == tmp_path / "inventory" / "lab"
    monkeypatch.setenv("MYCOOPS_FLEET", "two")
    assert settings.find(None) == Settings(tmp_path / "two", tmp_path / "state" / "two")
    assert settings.find(Path("one"), "called") == Settings(tmp_path / "one", tmp_path / "state" / "called")
    monkeypatch.setenv("MYCOOPS_FLEET", "gone")
    with pytest.raises(ConfigurationError, match="gone is not a fleet directory"):
        settings.find(None)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_password_that_others_may_read_or_write_is_not_taken(place: Settings, tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "kept", "words and more")
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"{HERE}: .*/kept holds the vault password and has mode {mode:04o}") as caught:
        settings.vault_password("kept", "", False, place, HERE)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("size", [0, 31, 33])
def test_what_is_no_key_is_not_taken_for_one(place: Settings, tmp_path: Path, size: int) -> None:
    (tmp_path / settings.INSTALL_KEY).write_bytes(bytes(size))
    with pytest.raises(ConfigurationError, match=f"has {size} bytes, not 32"):
        settings.install_key(place)
