"""What comes of a corpus: how many values are written, refused, and read as something else, by parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mycoops_encoding import encode
from mycoops_reply import Refusal

from tests.codec.parsers import PARSERS, Parser

TOGETHER: tuple[tuple[str, ...], ...] = (
    ("systemd", "bash"),
    ("systemd", "python-dotenv"),
    ("docker", "bash"),
    ("podman", "docker", "systemd"),
    ("compose", "systemd", "bash"),
    ("node", "compose"),
    ("python-dotenv-literal", "django-environ", "starlette", "decouple"),
    tuple(dict.fromkeys(parser.reader for parser in PARSERS)),
)
"""Files that several programs read."""


@dataclass
class Outcome:
    """One parser and one way of writing for it."""

    parser: Parser
    written: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


def attempt(value: str, readers: Sequence[str]) -> bytes | None:
    """What is written after `NAME=`, None where the encoder refuses."""
    try:
        return encode(value, readers)
    except Refusal:
        return None


def read_back(parser: Parser, values: Sequence[str], write: Callable[[str], bytes | None]) -> Outcome:
    """Write every value, let the parser read all of them, and compare."""
    pairs = [(value, raw) for value in values if (raw := write(value)) is not None]
    told = parser.values([raw for _, raw in pairs])
    wrong = [value for (value, _), found in zip(pairs, told, strict=True) if found != value]
    return Outcome(parser, len(pairs), len(values) - len(pairs), wrong)


def alone(parser: Parser, values: Sequence[str]) -> Outcome:
    """With the encoder of its own reader."""
    return read_back(parser, values, lambda value: attempt(value, [parser.reader]))


def shared(readers: Sequence[str], values: Sequence[str]) -> list[Outcome]:
    """With one encoding for several readers, read by all of them."""
    written = {value: attempt(value, readers) for value in values}
    return [read_back(parser, values, written.__getitem__) for parser in PARSERS if parser.reader in readers]


def naive(parser: Parser, values: Sequence[str]) -> Outcome:
    """The control: `NAME=value` as it comes."""
    return read_back(parser, values, str.encode)


def added(total: Outcome | None, more: Outcome) -> Outcome:
    """The sum of two outcomes of one parser."""
    if total is None:
        return more
    return Outcome(more.parser, total.written + more.written, total.refused + more.refused, total.wrong + more.wrong)


def chunks(values: Iterable[str], size: int = 2000) -> Iterable[list[str]]:
    """The values in handfuls, so that a long run needs no more memory than a short one."""
    part: list[str] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
