"""The parser accepts what lies about in the wild, refuses the rest by line number, and changes nothing it was not asked to."""

from __future__ import annotations

import secrets

import mycoops_envfile as envfile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mycoops_reply import Refusal

WILD = (
    b"\xef\xbb\xbf# comment with \xff bytes\r\n"
    b"PLAIN=1\r\n"
    b"#OPTIONAL=documented\r\n"
    b"\r\n"
    b"EMPTY=\r\n"
    b"export EXPORTED=yes\r\n"
    b"SPACED = a b c\r\n"
    b"HASH=a#b # not c\r\n"
    b'JSON=["a","b"]\r\n'
    b"WINDOWS=C:\\Users\\x\r\n"
    b"EXPANDED=${PLAIN:-x}\r\n"
    b"EQUAL=a=b=c\r\n"
    b"SINGLE='it is'   # fine\r\n"
    b"TWICE=1\r\n"
    b'PEM="-----BEGIN\r\nline==\r\n-----END"\r\n'
    b"TWICE=2\r\n"
    b"LAST=without newline"
)


def test_wild_file_round_trips() -> None:
    parsed = envfile.parse(WILD)
    assert parsed.raw == WILD
    assert parsed.duplicates() == {"TWICE": [14, 18]}
    assert [line.name for line in parsed.lines if line.name][-1] == "LAST"


def test_upsert_changes_the_named_values_only() -> None:
    after = envfile.parse(WILD).upsert({"PLAIN": b"2", "NEW": b"n", "TWICE": b"3", "PEM": b"p"})
    expected = WILD.replace(b"PLAIN=1", b"PLAIN=2").replace(b"TWICE=1", b"TWICE=3").replace(b"TWICE=2", b"TWICE=3")
    expected = expected.replace(b'"-----BEGIN\r\nline==\r\n-----END"', b"p") + b"\r\nNEW=n\r\n"
    assert after == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"", b"A=1\n"), (b"B=2", b"B=2\nA=1\n"), (b"B=2\n", b"B=2\nA=1\n"), (b"A=0", b"A=1"), (b"B=2\r\n", b"B=2\r\nA=1\r\n")],
)
def test_final_newline(raw: bytes, expected: bytes) -> None:
    assert envfile.parse(raw).upsert({"A": b"1"}) == expected


@pytest.mark.parametrize(
    ("line", "readers"),
    [
        ("{x}", []),
        ("A='{x}", []),
        ('A="{x}', []),
        ('A="1" {x}', []),
        ("<<<<<<< {x}", []),
        ("2A={x}", []),
        ("A=1\0{x}", []),
        ("A=a {x}", ["bash"]),
        ("A = {x}", ["dash"]),
        ("A={x};id", ["bash"]),
        ("A=it's{x}", ["bash"]),
        ("A={x}\\", ["systemd"]),
        ("export A={x}", ["podman"]),
        ("A =1{x}", ["docker"]),
    ],
)
def test_refused_by_line_and_never_by_content(line: str, readers: list[str]) -> None:
    marker = secrets.token_hex(8)
    raw = ("# one\nB=2\n" + line.format(x=marker) + "\nC=3\n").encode()
    with pytest.raises(Refusal) as caught:
        envfile.parse(raw, readers)
    assert caught.value.code == "malformed_env_file"
    assert caught.value.facts == {"line": 3}
    assert marker not in str(caught.value.error())
    assert marker not in repr(caught.value)


def test_a_quote_left_open_does_not_hide_behind_a_later_one() -> None:
    with pytest.raises(Refusal) as caught:
        envfile.parse(b'A="open\nB="closed"\n')
    assert caught.value.facts["line"] == 1


def test_utf16_is_named() -> None:
    with pytest.raises(Refusal, match="malformed_env_file") as caught:
        envfile.parse("A=1\n".encode("utf-16"))
    assert "UTF-16" in caught.value.message


@given(st.binary(max_size=60))
def test_any_bytes_round_trip_or_are_refused(raw: bytes) -> None:
    try:
        parsed = envfile.parse(raw)
    except Refusal:
        return
    assert parsed.raw == raw
    assert parsed.upsert({}) == raw
