"""A file is complete-old or complete-new after a crash at any system call, and never readable by others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mycoops import durable
from mycoops.errors import Exit, NotWritten
from tests.unit.disk import FAULTS, Disk

REPOSITORY = Path(__file__).resolve().parents[2]


class Cut(BaseException):
    """The machine stops here."""


def test_a_file_is_replaced_with_a_narrow_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    durable.replace(path, b"one")
    path.chmod(0o666)
    durable.replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    durable.replace(path, b"three", 0o644)
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["os.fsync", "os.fchmod", "pathlib.Path.replace", "mycoops.durable.sync_directory"])
def test_a_cut_at_any_call_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    path = tmp_path / "file"
    durable.replace(path, b"old")
    module, _, name = call.rpartition(".")
    owner = {"os": os, "pathlib.Path": Path, "mycoops.durable": durable}[module]
    real = getattr(owner, name)

    def cut(*arguments: Any, **named: Any) -> Any:
        if after:
            real(*arguments, **named)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, cut)
        with pytest.raises(Cut):
            durable.replace(path, b"new")
    assert path.read_bytes() in (b"old", b"new")
    durable.replace(path, b"newer")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_bytes_and_name_are_synced_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink())))
    durable.replace(tmp_path / "file", b"x")
    assert len(synced) == 2
    assert synced[0].startswith(f"{tmp_path}/.file.")
    assert synced[1] == str(tmp_path)
    synced.clear()
    durable.append(tmp_path / "log", b"x\n")
    durable.append(tmp_path / "log", b"y\n")
    assert synced == [str(tmp_path / "log"), str(tmp_path), str(tmp_path / "log")]
    synced.clear()
    durable.remove(tmp_path / "log")
    assert synced == [str(tmp_path)]


@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("how", ["once", "lasting", "short"])
def test_a_fault_of_the_disk_anywhere_leaves_the_old_file_or_the_new_and_is_told(tmp_path: Path, number: int, how: str) -> None:
    path = tmp_path / "file"
    for skip in range(20):
        durable.replace(path, b"old")
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, skip, number, lasting=how == "lasting", short=how == "short")
            error = caught(lambda: durable.replace(path, b"a new one"))
        assert path.read_bytes() in (b"old", b"a new one")
        if error is None:
            assert disk.calls <= skip >= 6
            break
        assert error.message == f"{path} cannot be written: {FAULTS[number]}"
        assert error.hint.startswith(durable.HINTS[number])
        assert error.exit_status == Exit.CONFIGURATION
        durable.replace(path, b"newer")
        assert lone(tmp_path) == ["file"]


def caught(write: Callable[[], None]) -> NotWritten | None:
    """What a write that failed said."""
    try:
        write()
    except NotWritten as error:
        return error
    return None


def lone(directory: Path) -> list[str]:
    """What is there, but for what a writer leaves whose clean-up fails too; the next one of another process removes it."""
    return sorted(entry.name for entry in directory.iterdir() if not durable.RESIDUE.fullmatch(entry.name))


@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("how", ["once", "lasting", "short"])
@pytest.mark.parametrize("new", [True, False])
def test_a_line_is_appended_or_the_file_is_as_it_was(tmp_path: Path, number: int, how: str, new: bool) -> None:
    for skip in range(20):
        path = tmp_path / str(skip)
        if not new:
            path.write_bytes(b"first\n")
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, skip, number, lasting=how == "lasting", short=how == "short")
            error = caught(lambda path=path: durable.append(path, b"second\n"))
        if error is None:
            assert disk.calls <= skip >= 3
            return
        assert error.message == f"{path} cannot be written: {FAULTS[number]}"
        found = path.read_bytes() if path.exists() else b""
        whole = b"" if new else b"first\n"
        assert found == whole or (how == "lasting" and (whole + b"second\n").startswith(found)), (skip, found)
        assert how == "lasting" or path.exists() is not new


def test_what_a_killed_writer_left_goes_with_the_next_write_of_another(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from mycoops import durable\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "durable.replace(Path(sys.argv[1]), b'x' * 99)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "one")], cwd=REPOSITORY, check=False)
    assert died.returncode == -9
    (left,) = tmp_path.iterdir()
    assert durable.RESIDUE.fullmatch(left.name)
    mine = tmp_path / f".one.{os.getpid()}-abc.new"
    mine.touch()
    (tmp_path / ".notes.new").touch()
    durable.replace(tmp_path / "two", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine.name, ".notes.new", "two"])


def test_a_limit_on_the_size_of_files_is_told_and_leaves_whole_files(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from mycoops import durable, errors\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); place = Path(sys.argv[1])\n"
        "for number in range(9):\n"
        "    for write in (durable.append, durable.replace):\n"
        "        try:\n            write(place / write.__name__, bytes([97 + number]) * (30 + number) + b'\\n')\n"
        "        except errors.NotWritten as error:\n            print(error.message, error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert "append cannot be written: File too large (EFBIG) Raise the limit" in done.stdout
    assert [len(line) for line in (tmp_path / "append").read_text().splitlines()] == [30, 31, 32]
    assert (tmp_path / "replace").read_text() == "i" * 38 + "\n"


def test_lines_are_appended_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    durable.append(tmp_path / "deep" / "log", b"a long line\n")
    durable.append(tmp_path / "deep" / "log", b"another\n")
    assert (tmp_path / "deep" / "log").read_bytes() == b"a long line\nanother\n"
    assert (tmp_path / "deep" / "log").stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_is_removed_in_peace(tmp_path: Path) -> None:
    durable.remove(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
