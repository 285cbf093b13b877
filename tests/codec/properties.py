"""What holds of every file, value and reader: exact bytes, no other line touched, no text of the input in an error."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import mycoops_encoding as encoding
import mycoops_envfile as envfile
from mycoops_delivery_files import merge
from mycoops_reply import Refusal

READERS = sorted(envfile.READERS)
SOURCES = [Path(str(module.__file__)) for module in (encoding, envfile)]


def _literals() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in nodes if isinstance(node.value, str)}


LITERALS = _literals()
NAMED = "|".join(map(re.escape, READERS))
SHAPES = (
    re.compile(r"line \d+: (?P<why>.+)"),
    re.compile(rf"(?:{NAMED}) cannot read it back: (?P<why>.+)"),
    re.compile(rf"(?:{NAMED}) would (?:read another variable differently|not read [A-Z_]+ as it is meant)"),
    re.compile(r"(?P<why>.+)"),
)


def says_nothing(refusal: Refusal) -> bool:
    """Whether an error is made of words of the source, numbers, names of variables and of readers alone."""
    found = next(filter(None, (shape.fullmatch(refusal.message) for shape in SHAPES)), None)
    whys = {None, *(literal.removeprefix(" cannot read it back: ") for literal in LITERALS)}
    facts = map(str, refusal.facts.values())
    known = all(fact in READERS or re.fullmatch(r"\d+|[A-Z_]*", fact) for fact in facts)
    return found is not None and found.groupdict().get("why") in whys and known and str(refusal) == refusal.code


def refusal_of(call: Callable[[], object]) -> Refusal | None:
    """The refusal a call ends with; any other exception is a bug."""
    try:
        call()
    except Refusal as refusal:
        return refusal
    return None


def parses(raw: bytes, readers: Sequence[str]) -> envfile.EnvFile | None:
    """Parse; what is accepted gives its bytes back, what is refused says a line and nothing of it."""
    refusal = refusal_of(lambda: envfile.parse(raw, readers))
    if refusal:
        assert refusal.code == "malformed_env_file"
        assert 1 <= refusal.facts["line"] <= raw.count(b"\n") + 1
        assert says_nothing(refusal), refusal.message
        return None
    parsed = envfile.parse(raw, readers)
    assert parsed.raw == raw
    assert parsed.upsert({}) == raw
    return parsed


def encodes(value: str, readers: Sequence[str]) -> bytes | None:
    """Encode; a refusal names a declared reader where one is to blame, and nothing of the value."""
    refusal = refusal_of(lambda: encoding.encode(value, readers))
    if refusal:
        assert refusal.code == "cannot_encode"
        assert refusal.facts["reader"] in {*readers, ""}
        assert says_nothing(refusal), refusal.message
        return None
    return encoding.encode(value, readers)


def merges(raw: bytes, name: str, value: str, readers: Sequence[str]) -> None:
    """Set one variable; every reader then reads it, every other line keeps its bytes and its place, and again changes nothing."""
    refusal = refusal_of(lambda: merge(raw, {name: value}, readers))
    if refusal:
        assert says_nothing(refusal), refusal.message
        return
    merged, _ = merge(raw, {name: value}, readers)
    assert _others(merged, name, readers) == _others(raw, name, readers)
    for reader in readers:
        assert envfile.read_as(reader, merged)[name] == value
    assert merge(merged, {name: value}, readers) == (merged, ())


def _others(raw: bytes, name: str, readers: Sequence[str]) -> list[bytes]:
    lines = envfile.parse(raw, readers).lines
    return [(line.prefix + line.value).rstrip(b"\r") for line in lines if line.name != name]
