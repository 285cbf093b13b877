"""What is written is what every declared reader reads, by the models of them; `test_env_readers.py` asks the real ones."""

from __future__ import annotations

import mycoops_envfile as envfile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mycoops_reply import Refusal

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
ANY = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40)
READERS = sorted(envfile.READERS)


def written(value: str, readers: list[str]) -> bytes:
    return b"BEFORE=1\nPROBE=" + envfile.encode(value, readers) + b"\nAFTER=2\n"


@given(value=PRINTABLE | ANY, readers=st.lists(st.sampled_from(READERS), min_size=1, max_size=3, unique=True))
@settings(max_examples=200, deadline=None)
def test_every_declared_reader_reads_it_or_it_is_refused(value: str, readers: list[str]) -> None:
    try:
        raw = written(value, readers)
    except Refusal as refusal:
        raw, error = b"", refusal.error()
    if not raw:
        assert error["code"] == "cannot_encode"
        assert len(value) < 4 or value not in str(error)
        return
    for reader in readers:
        assert envfile.read_as(reader, raw) == {"BEFORE": "1", "PROBE": value, "AFTER": "2"}


@settings(max_examples=30, deadline=None)
@given(st.text("abcXYZ019-_!%*+,./:=?@[]^{}", max_size=50))
def test_the_universal_alphabet_is_written_raw(value: str) -> None:
    assert envfile.encode(value, READERS) == value.encode()
    for reader in READERS:
        assert envfile.read_as(reader, written(value, READERS))["PROBE"] == value


@pytest.mark.parametrize("reader", ["systemd", "bash", "dash", "python-dotenv-literal", "compose"])
@settings(max_examples=60, deadline=None)
@given(value=PRINTABLE)
def test_some_readers_take_every_printable_value(reader: str, value: str) -> None:
    assert envfile.read_as(reader, written(value, [reader]))["PROBE"] == value


def test_naive_writing_is_caught_by_the_models() -> None:
    """Negative control: without an encoder the models disagree with the value."""
    for reader in ("systemd", "bash", "python-dotenv", "compose"):
        assert envfile.read_as(reader, b"PROBE='a' \\b #c\n").get("PROBE") != "'a' \\b #c"


@pytest.mark.parametrize(
    ("value", "readers", "reader"),
    [
        ("a${b}c'd", ["python-dotenv"], "python-dotenv"),
        ("line\nline", ["podman"], "podman"),
        ("line\nline", ["node", "podman"], "podman"),
        ("a b", ["podman", "bash"], "bash"),
        ("'\"` # so", ["node"], "node"),
    ],
)
def test_refusals_name_the_reader(value: str, readers: list[str], reader: str) -> None:
    with pytest.raises(Refusal) as caught:
        envfile.encode(value, readers)
    assert caught.value.code == "cannot_encode"
    assert caught.value.facts["reader"] in readers
    assert reader in caught.value.message or len(readers) > 1
    assert value not in str(caught.value.error())


def test_an_unknown_reader_is_refused() -> None:
    with pytest.raises(Refusal, match="unknown_reader"):
        envfile.encode("abc", ["systemv"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"A=1\n# note \\\nB=2\nC=3\n", {"A": "1", "C": "3"}),
        (b"export A=1\nB=2\n", {"B": "2"}),
        (b"A=x \\\n  y\nB='p''q' r\n", {"A": "x   y", "B": "pqr"}),
        (b"; also a comment\nA=tail  \n", {"A": "tail"}),
        (b'A="a\\nb\\$c"\n', {"A": "a\\nb$c"}),
        (b"\xef\xbb\xbfA=1\nB=2\n", {"B": "2"}),
        (b'A="open\nB=2\n', {"A": "open\nB=2\n"}),
    ],
)
def test_the_model_of_systemd(raw: bytes, expected: dict[str, str]) -> None:
    """As systemd 252 does it: swallowed lines, dropped names and joined quotes included."""
    assert envfile.read_as("systemd", raw) == expected
