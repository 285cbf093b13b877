"""One writer per fleet: a lock that dies with its process, and a token that only grows."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mycoops import lease
from mycoops.errors import ConfigurationError, Exit, Locked, NotWritten

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_token_grows_with_every_run(tmp_path: Path) -> None:
    seen = []
    for _ in range(3):
        with lease.hold(tmp_path / "state", "rotate") as token:
            seen.append(token)
    assert seen == [1, 2, 3]


def test_a_second_run_is_told_who_and_since_when(tmp_path: Path) -> None:
    with lease.hold(tmp_path, "rotate"), pytest.raises(Locked) as caught, lease.hold(tmp_path, "deploy"):
        pass
    assert f"(process {os.getpid()}), `mycoops rotate`, since " in caught.value.message
    assert caught.value.exit_status == Exit.LOCKED
    with lease.hold(tmp_path, "deploy") as token:
        assert token == 2, "the refused run took no token"


def test_who_is_under_way_is_told_without_being_disturbed(tmp_path: Path) -> None:
    assert lease.under_way(tmp_path, ["rotate"]) == ""
    with lease.hold(tmp_path, "rotate"):
        assert f"(process {os.getpid()})" in lease.under_way(tmp_path, ["rotate", "abort"])
        assert lease.under_way(tmp_path, ["abort"]) == ""
        assert f"(process {os.getpid()})" in lease.under_way(tmp_path)
    assert lease.under_way(tmp_path, ["rotate"]) == ""


def test_a_look_at_who_is_under_way_keeps_nobody_from_beginning(tmp_path: Path) -> None:
    with lease.hold(tmp_path, "rotate"):
        pass
    descriptor = os.open(tmp_path / "lease.lock", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    with pytest.raises(Locked), lease.hold(tmp_path, "rotate"):
        pass
    looking = threading.Timer(lease.PAUSE_SECONDS, os.close, [descriptor])
    looking.start()
    with lease.hold(tmp_path, "rotate") as token:
        assert token == 2
    looking.join()


def test_the_latest_token_is_told_without_taking_one(tmp_path: Path) -> None:
    assert lease.latest(tmp_path) == 0
    with lease.hold(tmp_path, "rotate"):
        assert [lease.latest(tmp_path) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("left", [None, "-5", "1", "", "many"])
def test_no_token_is_given_a_second_time(tmp_path: Path, left: str | None) -> None:
    for _ in range(3):
        with lease.hold(tmp_path, "rotate"):
            pass
    path = tmp_path / "lease.token"
    path.unlink()
    if left is not None:
        path.write_text(left)
        with pytest.raises(ConfigurationError, match="does not hold the number of the last lease"), lease.hold(tmp_path, "rotate"):
            pass
        path.unlink()
    with lease.hold(tmp_path, "rotate") as token:
        assert token == 4


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mycoops import lease\n"
        "with lease.hold(Path(sys.argv[1]), 'rotate'):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Locked, match=f"process {holder.pid}"), lease.hold(tmp_path, "deploy"):
        pass
    holder.kill()
    holder.communicate()
    with lease.hold(tmp_path, "deploy") as token:
        assert token == 2


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lease.hold(tmp_path, "rotate"):
        raise ZeroDivisionError
    with lease.hold(tmp_path, "rotate") as token:
        assert token == 2


def test_a_holder_that_left_no_note_is_still_a_holder(tmp_path: Path) -> None:
    with lease.hold(tmp_path, "rotate"):
        (tmp_path / "lease.json").write_text("{")
        with pytest.raises(Locked, match="it does not say who"), lease.hold(tmp_path, "deploy"):
            pass


def test_a_number_that_is_none_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "lease.token").write_text("")
    with (
        pytest.raises(ConfigurationError, match=r"lease\.token does not hold the number") as caught,
        lease.hold(tmp_path, "rotate"),
    ):
        pass
    assert "`token`" in caught.value.hint
    (tmp_path / "lease.token").write_text("7")
    with lease.hold(tmp_path, "rotate") as token:
        assert token == 8


@pytest.mark.parametrize("name", ["lease.token", "lease.json"])
def test_a_state_that_cannot_be_written_is_named_and_the_lock_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = Path.replace

    def full(path: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(NotWritten, match=f"{name} cannot be written: No space left"), lease.hold(tmp_path, "rotate"):
            pass
    with lease.hold(tmp_path, "rotate") as token:
        assert token in (1, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lease.json", "lease.lock", "lease.token"]


def test_the_state_is_private(tmp_path: Path) -> None:
    with lease.hold(tmp_path / "state", "rotate"):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()} == {0o600}
        assert json.loads((tmp_path / "state" / "lease.json").read_text())["token"] == 1
