"""A file is complete-old or complete-new after a crash at any system call, and never readable by others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mycoops import durable


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


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.replace(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            durable.replace(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


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
