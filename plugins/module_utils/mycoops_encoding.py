"""A value is written so that every declared reader reads exactly it, or it is refused."""

from __future__ import annotations

import functools
import re
import typing

from mycoops_reader_systemd import is_character
from mycoops_readers import READERS, read_as
from mycoops_reply import Refusal

RAW_EVERYWHERE = re.compile(r"[A-Za-z0-9!%*+,\-./:=?@\[\]^_{}]*\Z")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
CONTEXT = "BEFORE='1'\nSECOND=\"2\"\nPROBE={}\nAFTER='3'\nTHEN=\"4\"\nLAST=`5`\n"
"""The lines a value is tried between: a quote that is not closed finds another one further down."""
SEVERAL = re.compile(r"""'[^']*'\Z|"(?:[^"\\]|\\.)*"\Z""", re.DOTALL)
"""What may go over several lines: only here can an update of the file tell where the value ends, whoever reads it."""
LONGEST = {"docker": 63_000, "podman": 63_000}
"""Bytes; a container engine's lines end at 64 KiB, name included."""
LONGEST_ANYWHERE = 127_000
"""Bytes; no process starts with a variable of 128 KiB."""


def _escaped(pattern: str) -> typing.Callable[[str], str]:
    return lambda value: '"' + re.sub(pattern, r"\\\g<0>", value) + '"'


def _lines_escaped(pattern: str) -> typing.Callable[[str], str]:
    return lambda value: _escaped(pattern)(value).replace("\n", "\\n").replace("\r", "\\r")


def _shell(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _dotenv(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _between(quote: str) -> typing.Callable[[str], str]:
    return lambda value: quote + value + quote


SINGLE, DOUBLE, BACKTICK = _between("'"), _between('"'), _between("`")
OWN: typing.Dict[str, typing.Tuple[typing.Callable[[str], str], ...]] = {
    "systemd": (_escaped(r'[\\"$`]'),),
    "bash": (_shell, _escaped(r'[\\"$`]')),
    "dash": (_shell, _escaped(r'[\\"$`]')),
    "python-dotenv": (_dotenv, str, _lines_escaped(r'[\\"]')),
    "python-dotenv-literal": (_dotenv, str, _lines_escaped(r'[\\"]')),
    "django-environ": (_escaped(r'[\\"]'), SINGLE, str),
    "compose": (_lines_escaped(r'[\\"$]'),),
    "docker": (str,),
    "podman": (str,),
    "node": (SINGLE, str, BACKTICK, DOUBLE),
    "starlette": (SINGLE, str, DOUBLE),
    "decouple": (SINGLE, str, DOUBLE),
    "split": (str,),
}
"""The syntaxes of each reader, the best first; which of them hold a given value is tried."""


def encode(value: str, readers: typing.Sequence[str]) -> bytes:
    """Return what to write after `NAME=`. Raises Refusal `cannot_encode` naming the reader and the reason, never the value."""
    for reader in readers:
        if reader not in READERS:
            raise Refusal("unknown_reader", f"no reader is called {reader}", reader=reader)
    _refuse_bytes(value, readers)
    if RAW_EVERYWHERE.match(value):
        return value.encode()
    blocked = ""
    for text in _candidates(value, readers):
        differs = _first_that_differs(text, value, readers)
        if not differs:
            return text.encode()
        blocked = blocked or differs
    if not readers:
        raise Refusal("cannot_encode", "a value that needs quotes needs a declared reader", reader="")
    raise _refused(value, blocked, readers)


def _candidates(value: str, readers: typing.Sequence[str]) -> typing.Iterator[str]:
    found = []
    if readers and "'" not in value and "\\" not in value and "${" not in value and not CONTROL.search(value):
        found.append(SINGLE(value))
    found += [write(value) for reader in readers for write in OWN[reader]]
    return (text for text in dict.fromkeys(found) if "\n" not in text or SEVERAL.match(text))


@functools.lru_cache(maxsize=None)
def _undisturbed(reader: str) -> typing.Dict[str, str]:
    """What the lines around read as."""
    return read_as(reader, CONTEXT.replace("{}", "x").encode())


def _first_that_differs(text: str, value: str, readers: typing.Sequence[str]) -> str:
    raw = CONTEXT.replace("{}", text).encode()
    return next((one for one in readers if read_as(one, raw) != {**_undisturbed(one), "PROBE": value}), "")


def _refuse_bytes(value: str, readers: typing.Sequence[str]) -> None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise Refusal("cannot_encode", "the value is not valid text", reader="") from None
    if "\0" in value:
        raise Refusal("cannot_encode", "no environment holds a NUL byte", reader="")
    if size > LONGEST_ANYWHERE:
        raise Refusal("cannot_encode", "no environment holds a variable of 128 KiB", reader="")
    short = next((reader for reader in readers if size > LONGEST.get(reader, size)), "")
    if short:
        raise Refusal("cannot_encode", f"{short} cannot read it back: its lines end at 64 KiB", reader=short)


def _refused(value: str, blocked: str, readers: typing.Sequence[str]) -> Refusal:
    """The refusal names the first reader that cannot hold the value by itself, else the one that the others' syntax defeats."""
    unable = next((reader for reader in readers if not _alone(value, reader)), "")
    reason = _reason(value, unable) if unable else "each declared reader needs another syntax; give each its own file"
    return Refusal("cannot_encode", f"{unable or blocked} cannot read it back: {reason}", reader=unable or blocked)


def _reason(value: str, reader: str) -> str:
    if reader == "systemd" and not all(map(is_character, value)):
        return "the value has a code point that is no character"
    if "\n" in value or "\r" in value:
        return "the value has line breaks"
    if reader == "python-dotenv" and "${" in value:
        return "it would expand ${"
    if reader == "django-environ" and value.startswith("$"):
        return "it would look up a variable of that name"
    return "its syntax has no escape for a character of the value"


def _alone(value: str, reader: str) -> bool:
    return any(not _first_that_differs(text, value, [reader]) for text in _candidates(value, [reader]))
