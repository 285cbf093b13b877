"""What the libraries of Python take an env file to mean: each line for itself, or as a grammar of quotes."""

from __future__ import annotations

import re
import typing

Values = typing.Dict[str, str]


def _binding(single: str, double: str) -> typing.Pattern[str]:
    return re.compile(
        r"""(?:export[^\S\r\n]+)?(?:'(?P<quoted_key>[^']+)'|(?P<key>[^=\#\s]+))[^\S\r\n]*=[^\S\r\n]*"""
        rf"""(?:'(?P<single>{single})'|"(?P<double>{double})"|(?P<raw>(?!['"])[^\r\n]*))""",
        re.DOTALL,
    )


BINDINGS = (
    _binding(r"(?:\\'|[^'])*", r'(?:\\"|[^"])*'),
    _binding(r"(?:\\.|[^'\\])*", r'(?:\\.|[^"\\])*'),
)
"""Older versions end a value at the last quote that could, newer ones take a backslash before it into account."""
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


END_OF_LINE = re.compile(r"[^\S\n]*(?:#[^\n]*)?[^\S\n]*(?:\n|\Z)")
QUOTED_KEY = re.compile(r"(?:export\s+)?'")
REST = re.compile(r"[^\n]*\n?")


def _universal(text: str) -> str:
    """What Python's text files do to line breaks; a file that is not UTF-8 is not read at all."""
    if re.search("[\udc80-\udcff]", text):
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def dotenv_literal(text: str) -> Values:
    """Without interpolation; where older and newer versions differ, a name is absent."""
    older, newer = (_dotenv(_universal(text), binding) for binding in BINDINGS)
    return {name: value for name, value in older.items() if newer.get(name) == value}


def _dotenv(text: str, binding: typing.Pattern[str]) -> Values:
    values: Values = {}
    at = 0
    while at < len(text):
        at += len(text[at:]) - len(text[at:].lstrip())
        found = binding.match(text, at) if text[at : at + 1] != "#" else None
        end = found.end() if found else at
        if found and END_OF_LINE.match(text, end):
            name = found["quoted_key"] or found["key"]
            values[name] = _dotenv_value(found)
            if (found["raw"] or "").startswith("#"):  # a comment to newer versions only
                del values[name]
        elif QUOTED_KEY.match(text, at):
            return {}  # it may go on in the next lines
        at = max(REST.match(text, end).end(), at + 1)  # type: ignore[union-attr]
    return values


def _dotenv_value(found: typing.Match[str]) -> str:
    if found["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", found["single"])
    if found["double"] is not None:
        return re.sub(r"\\([\\'\"abfnrtv])", lambda m: ESCAPES.get(m[1], m[1]), found["double"])
    return re.sub(r"\s+#.*", "", found["raw"]).rstrip()


def dotenv(text: str) -> Values:
    """The python-dotenv default: `${…}` is expanded, whatever the quotes; such names are absent here."""
    return {name: value for name, value in dotenv_literal(text).items() if "${" not in value}


def split(text: str, unquote: typing.Callable[[str], str] = lambda value: value) -> Values:
    """The loader that people write themselves: a line is cut at its first `=`."""
    values: Values = {}
    for line in map(str.strip, _universal(text).split("\n")):
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            values[name.strip()] = unquote(value.strip())
    return values


def decouple(text: str) -> Values:
    return split(text, lambda value: value[1:-1] if len(value) > 1 and value[0] == value[-1] in "'\"" else value)


def starlette(text: str) -> Values:
    """Older versions take every quote off the ends, newer ones one pair; where that differs, a name is absent."""
    older = split(text, lambda value: value.strip("\"'"))
    return {name: value for name, value in decouple(text).items() if older[name] == value}


ENVIRON_LINE = re.compile(r"(?:export )?([A-Za-z_0-9]+)=(.*)\Z", re.ASCII)


def environ(text: str) -> Values:
    """What `env("NAME")` gives; a value that begins with `$` names another variable there, and is absent here."""
    values: Values = {}
    for line in _universal(text).splitlines():
        found = ENVIRON_LINE.match(line)
        if found:
            value = re.sub(r"\A'(.*)'\Z", r"\1", found[2])
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = re.sub(r"\\(.)", lambda m: m[0] if m[1] in "rnt" else m[1], value[1:-1])
            values[found[1]] = value
    return {name: value for name, value in values.items() if not value.startswith("$")}
