"""A value that a person edits lies in one private directory in memory, and in no place at all when this process is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mycoops import editor, rundir
from mycoops.errors import ConfigurationError
from mycoops.secret import Secret, generate
from tests.processes import heeding

REPOSITORY = Path(__file__).resolve().parents[2]
EDIT = "import sys; from mycoops import editor, secret; editor.edited('db', secret.Secret(sys.stdin.read()))"


def program(path: Path, text: str) -> Path:
    """A program of a few lines."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def mounted(directory: Path) -> bool:
    """Whether it is on a file system in memory."""
    return any(directory.is_relative_to(place) for place in rundir.memory_directories())


def wait(until: Callable[[], object]) -> bool:
    """Whether something becomes true within a few seconds."""
    for _ in range(200):
        if until():
            return True
        time.sleep(0.05)
    return False


def test_the_file_is_private_in_memory_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    text = 'echo "$1"; stat -c %a "$1" "$(dirname "$1")"; pwd; echo "$HOME $TMPDIR"; ulimit -c'
    text = f"({text}) >{told}"
    monkeypatch.setenv("EDITOR", str(program(tmp_path / "editor", text)))
    monkeypatch.setenv("VIMINIT", "source /etc/something")
    value = generate("token")
    assert editor.edited("db", value).same_as(value)
    file, mode, directory_mode, where, home, core = told.read_text().splitlines()
    assert (mode, directory_mode, core) == ("600", "700", "0")
    assert Path(file).name == "db"
    assert where == str(Path(file).parent)
    assert home == f"{where} {where}"
    assert mounted(Path(file))
    assert not Path(file).parent.parent.exists()


def test_whatever_an_editor_leaves_there_goes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    text = (
        f'pwd >{told}; cp "$1" .db.swp; cp "$1" "$1~"; mkdir -p "$HOME/.local"; cp "$1" "$HOME/.local/history"; cp "$1" "$TMPDIR/x"'
    )
    monkeypatch.setenv("EDITOR", str(program(tmp_path / "editor", text)))
    editor.edited("db", generate("token"))
    assert not Path(told.read_text().strip()).parent.exists()


def test_a_failing_editor_leaves_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    monkeypatch.setenv("EDITOR", str(program(tmp_path / "editor", f"pwd >{told}; exit 3")))
    with pytest.raises(ConfigurationError, match="editor ended with status 3; nothing was written"):
        editor.edited("db", generate("token"))
    assert not Path(told.read_text().strip()).parent.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_killed_leaves_neither_the_file_nor_the_editor(tmp_path: Path, number: signal.Signals) -> None:
    told, value = tmp_path / "told", generate("token")
    hanging = program(tmp_path / "editor", f'echo "$$ $1" >{told}.new; mv {told}.new {told}; exec sleep 600')
    started = subprocess.Popen(
        [sys.executable, "-c", EDIT],
        stdin=subprocess.PIPE,
        cwd=REPOSITORY,
        env={**os.environ, "EDITOR": str(hanging)},
        start_new_session=True,
        preexec_fn=heeding,
    )
    assert started.stdin
    started.stdin.write(value.reveal().encode())
    started.stdin.close()
    assert wait(told.exists)
    pid, file = told.read_text().split()
    assert Path(file).read_text().strip() == value.reveal(), "the control: it is there while the editor runs"
    started.send_signal(number)
    started.wait(timeout=60)
    assert wait(lambda: not Path(file).parent.parent.exists())
    assert wait(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])


def test_what_is_left_by_a_power_that_kills_everything_goes_with_the_next_run_unsearched() -> None:
    place = rundir.memory_directories()[0] / f"{rundir.PREFIX}left-{os.getpid()}"
    (place / rundir.EDITED).mkdir(parents=True)
    (place / rundir.EDITED / "db").write_text(generate("token").reveal())
    with rundir.private() as directory:
        assert not place.exists()
        assert not list(directory.rglob("db"))


def test_what_other_runs_left_is_not_the_editors_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", str(program(tmp_path / "editor", "exit 0")))
    place = rundir.memory_directories()[0] / f"{rundir.PREFIX}left-{os.getpid()}"
    (place / "artifacts").mkdir(parents=True)
    editor.edited("db", generate("token"))
    assert place.exists()
    with rundir.private():
        assert not place.exists()


def test_ctrl_c_is_the_editors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    text = f"trap 'echo heard >{told}' INT; kill -INT $PPID; kill -INT $$; exit 0"
    monkeypatch.setenv("EDITOR", str(program(tmp_path / "editor", text)))
    before = signal.getsignal(signal.SIGINT)
    editor.edited("db", generate("token"))
    assert told.read_text() == "heard\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_the_editor_is_named_with_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    nano = program(tmp_path / "nano", f'printf "%s " "$@" >{told}')
    monkeypatch.setenv("EDITOR", f"{nano} --softwrap 'two words'")
    editor.edited("db", generate("token"))
    assert told.read_text().startswith("--ignorercfiles --softwrap two words /")


@pytest.mark.parametrize("name", ["vim", "vim.tiny", "vi"])
def test_vim_is_known_by_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    told = tmp_path / "told"
    program(tmp_path / "vim.basic", f'printf "%s " "$@" >{told}')
    if not (tmp_path / name).exists():
        (tmp_path / name).symlink_to(tmp_path / "vim.basic")
    monkeypatch.setenv("EDITOR", str(tmp_path / name))
    editor.edited("db", generate("token"))
    assert told.read_text().startswith("-n -i NONE -c ")


def test_an_editor_that_is_not_there_or_hands_the_file_on_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", str(tmp_path / "nothing"))
    with pytest.raises(ConfigurationError, match="there is no editor"):
        editor.edited("db", generate("token"))
    monkeypatch.setenv("EDITOR", f"{program(tmp_path / 'code', 'exit 0')} --wait")
    with pytest.raises(ConfigurationError, match="keeps copies of its own"):
        editor.edited("db", generate("token"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("a value\n", "a value"), ("a value\r\n", "a value"), (" a value ", " a value "), ("-----BEGIN X\n\n", "-----BEGIN X\n")],
)
def test_a_line_end_belongs_to_a_private_key_only(text: str, value: str) -> None:
    assert editor.typed(text).same_as(Secret(value))
