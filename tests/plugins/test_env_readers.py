"""Whatever is written into an env file is read by the real parsers exactly so, among other lines, or it is refused."""

from __future__ import annotations

from pathlib import Path

import mycoops_envfile as envfile
import pytest
from mycoops_delivery_files import merge
from mycoops_reply import Refusal

from mycoops.services import Reader
from tests.codec import corpus, trial
from tests.codec.parsers import PARSERS, Parser

ROOT = Path(__file__).resolve().parents[2]
VALUES = corpus.corpus()
SOME = VALUES[::3]
"""A third of them, where the same is asked of many."""
PRINTABLE = [value for value in VALUES if value.isascii() and value.isprintable() and len(value) < 5000]
PER_PARSER = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: f"{parser.name} {parser.version()}")
CORRUPTED = {"bash": 0.9, "dash": 0.9, "node": 0.2, "systemd": 0.15, "compose": 0.1}
"""Of people's passwords, the least share that the naive writer corrupts."""


def test_the_corpus_is_large_and_has_every_byte_everywhere() -> None:
    assert len(VALUES) == len(set(VALUES)) >= 1300
    for code in range(1, 256):
        char = chr(code)
        assert {char, f"{char}key", f"ke{char}y", f"key{char}"} <= set(VALUES)
    assert corpus.corpus() == VALUES


def test_every_reader_of_a_catalogue_has_a_real_parser() -> None:
    assert {parser.reader for parser in PARSERS} == envfile.READERS.keys() == set(Reader.__args__)  # type: ignore[attr-defined]


@PER_PARSER
def test_what_is_written_for_a_parser_is_what_it_reads(parser: Parser) -> None:
    outcome = trial.alone(parser, VALUES)
    assert outcome.wrong == []
    assert outcome.written > len(VALUES) * 0.85


@pytest.mark.parametrize("readers", trial.TOGETHER, ids="+".join)
def test_one_file_for_several_parsers_is_read_alike(readers: tuple[str, ...]) -> None:
    for outcome in trial.shared(readers, SOME):
        assert outcome.wrong == [], outcome.parser.name
        assert outcome.written > len(SOME) * 0.4


def test_what_one_reader_takes_as_it_is_and_another_for_an_octal_number_is_not_written_for_both() -> None:
    """A soak found it: node has no escapes between `"`, compose reads `\\0` there."""
    values = ["it's\\0x#y", "it's\\\\0x#y", "it's 0x#y"]
    outcomes = trial.shared(["node", "compose"], values)
    assert [outcome.wrong for outcome in outcomes] == [[]] * len(outcomes)
    assert trial.attempt("it's 0x#y", ["node", "compose"]) is not None


@PER_PARSER
def test_a_naive_writer_is_caught(parser: Parser) -> None:
    """The control: without an encoder each parser misreads a part of the corpus, and some of them most passwords."""
    people = corpus.secrets_of_people()
    passwords = len(trial.naive(parser, people).wrong) / len(people)
    assert passwords >= CORRUPTED.get(parser.reader, 0.0)
    short = [value for value in SOME if len(value) < 60_000]
    assert len(trial.naive(parser, short).wrong) > len(short) * 0.03


@PER_PARSER
def test_a_neighbour_that_is_lost_is_noticed(parser: Parser) -> None:
    """The control: a value that reads right but spoils the rest of its file counts as misread."""
    assert parser.values([b"x\n"]) == ["x"]
    assert parser.values([b"x\nINTRUDER=1"]) == [None] or parser.numbered
    assert parser.values([b"x\nAFTER_1=9\nAFTER=9"]) in ([None], ["x"])
    assert parser.values([b"y", b"x"]) == ["y", "x"]


@pytest.mark.parametrize("reader", ["systemd", "bash", "dash", "compose"])
def test_a_parser_with_escapes_is_refused_nothing_printable(reader: str) -> None:
    assert [value for value in PRINTABLE if trial.attempt(value, [reader]) is None] == []


def lost_in_an_engine(value: str) -> bool:
    """Its lines end at line feeds, give up a carriage return at their end, and are bounded."""
    return "\n" in value or value.endswith("\r") or len(value.encode()) > 63_000


@pytest.mark.parametrize("reader", ["docker", "podman"])
def test_an_engine_is_refused_what_no_line_of_it_holds_and_nothing_else(reader: str) -> None:
    assert {value for value in VALUES if trial.attempt(value, [reader]) is None} == set(filter(lost_in_an_engine, VALUES))


def test_dotenv_is_refused_what_it_would_expand_and_what_older_versions_lose() -> None:
    """They take a quote after a backslash for a part of the value, so a value that needs quotes may not end in one."""
    literal = {value for value in VALUES if trial.attempt(value, ["python-dotenv-literal"]) is None}
    assert {value for value in literal if not value.endswith("\\")} == set()
    refused = {value for value in VALUES if trial.attempt(value, ["python-dotenv"]) is None}
    assert refused == literal | {value for value in VALUES if "${" in value}
    assert trial.attempt("'\\", ["python-dotenv-literal"]) is None
    assert trial.attempt("x\\", ["python-dotenv"]) == b"x\\"


@pytest.mark.parametrize("reader", ["systemd", "bash", "dash", "python-dotenv-literal", "compose"])
def test_a_value_over_several_lines_is_one_variable_to_the_next_update(reader: str) -> None:
    """Its second line looks like another assignment; an update of that name must not go into the value."""
    raw, _ = merge(b"", {"A": "it's\nB='x"}, [reader])
    assert [line.name for line in envfile.parse(raw).lines] == ["A"]
    (real,) = next(parser for parser in PARSERS if parser.reader == reader).read([merge(raw, {"B": "y"}, [reader])[0]])
    assert real == {"A": "it's\nB='x", "B": "y"}


READ_AS_FILE = [parser for parser in PARSERS if not parser.numbered]


@pytest.mark.parametrize("parser", READ_AS_FILE, ids=lambda parser: f"{parser.name} {parser.version()}")
def test_a_model_claims_nothing_that_its_parser_does_not_read(parser: Parser) -> None:
    """The models decide what is written, so they may say too little, never too much: not of any text that people left."""
    texts = [b"A=1\nB=%s\nC='3'\n" % value.encode() for value in SOME if len(value) < 60_000]
    claimed = 0
    for text, real in zip(texts, parser.read(texts), strict=True):
        model = envfile.read_as(parser.reader, text)
        assert model.items() <= (real or {}).items(), text
        claimed += "B" in model
    assert claimed > len(texts) * 0.2


@pytest.mark.parametrize(
    ("value", "readers", "blamed", "why"),
    [
        ("a${b}c", ["python-dotenv"], "python-dotenv", "it would expand ${"),
        ("$name", ["django-environ"], "django-environ", "it would look up a variable of that name"),
        ("one\ntwo", ["systemd", "podman"], "podman", "the value has line breaks"),
        ("one\ntwo", ["decouple"], "decouple", "the value has line breaks"),
        ("a b", ["podman", "bash"], "podman", "each declared reader needs another syntax; give each its own file"),
        ("'\"`#", ["node"], "node", "its syntax has no escape for a character of the value"),
        ("x\ufffe", ["bash", "systemd"], "systemd", "the value has a code point that is no character"),
        ("x" * 65_000, ["systemd", "docker"], "docker", "its lines end at 64 KiB"),
    ],
)
def test_a_refusal_names_the_reader_and_the_reason(value: str, readers: list[str], blamed: str, why: str) -> None:
    with pytest.raises(Refusal) as caught:
        envfile.encode(value, readers)
    assert caught.value.facts == {"reader": blamed}
    assert caught.value.message == f"{blamed} cannot read it back: {why}"


def test_no_process_could_hold_it() -> None:
    for value, why in (("x" * 131_072, "no environment holds a variable of 128 KiB"), ("x\0", "no environment holds a NUL byte")):
        with pytest.raises(Refusal) as caught:
            envfile.encode(value, ["systemd"])
        assert caught.value.message == why


TABLE = [line for line in (ROOT / "docs" / "ENV_FILES.md").read_text(encoding="utf-8").splitlines() if line.count("|") == 9]


def test_the_documentation_has_every_parser_and_what_came_of_it() -> None:
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in TABLE if line.count("`") == 2]
    assert [(row[0], row[2]) for row in rows] == [(parser.name, parser.reader) for parser in PARSERS]
    assert {(int(row[3]), int(row[4]) + int(row[5]), int(row[6])) for row in rows} == {(len(VALUES), len(VALUES), 0)}
