"""What compose and the container engines take an env file to mean; where they would refuse it, it means nothing."""

from __future__ import annotations

import re
import typing

from mycoops_reader_python import ESCAPES

Values = typing.Dict[str, str]
BINDING = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.\[\]-]*)[ \t]*[=:][ \t]*"""
    r"""(?:'(?P<single>(?:\\.|[^'\\])*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<raw>(?!['"])[^\n]*))[ \t\r]*(?:\#[^\n]*)?(?:\n|\Z)""",
    re.DOTALL | re.ASCII,
)
NOTHING_TO_READ = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
EXPANSION = re.compile(r"\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*(?::?[-+?][^${}]*)?\}", re.ASCII)
ODD_END = re.compile(r"\A\s|[^\S\r]\Z|\A[\x1c-\x1f]|[\x1c-\x1f]\Z")
"""Blanks that are not blanks to both Go and Python."""
LINE_LIMIT = 65_536


def compose(text: str) -> Values:
    """A value in which it would expand something is absent; a line that it does not take ends everything."""
    values: Values = {}
    at = 0
    while at < len(text):
        found = BINDING.match(text, at)
        blank = NOTHING_TO_READ.match(text, at)
        if not found and not blank:
            return {}
        if found:
            values.pop(found["name"], None)
            value, open_to_expansion = _value(found)
            if "$" in EXPANSION.sub("", open_to_expansion):
                return {}
            if "$" not in open_to_expansion and not ODD_END.search((found["raw"] or "").strip(" \t")) and not _octal(found):
                values[found["name"]] = value
        at = (found or blank).end()  # type: ignore[union-attr]
    return values


def _octal(found: typing.Match[str]) -> bool:
    """Whether a zero is escaped, which some versions take for the beginning of a number."""
    return "\\0" in re.findall(r"\\.", found["double"] or "", re.DOTALL)


def _value(found: typing.Match[str]) -> typing.Tuple[str, str]:
    """The value, and the part of it in which a `$` means something."""
    if found["single"] is not None:
        return re.sub(r"\\(.)", lambda m: "'" if m[1] == "'" else m[0], found["single"], flags=re.DOTALL), ""
    if found["double"] is None:
        text = found["raw"].split(" #")[0].rstrip()
        return text, text
    told = re.sub(r"\\([abfnrtv$\"\\])", lambda m: ESCAPES.get(m[1], m[1]), found["double"])
    return told, re.sub(r"\\.", "", found["double"], flags=re.DOTALL)


def docker(text: str) -> Values:
    """As podman, but for a byte order mark and for text that is none."""
    return {} if re.search("[\udc80-\udcff]", text) else engine(text[1:] if text.startswith("\ufeff") else text)


def engine(text: str) -> Values:
    """`docker --env-file` and `podman --env-file`: everything after `=` is data, quotes included."""
    values: Values = {}
    for whole in text.split("\n"):
        line = (whole[:-1] if whole.endswith("\r") else whole).lstrip()
        name, sign, value = line.partition("=")
        if len(whole.encode("utf-8", "surrogateescape")) >= LINE_LIMIT:
            return {}
        if not line or line.startswith("#"):
            continue
        if not name or re.search("[ \t]", name):
            return {}
        if sign and not re.search(r"\s", name):
            values[name] = value
    return values
