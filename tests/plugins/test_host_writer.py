"""After any fault the file is the old one or the new one, and nobody else could read it meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mycoops_writer as writer
import pytest
from mycoops_reply import Refusal

PRIVATE = writer.Owner(os.geteuid(), os.getegid(), 0o600)
CALLS = ("open", "write", "fchown", "fchmod", "fsync", "replace", "close", "unlink")


class Killed(BaseException):
    """The process dies here."""


class Faults:
    """Counts the system calls of the writer and fails the chosen one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, fault: Callable[[], BaseException], after: bool) -> None:
        self.count, self.at, self.fault, self.after, self.dead = 0, at, fault, after, False
        for name in CALLS:
            monkeypatch.setattr(writer.os, name, self.wrap(getattr(os, name)))

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise Killed
            self.count += 1
            hit = self.count == self.at
            result = None if hit and not self.after else call(*args, **kwargs)
            if hit:
                error = self.fault()
                self.dead = isinstance(error, Killed)
                raise error
            return result

        return wrapped


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fault", [Killed, lambda: OSError(errno.ENOSPC, "x"), lambda: OSError(errno.EIO, "x")])
def test_no_fault_leaves_a_part_of_a_file(tmp_path: Path, fault: Callable[[], BaseException], after: bool) -> None:
    for at in range(1, 40):
        path = tmp_path / f"{at}.env"
        path.write_bytes(b"old")
        path.chmod(0o600)
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, at, fault, after)
            with contextlib.suppress(Refusal, Killed, OSError):
                writer.write(str(path), b"new" * 1000, PRIVATE)
        assert path.read_bytes() in (b"old", b"new" * 1000)
        writer.write(str(path), b"next", PRIVATE)
        assert [one.name for one in tmp_path.glob(f".{at}.env*")] == []
        if faults.count < at:
            assert at > 8
            return
    pytest.fail("the writer makes more calls than the test follows")


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(writer.os, "write", lambda descriptor, raw: real(descriptor, bytes(raw)[:3]))
    writer.write(str(tmp_path / "a.env"), b"0123456789", PRIVATE)
    assert (tmp_path / "a.env").read_bytes() == b"0123456789"


def test_the_new_file_is_never_wider_than_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = os.write
    monkeypatch.setattr(writer.os, "write", lambda fd, raw: seen.append(os.fstat(fd).st_mode & 0o777) or real(fd, raw))
    old = os.umask(0)
    try:
        writer.write(str(tmp_path / "a.env"), b"x", writer.Owner(os.geteuid(), os.getegid(), 0o640))
    finally:
        os.umask(old)
    assert seen == [0o600]
    assert (tmp_path / "a.env").stat().st_mode & 0o777 == 0o640


def test_links_and_shared_directories_are_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    (tmp_path / "fifo").mkdir()
    for place, code in (
        ("link", "unsafe_path"),
        ("fifo", "unsafe_path"),
        ("shared/a.env", "unsafe_directory"),
        ("nowhere/a.env", "missing_directory"),
    ):
        with pytest.raises(Refusal, match=code):
            writer.read(str(tmp_path / place))


def test_owner_keeps_what_is_not_given() -> None:
    now = writer.Owner(7, 8, 0o644)
    assert writer.owner("/a", None, None, "0640", now) == (7, 8, 0o640)
    assert writer.owner("/a", "root", "root", "0600", None) == (0, 0, 0o600)
    for mode in ("0644", "0660", "4600"):
        with pytest.raises(Refusal, match="unsafe_mode"):
            writer.owner("/a", None, None, mode, now)
    with pytest.raises(Refusal, match="unknown_owner"):
        writer.owner("/a", "no-such-user", None, "0600", now)


def test_a_look_reads_where_a_delivery_would_refuse_but_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_bytes(b"A=1\n")
    (tmp_path / "link").symlink_to(tmp_path / "a.env")
    tmp_path.chmod(0o777)
    assert writer.read(str(tmp_path / "a.env"), anywhere=True).raw == b"A=1\n"
    assert writer.shared(tmp_path.stat())
    with pytest.raises(Refusal, match="unsafe_path"):
        writer.read(str(tmp_path / "link"), anywhere=True)
    tmp_path.chmod(0o755)
    assert not writer.shared(tmp_path.stat())
