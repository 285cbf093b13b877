"""What a command prints is kept as it was printed, and the stream behind is not disturbed."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from mycoops.leaks import heard
from mycoops.leaks.heard import Heard, listen
from mycoops.secret import generate


def test_everything_is_handed_on_and_kept() -> None:
    behind, ear = io.StringIO(), Heard()
    stream = listen(behind, ear)
    print("one", "two", file=stream)
    stream.writelines(["three\n", "four"])
    assert behind.getvalue() == "one two\nthree\nfour"
    assert ear.data().startswith(b"one two\nthree\nfour")
    assert stream.isatty() is False


def test_a_value_that_a_table_broke_over_lines_is_whole() -> None:
    ear, value = Heard(), generate("token").reveal()
    table = Table("said", box=None)
    table.add_row(value)
    table.columns[0].overflow = "fold"
    Console(file=listen(io.StringIO(), ear), width=20).print(table)
    assert value.encode() in ear.data()
    ear.begin()
    assert value.encode() not in ear.data()


def test_bytes_that_a_stream_refuses_are_not_kept() -> None:
    """A library asks a stream in this way whether it takes bytes."""
    ear = Heard()
    with pytest.raises(TypeError):
        listen(io.StringIO(), ear).write(b"")  # type: ignore[arg-type]
    assert ear.data() == b"\n"


def test_of_too_much_the_end_is_kept_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "LIMIT", 10)
    ear = Heard()
    for part in ("aaaaaa", "bbbbbb", "cccc"):
        ear.take(part)
    assert ear.data().startswith(b"bbbbbbcccc")
    assert ear.lost
