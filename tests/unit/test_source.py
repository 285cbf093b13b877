"""Whatever is wrong with a YAML file: the file, the line, the fix, and nothing of its content that may be a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from mycoops import source
from mycoops.errors import Exit, Invalid
from mycoops.secret import generate
from mycoops.source import Mistake, Source

BROKEN: dict[str, tuple[bytes, int, str]] = {
    "a tab": (b"a: 1\nb:\n\tc: 2\n", 3, "cannot start any token"),
    "an open bracket": (b"a: 1\nb: [1, 2\nc: 3\n", 3, "not YAML"),
    "two colons": (b"a: 1\nb: c: d\n", 2, "mapping values are not allowed here"),
    "two documents": (b"a: 1\n---\nb: 1\n", 2, "not YAML"),
    "an unknown tag": (b"a: 1\nb: !vault x\n", 2, "not YAML"),
    "an unknown alias": (b"a: 1\nb: *x\n", 2, "not YAML"),
    "a control character": (b"a: 1\nb: \x07\n", 2, "a control character"),
    "not UTF-8": (b"a: 1\nb: 1\nc: \xff\n", 3, "not UTF-8 text"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "not UTF-8 text"),
    "ours": (b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n", 2, "an unresolved merge conflict"),
    "half a conflict": (b"a: 1\n>>>>>>> theirs\n", 2, "an unresolved merge conflict"),
    "a key twice": (b"a: 1\nb:\n  c: 1\n  c: 2\n", 4, "c stands here for the second time. Keep one; see line 3"),
    "a key twice in one line": (b"a: {b: 1, b: 2}\n", 1, "b stands here for the second time"),
    "a list as a key": (b"a: 1\n? [1]\n: 2\n", 2, "not YAML"),
    "a circle": (b"a: 1\nb: &x\n  c: *x\n", 2, "an alias that contains itself"),
    "no such date": (b"a: 2031-02-31\n", 1, "a date or number that does not exist"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    raw, line, problem = BROKEN[name]
    path = tmp_path / "x.yml"
    path.write_bytes(raw)
    with pytest.raises(Invalid) as caught:
        source.read(path)
    assert caught.value.exit_status == Exit.CONFIGURATION
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert problem in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert all(finding.fix for finding in caught.value.findings)


@pytest.mark.parametrize(
    "text", ["a: *{}", "a: !{} x", "a: !!{} x", "a: '{}", 'a: "\\q{}"', "a: {{ {}", "a: b: {}", "%YAML {}\n--- a", "a: @{}"]
)
def test_nothing_of_the_content_is_told(tmp_path: Path, text: str) -> None:
    value = generate("token").reveal()
    path = tmp_path / "x.yml"
    path.write_text(text.format(value))
    with pytest.raises(Invalid) as caught:
        source.read(path)
    assert value not in f"{caught.value.message}{caught.value.hint}"
    assert value[:8] not in caught.value.message


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.yml").mkdir()
    with pytest.raises(Invalid, match=r"x\.yml:1: cannot be read: Is a directory"):
        source.read(tmp_path / "x.yml")


def test_good_data_comes_with_the_line_of_every_key(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("\ufeffa:\n  b:\n    - 1\n    - {c: 2}\n  d: &x {e: 1}\nf: *x\n", encoding="utf-8")
    data, found = source.read(path)
    assert data == {"a": {"b": [1, {"c": 2}], "d": {"e": 1}}, "f": {"e": 1}}
    assert found.at("a", "b", 1, "c") == f"{path}:4"
    assert found.at("a", "d", "gone", "deeper") == f"{path}:5"
    assert found.at("nothing") == f"{path}:1"


def test_a_tag_is_passed_over_only_where_it_may_stand(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("a: !vault |\n  x\nb: 1\n")
    assert source.read(path, tags=True)[0] == {"a": None, "b": 1}
    with pytest.raises(Invalid):
        source.read(path)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int
    name: str = ""


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner
    words: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (
            "inner:\n  number: x\n",
            2,
            "inner.number: Input should be a valid integer, unable to parse string as an integer. General.",
        ),
        ("inner:\n  name: x\n", 1, "inner.number: this key is missing. Add it."),
        ("inner:\n  number: 1\n  nmae: x\n", 3, "inner.nmae: this key is unknown. Do you mean name?"),
        ("inner:\n  number: 1\n  zzz: x\n", 3, "inner.zzz: this key is unknown. Remove it, or mend its name."),
        ("inner:\n  number: 1\n  name: 7\n", 3, "inner.name: text is wanted here. Put it in quotes."),
        ("words: x\ninner: {number: 1}\n", 1, "words: a list is wanted here. Write [A, B], or one - A line for each."),
        ("inner: []\n", 1, "inner: a mapping is wanted here. Write KEY: VALUE lines."),
        ("- 1\n", 1, "a mapping is wanted here. Write KEY: VALUE lines."),
        ("", 1, "inner: this key is missing. Add it."),
    ],
)
def test_a_place_that_does_not_fit_is_told(tmp_path: Path, text: str, line: int, told: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    data, found = source.read(path)
    with pytest.raises(Invalid) as caught:
        source.validated(Outer, data, found, "General.")
    assert caught.value.message == f"{path}:{line}: {told}"


def test_every_place_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("inner:\n  number: x\n  colour: red\nwords: 1\n")
    data, found = source.read(path)
    with pytest.raises(Invalid) as caught:
        source.validated(Outer, data, found, "General.")
    assert [finding.place for finding in caught.value.findings] == [f"{path}:{line}" for line in (2, 3, 4)]


def test_a_mistake_brings_its_own_fix() -> None:
    mistake = Mistake("no", "Yes.", "key")
    assert (str(mistake), mistake.fix, mistake.key) == ("no", "Yes.", "key")
    assert Source(Path("x")).at("key") == "x:1"
