"""A run's directory is private and ends with it; what a killed run left lies in the next one's, without its password."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from mycoops import rundir
from mycoops.errors import ConfigurationError


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(rundir, "memory_directories", lambda: [tmp_path])
    return tmp_path


def left(memory: Path) -> Path:
    """What a killed run leaves."""
    path = memory / f"{rundir.PREFIX}killed"
    (path / "run001" / "artifacts").mkdir(parents=True)
    (path / "run001" / "artifacts" / "stdout").write_text("said")
    (path / rundir.PASSWORD).write_text("the password")
    return path


def test_it_is_private_and_gone_afterwards(memory: Path) -> None:
    with rundir.private() as path:
        assert path.stat().st_mode & 0o777 == 0o700
        assert path.parent == memory
    assert list(memory.iterdir()) == []


def test_what_a_killed_run_left_can_be_searched_until_the_end(memory: Path) -> None:
    left(memory)
    with rundir.private() as path:
        assert list(memory.iterdir()) == [path]
        (adopted,) = path.iterdir()
        assert adopted.name == f"{rundir.LEFT}{rundir.PREFIX}killed"
        assert (adopted / "run001" / "artifacts" / "stdout").read_text() == "said"
        assert not (adopted / rundir.PASSWORD).exists()
    assert list(memory.iterdir()) == []


def test_where_memory_is_short_it_is_not_kept(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left(memory)
    monkeypatch.setattr(rundir, "ENOUGH", 1 << 60)
    with rundir.private() as path:
        assert list(path.iterdir()) == []
        assert list(memory.iterdir()) == [path]


def test_what_a_living_run_holds_is_left_alone(memory: Path) -> None:
    path = left(memory)
    held = os.open(path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with rundir.private():
            assert (path / rundir.PASSWORD).exists()
        assert path.exists()
    finally:
        os.close(held)


def test_a_link_is_not_taken_for_a_directory(memory: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (memory / f"{rundir.PREFIX}link").symlink_to(outside)
    with rundir.private():
        pass
    assert outside.exists()
    assert (memory / f"{rundir.PREFIX}link").is_symlink()


def test_without_memory_there_is_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rundir, "memory_directories", lambda: [])
    with pytest.raises(ConfigurationError, match="no writable tmpfs"), rundir.private():
        pass
