"""A journal is what was written, as far as it was written: every change to it is found, and a cut-off end is not one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycoops.errors import JournalError, NotWritten
from mycoops.journal import Journal, paths, read

KEY = b"k" * 32


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A journal of four records."""
    journal = Journal(tmp_path / "run.jsonl", KEY)
    for number in range(4):
        journal.write("state", credential="dä", state=f"S{number}")
    return journal.path


def test_records_are_numbered_timed_and_read_back(written: Path) -> None:
    records, verdict = read(written, KEY)
    assert (verdict.state, verdict.records, verdict.line) == ("intact", 4, 0)
    assert [(record["seq"], record["event"], record["state"]) for record in records] == [
        (n + 1, "state", f"S{n}") for n in range(4)
    ]
    assert all(record["time"].endswith("Z") for record in records)
    assert Journal(written, KEY).records == records


def test_the_chain_goes_on_after_reopening(written: Path) -> None:
    assert Journal(written, KEY).write("resumed", token=2)["seq"] == 5
    assert read(written, KEY)[1].state == "intact"


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_an_edited_record_is_found_at_its_line(written: Path, line: int) -> None:
    lines = written.read_text().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace('"state": "S', '"state": "T')
    written.write_text("".join(lines))
    _, verdict = read(written, KEY)
    assert (verdict.state, verdict.line, verdict.records) == ("tampered", line, line - 1)
    with pytest.raises(JournalError, match=rf"run\.jsonl:{line}: this record was changed"):
        Journal(written, KEY)


@pytest.mark.parametrize("change", ["removed", "swapped", "doubled", "first removed"])
def test_a_changed_order_is_found(written: Path, change: str) -> None:
    one, two, three, four = written.read_text().splitlines(keepends=True)
    orders = {
        "removed": [one, three, four],
        "swapped": [one, three, two, four],
        "doubled": [one, two, two, three, four],
        "first removed": [two, three, four],
    }
    written.write_text("".join(orders[change]))
    assert read(written, KEY)[1].state == "tampered"


@pytest.mark.parametrize(
    "change", [(b'": ', b'":\r'), (b'{"seq": 1, ', b'{"seq": 1, "event": "other", ')], ids=["white space", "twice"]
)
def test_a_line_that_only_reads_like_what_was_written_is_a_change(written: Path, change: tuple[bytes, bytes]) -> None:
    written.write_bytes(written.read_bytes().replace(*change, 1))
    _, verdict = read(written, KEY)
    assert (verdict.state, verdict.line) == ("tampered", 1)


def test_another_key_is_not_this_journals(written: Path) -> None:
    _, verdict = read(written, b"x" * 32)
    assert (verdict.state, verdict.line, verdict.records) == ("foreign", 1, 0)
    with pytest.raises(JournalError, match="written under another install key"):
        Journal(written, b"x" * 32)


def test_a_journal_that_was_made_to_look_like_another_keys_is_still_ours(written: Path) -> None:
    told = read(written, KEY)[0][0]["key"]
    for name in ("0" * 16, "another", "ä"):
        written.write_bytes(written.read_bytes().replace(told.encode(), name.encode(), 1))
        assert read(written, KEY)[1].state == "tampered"
        told = name


def test_a_first_record_that_names_no_key_is_a_changed_one(written: Path) -> None:
    content = written.read_bytes()
    written.write_bytes(content.replace(b'"key": ', b'"kez": ', 1))
    assert read(written, KEY)[1].state == "tampered"
    assert read(written, b"x" * 32)[1].state == "tampered"


def test_the_name_of_a_key_does_not_tell_the_key(written: Path) -> None:
    first, second = read(written, KEY)[0][:2]
    assert "key" not in second
    assert len(first["key"]) == 16
    assert KEY.decode() not in written.read_text()


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a journal of three records."""
    journal = Journal(tmp_path_factory.mktemp("journal") / "run.jsonl", KEY)
    for number in range(3):
        journal.write("fact", number=number)
    return journal.path.read_bytes()


@given(position=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
@settings(max_examples=150, deadline=None)
def test_any_changed_byte_is_found(raw: bytes, tmp_path_factory: pytest.TempPathFactory, position: int, flip: int) -> None:
    content = bytearray(raw)
    content[position % len(content)] ^= flip
    path = tmp_path_factory.getbasetemp() / "flipped.jsonl"
    path.write_bytes(bytes(content))
    _, verdict = read(path, KEY)
    assert verdict.state in ("tampered", "torn")
    assert verdict.state == "tampered" or verdict.line == 3, "only the last line can look cut off"


def test_a_cut_at_every_byte_loses_the_last_record_only(written: Path) -> None:
    whole = written.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    for length in range(len(whole) + 1):
        written.write_bytes(whole[:length])
        _, verdict = read(written, KEY)
        complete = sum(1 for end in ends if end <= length)
        assert verdict.records == complete
        assert verdict.state == ("intact" if length in (0, *ends) else "torn")


def test_a_cut_off_record_is_removed_and_written_over(written: Path) -> None:
    written.write_bytes(written.read_bytes()[:-20])
    journal = Journal(written, KEY)
    assert len(journal.records) == 3
    journal.write("resumed")
    records, verdict = read(written, KEY)
    assert verdict.state == "intact"
    assert [record["event"] for record in records] == ["state", "state", "state", "resumed"]


def test_a_journal_of_nothing_but_a_cut_off_record_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"seq": 1')
    Journal(path, KEY).write("opened")
    records, verdict = read(path, KEY)
    assert (verdict.state, [record["seq"] for record in records]) == ("intact", [1])


@pytest.mark.parametrize("way_back", [True, False])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_after_a_record_that_could_not_be_written_nothing_is(
    written: Path, monkeypatch: pytest.MonkeyPatch, call: str, way_back: bool
) -> None:
    """What came after it would not be chained to what is there, and the journal would read as tampered with."""
    before, real = written.read_bytes(), os.write

    def full(descriptor: int, data: bytes = b"") -> int:
        real(descriptor, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def stuck(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal(written, KEY)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        if not way_back:
            patch.setattr(os, "ftruncate", stuck)
        with pytest.raises(NotWritten, match=r"run\.jsonl cannot be written: No space left") as first:
            journal.write("state", state="S4")
    with pytest.raises(NotWritten) as second:
        journal.write("state", state="S5")
    assert second.value is first.value
    assert len(journal.records) == 4
    assert written.read_bytes().startswith(before)
    assert (written.read_bytes() == before) is way_back
    Journal(written, KEY).write("resumed")
    records, verdict = read(written, KEY)
    assert verdict.state == "intact"
    kept = 5 if (call, way_back) == ("fsync", False) else 4
    assert [record["event"] for record in records] == ["state"] * kept + ["resumed"]


def test_journals_are_listed_oldest_first(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "note.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in paths(tmp_path)] == ["a.jsonl", "b.jsonl"]
    assert list(paths(tmp_path / "none")) == []
