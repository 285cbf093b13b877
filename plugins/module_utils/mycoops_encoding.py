"""A value is written so that every declared reader reads exactly it, or it is refused."""

from __future__ import annotations

import re
import typing

from mycoops_readers import READERS, read_as
from mycoops_reply import Refusal

RAW_EVERYWHERE = re.compile(r"[A-Za-z0-9!%*+,\-./:=?@\[\]^_{}]*\Z")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _escaped(pattern: str) -> typing.Callable[[str], str]:
    return lambda value: '"' + re.sub(pattern, r"\\\g<0>", value) + '"'


def _compose(value: str) -> str:
    return _escaped(r'[\\"$]')(value).replace("\n", "\\n").replace("\r", "\\r")


def _shell(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _dotenv(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quoted(value: str) -> str:
    return "'" + value + "'"


def _quoted_or_raw(value: str) -> str:
    """For readers without escapes: a value that holds the quote goes raw, and is refused if that reads differently."""
    return value if "'" in value else _quoted(value)


OWN: typing.Dict[str, typing.Callable[[str], str]] = {
    "systemd": _escaped(r'[\\"$`]'),
    "bash": _shell,
    "dash": _shell,
    "python-dotenv": _dotenv,
    "python-dotenv-literal": _dotenv,
    "compose": _compose,
    "docker": str,
    "podman": str,
    "node": _quoted_or_raw,
    "starlette": _quoted_or_raw,
    "decouple": _quoted_or_raw,
    "split": str,
}


def encode(value: str, readers: typing.Sequence[str]) -> bytes:
    """Return what to write after `NAME=`. Raises Refusal `cannot_encode` naming the reader and the reason, never the value."""
    for reader in readers:
        if reader not in READERS:
            raise Refusal("unknown_reader", f"no reader is called {reader}", reader=reader)
    _refuse_bytes(value)
    if RAW_EVERYWHERE.match(value):
        return value.encode()
    blocked = ""
    for text in _candidates(value, readers):
        blocked = _first_that_differs(text, value, readers)
        if not blocked:
            return text.encode()
    if not readers:
        raise Refusal("cannot_encode", "a value that needs quotes needs a declared reader", reader="")
    raise Refusal("cannot_encode", f"{blocked} cannot read it back: {_reason(value, blocked, readers)}", reader=blocked)


def _candidates(value: str, readers: typing.Sequence[str]) -> typing.Iterator[str]:
    if readers and "'" not in value and "\\" not in value and "${" not in value and not CONTROL.search(value):
        yield _quoted(value)
    for reader in dict.fromkeys(readers):
        yield OWN[reader](value)


def _first_that_differs(text: str, value: str, readers: typing.Sequence[str]) -> str:
    raw = f"BEFORE=1\nPROBE={text}\nAFTER=1\n".encode()
    wanted = {"BEFORE": "1", "PROBE": value, "AFTER": "1"}
    return next((reader for reader in readers if read_as(reader, raw) != wanted), "")


def _refuse_bytes(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refusal("cannot_encode", "the value is not valid text", reader="") from None
    if "\0" in value:
        raise Refusal("cannot_encode", "no environment holds a NUL byte", reader="")


def _reason(value: str, reader: str, readers: typing.Sequence[str]) -> str:
    if len(set(readers)) > 1 and all(_alone(value, one) for one in readers):
        return "each declared reader needs another syntax; give each its own file"
    if "\n" in value or "\r" in value:
        return "the value has line breaks"
    if reader == "python-dotenv" and "${" in value:
        return "it would expand ${"
    return "its syntax has no escape for a character of the value"


def _alone(value: str, reader: str) -> bool:
    return any(not _first_that_differs(text, value, [reader]) for text in _candidates(value, [reader]))
