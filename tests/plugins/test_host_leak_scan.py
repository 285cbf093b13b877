"""The search of a host finds every form of a value in every place it looks at, names that and nothing else, and stays in bounds."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pwd
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import leak_scan
import mycoops_haystack as haystack
import mycoops_journald as journald
import pytest
from fake_host import fresh
from mycoops_haystack import Haystack, Limits
from mycoops_needles import Needles

from mycoops.leaks.needles import texts

HOME = pwd.getpwuid(0).pw_dir
PLACES = (
    "/tmp/left",
    "/tmp/deep/er/left",
    "/tmp/systemd-private-x/tmp/left",
    "/var/tmp/left",
    f"{HOME}/.ansible/tmp/ansible-tmp-1/source",
    f"{HOME}/.ansible_async/j1.1",
    "/var/log/syslog",
    "/var/log/postgresql/postgresql-15-main.log",
    "/var/log/redis/redis-server.log",
)
JOURNALCTL = """#!/usr/bin/python3
import pathlib, sys
if "--sync" not in sys.argv:
    sys.stdout.buffer.write(pathlib.Path(__file__).with_name("export").read_bytes())
    pathlib.Path(__file__).with_name("asked").write_text(" ".join(sys.argv[1:]))
    sys.exit(int(pathlib.Path(__file__).with_name("status").read_text()))
"""


class Scanned:
    """A host in a directory, with a journal, and one value that is searched for."""

    def __init__(self, root: Path) -> None:
        self.root, self.value, self.bin = root, fresh(), root / "bin"
        self.bin.mkdir()
        (self.bin / "journalctl").write_text(JOURNALCTL)
        (self.bin / "journalctl").chmod(0o755)
        self.journal(b"")

    def journal(self, export: bytes, status: int = 0) -> None:
        (self.bin / "export").write_bytes(export)
        (self.bin / "status").write_text(str(status))

    def put(self, path: str, content: bytes, age: float = 0) -> Path:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        if age:
            os.utime(place, (time.time() - age, time.time() - age))
        return place

    def scan(self, *values: str, **more: Any) -> dict[str, Any]:
        needles = [
            {"credential": f"c{number}", "generation": 2, "forms": sorted(texts(value))}
            for number, value in enumerate(values or (self.value,))
        ]
        told = leak_scan.run({"needles": needles, "seconds": 60, "root": str(self.root), **more})
        assert not [value for value in (self.value, *values) if value in json.dumps(told)]
        return told

    def places(self, *values: str, **more: Any) -> list[str]:
        return sorted(one["place"] for one in self.scan(*values, **more)["found"])


@pytest.fixture
def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scanned:
    made = Scanned(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    return made


def every_form(value: str) -> list[bytes]:
    return [text.encode() for text in sorted(texts(value))]


@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_found_and_named_wherever_a_host_keeps_files(scanned: Scanned, place: str) -> None:
    scanned.put(place, b"before " + scanned.value.encode() + b" after\n")
    assert scanned.places() == [place]
    assert scanned.places(fresh()) == []


def test_every_form_is_found_and_no_other_value(scanned: Scanned) -> None:
    awkward = f"p'a s\"s\\w$ä {fresh()}"
    for value in (scanned.value, awkward):
        planted = [scanned.put(f"/tmp/{number:03d}", b"x" * (number % 9) + form) for number, form in enumerate(every_form(value))]
        assert scanned.places(value) == [f"/tmp/{path.name}" for path in planted]
        assert scanned.places(fresh()) == []


def test_it_says_whose_value_it_was(scanned: Scanned) -> None:
    other = fresh()
    scanned.put("/tmp/a", scanned.value.encode())
    scanned.put("/tmp/b", other.encode())
    found = scanned.scan(scanned.value, other)["found"]
    assert {(one["credential"], one["place"]) for one in found} == {("c0", "/tmp/a"), ("c1", "/tmp/b")}


def test_what_has_to_hold_a_value_is_left_out(scanned: Scanned) -> None:
    path = str(scanned.put("/tmp/service/.env", scanned.value.encode()))
    assert scanned.places(excluded=[path]) == []
    assert scanned.places() == ["/tmp/service/.env"]


@pytest.mark.parametrize(("suffix", "pack"), [(".1.gz", gzip.compress), (".1.xz", lzma.compress), (".1.bz2", bz2.compress)])
def test_a_log_that_was_packed_within_the_run_is_unpacked(scanned: Scanned, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    scanned.put(f"/var/log/app.log{suffix}", pack(scanned.value.encode() * 3))
    assert scanned.places() == [f"/var/log/app.log{suffix}"]
    scanned.put(f"/var/log/app.log{suffix}", b"not packed at all")
    assert scanned.scan()["skipped"] == [f"/var/log/app.log{suffix}: it does not unpack"]


def test_a_log_that_has_not_changed_since_the_run_began_is_another_ones(scanned: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned.put("/var/log/old.log", scanned.value.encode())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert scanned.places() == []
    assert scanned.places(seconds=4000) == ["/var/log/old.log"]
    scanned.put("/tmp/old", scanned.value.encode())
    assert scanned.places() == ["/tmp/old"]


def test_a_value_in_the_name_of_a_file_is_found_and_not_told(scanned: Scanned) -> None:
    long = "d" * (haystack.NAME_LENGTH - 20)
    scanned.put(f"/tmp/{long[:250]}/{scanned.value}.d/x/y", scanned.value.encode())
    assert scanned.places() == [f"/tmp/{long[:250]} …", f"the name of /tmp/{long[:250]} …"]
    assert scanned.value[:12] not in json.dumps(scanned.scan())


def test_a_unit_that_is_called_like_a_value_is_not_told(scanned: Scanned) -> None:
    scanned.journal(entry(scanned.value.encode(), _COMM=scanned.value))
    assert scanned.places() == ["journald: …"]


# the journal


def entry(message: bytes, **fields: str) -> bytes:
    """One entry of an export; a message of several lines is written with its length, as journald does."""
    lines = b"".join(f"{name}={value}\n".encode() for name, value in fields.items())
    if b"\n" in message:
        return lines + b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n\n"
    return lines + b"MESSAGE=" + message + b"\n\n"


def test_an_entry_of_the_journal_is_found_and_its_unit_is_named(scanned: Scanned) -> None:
    value = scanned.value.encode()
    scanned.journal(
        entry(b"nothing", _SYSTEMD_UNIT="quiet.service")
        + entry(b"started with " + value, _SYSTEMD_UNIT="loud.service", _COMM="loud")
        + entry(b"a trace\n  password=" + value + b"\n\nmore", SYSLOG_IDENTIFIER="cron")
        + entry(b"nothing", _COMMAND=scanned.value, _COMM="sudo")
    )
    assert scanned.places() == ["journald: cron", "journald: loud.service", "journald: sudo"]
    assert scanned.places(fresh()) == []
    assert "--since=@" in (scanned.bin / "asked").read_text()


def test_a_journal_that_does_not_answer_is_told(scanned: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned.journal(b"", status=1)
    assert scanned.scan()["skipped"] == ["journald: journalctl ended with status 1"]
    monkeypatch.setenv("PATH", str(scanned.root / "nothing"))
    assert scanned.scan()["skipped"] == ["journald: there is no journalctl"]


def test_a_journal_beyond_all_bounds_is_read_in_part_and_that_is_told(scanned: Scanned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journald, "LIMIT", 4096)
    scanned.journal(entry(scanned.value.encode(), _COMM="early") + entry(b"x" * 100_000, _COMM="late"))
    told = scanned.scan()
    assert [one["place"] for one in told["found"]] == ["journald: early"]
    assert told["skipped"][0].startswith("journald: all but the first")


def test_the_real_journal_is_understood_where_there_is_one() -> None:
    done = subprocess.run(["journalctl", "-n", "1", "-o", "export"], capture_output=True, check=False)
    if done.returncode == 0 and done.stdout:
        assert len(list(journald.entries(done.stdout))) == 1
    assert list(journald.entries(b"")) == []


# processes


@pytest.fixture
def running(scanned: Scanned) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sh", "-c", "sleep 60; :", "--", f"--password={scanned.value}"])
    while scanned.value.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.002)
    yield process
    process.kill()
    process.wait()


def test_a_value_in_the_arguments_of_a_process_is_found(scanned: Scanned, running: subprocess.Popen[bytes]) -> None:
    assert scanned.places() == [f"the arguments of sh (process {running.pid})"]
    assert scanned.places(fresh()) == []


# bounds


def stack(value: str, **limits: int) -> Haystack:
    return Haystack(Needles({("c", 1): every_form(value)}), (), Limits(**limits))


def test_of_a_long_file_its_end_is_searched_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    value = fresh()
    (tmp_path / "end").write_bytes(b"x" * 5000 + value.encode())
    (tmp_path / "begin").write_bytes(value.encode() + b"x" * 5000)
    hay = stack(value, each=1000)
    hay.tree(str(tmp_path), show="/d")
    assert [place for _, place in hay.found] == ["/d/end"]
    assert sorted(hay.skipped) == ["/d/begin: all but its last 0 MB", "/d/end: all but its last 0 MB"]


def test_a_file_that_is_nearly_all_holes_is_searched_whole(tmp_path: Path) -> None:
    value = fresh()
    with (tmp_path / "lastlog").open("wb") as stream:
        stream.write(value.encode())
        stream.truncate(64 << 20)
    hay = stack(value)
    hay.tree(str(tmp_path), show="/d")
    assert ([place for _, place in hay.found], hay.skipped) == (["/d/lastlog"], [])


def test_beyond_the_bounds_the_newest_files_are_searched_and_the_rest_is_said(tmp_path: Path) -> None:
    value = fresh()
    for name in ("old", "new"):
        (tmp_path / name).write_bytes(value.encode() + b"x" * 900)
        time.sleep(0.02)
    hay = stack(value, each=1000, total=900)
    hay.tree(str(tmp_path), show="/d")
    assert [place for _, place in hay.found] == ["/d/new"]
    assert hay.skipped == ["/d: long files that have not changed, and all beyond 0 MB"]


def test_names_are_bounded_and_the_nearest_come_first(tmp_path: Path) -> None:
    value = fresh()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    for number in range(20):
        (deep / str(number)).write_bytes(value.encode())
    (tmp_path / "near").write_bytes(value.encode())
    hay = stack(value, names=4)
    hay.tree(str(tmp_path), show="/d")
    assert "/d/near" in [place for _, place in hay.found]
    assert "/d: all but 4 names of it" in hay.skipped


def test_no_link_is_followed_and_nothing_but_a_plain_file_is_opened(tmp_path: Path) -> None:
    value = fresh()
    outside = tmp_path / "outside"
    outside.write_bytes(value.encode())
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "folder").symlink_to(tmp_path)
    os.mkfifo(inside / "fifo")
    hay = stack(value)
    hay.tree(str(inside))
    assert not hay.file(str(inside / "link"))
    assert hay.file(str(inside / "fifo"))
    assert hay.file(str(inside / "gone"))
    assert hay.found == {}


def test_a_name_is_told_on_one_line() -> None:
    assert haystack.shown(b"a\nb\x1b[31m\xff") == "a?b?[31m\\xff"
    assert len(haystack.shown("x" * 1000)) == haystack.NAME_LENGTH


# the search itself


@pytest.mark.parametrize("length", [8, 14, 15, 16, 43, 300])
def test_a_text_is_found_at_every_offset_and_to_the_last_byte(length: int) -> None:
    text, other = os.urandom(length), os.urandom(length)
    needles = Needles({("a", 1): [text], ("b", 2): [other]})
    for lead in range(20):
        for rest in range(20):
            assert needles.labels(b"." * lead + text + b"." * rest) == [("a", 1)]
            assert needles.labels(b"." * lead + text[:-1] + b"." * rest) == []
    assert needles.labels(other + text) == [("a", 1), ("b", 2)]
    assert needles.labels(b"") == []


def test_nothing_to_search_for_finds_nothing() -> None:
    assert Needles({}).labels(os.urandom(100)) == []
