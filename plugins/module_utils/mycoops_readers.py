"""Models of the programs that read env files: what each of them takes a file's bytes to mean."""

from __future__ import annotations

import re
import typing

import mycoops_reader_containers as containers
import mycoops_reader_python as python
from mycoops_reader_systemd import NAME, Systemd
from mycoops_reply import Refusal

__all__ = ["NAME", "READERS", "read_as"]

Values = typing.Dict[str, str]


def read_as(reader: str, raw: bytes) -> Values:
    """Return what `reader` would put into the environment; a name it drops or expands is absent."""
    if reader not in READERS:
        raise Refusal("unknown_reader", f"no reader is called {reader}", reader=reader)
    return READERS[reader](raw.decode("utf-8", "surrogateescape"))


SHELL_WORD = re.compile(
    r"""(?P<export>export[ \t]+)?(?P<name>[A-Za-z_]\w*)=(?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\;&|<>()])*)"""
    r"""[ \t]*(?:[ \t]#[^\n]*)?(?:;[ \t]*)?(?=\n|\Z)""",
    re.DOTALL | re.ASCII,
)
SHELL_PIECE = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|\\(?P<escape>.)|(?P<raw>[^'"\\])""", re.S)


EXPANDED = re.compile(r"\$\w+|\$\{\w+(?::?[-=+?][^{}$`'\"\\]*)?\}|`[^`$'\"\\]*`", re.ASCII)


def _shell(text: str) -> Values:
    """A word in which a shell would expand something is absent; what it would run, join or not understand ends everything."""
    values: Values = {}
    at = 0
    while at < len(text):
        found = SHELL_WORD.match(text, at) if text[at] not in " \t\n#" else None
        if found:
            values.pop(found["name"], None)
            word = _shell_word(found["word"])
            if word is None and re.search("[$`]", EXPANDED.sub("", re.sub(r"'[^']*'|\\.", "", found["word"], flags=re.S))):
                return {}
            if word is not None:
                values[found["name"]] = word
            at = found.end()
        elif text[at] in " \t\n":
            at += 1
        elif text[at] == "#":
            at = text.find("\n", at) + 1 or len(text)
        else:
            return {}
    return values


def _shell_word(word: str) -> typing.Optional[str]:
    """Return the word without its quotes, None where a shell would expand something."""
    out = ""
    for piece in SHELL_PIECE.finditer(word):
        raw, double, escape = piece["raw"], piece["double"], piece["escape"]
        if raw is not None and (raw in "$`~" or not raw.isprintable()):
            return None
        if double is not None and re.search("[$`]", re.sub(r"\\.", "", double, flags=re.S)):
            return None
        if double is not None:
            out += re.sub(r"\\([$`\"\\\n])", lambda m: "" if m[1] == "\n" else m[1], double)
        else:
            out += (piece["single"] or "") + (raw or "") + ("" if escape in (None, "\n") else escape)
    return out


NODE_LINE = re.compile(
    r"""^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)"""
    r"""(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$""",
    re.MULTILINE | re.ASCII,
)


QUOTES = ("'", '"', "`")
BLANKS = " \t\n\r\f\v\x1c\x1d\x1e\x1f\x85\xa0\ufeff"
"""What one of the parsers, but not each of them, takes off the ends of a value; with the rest of Unicode's blanks."""


def _node(text: str) -> Values:
    """`node --env-file` and the dotenv of npm, old and new: where they disagree, a name is absent, or everything is."""
    values: Values = {}
    if re.search(r"\r(?!\n)|=[ \t]+\r?$", text, re.MULTILINE):
        return values
    for found in NODE_LINE.finditer(text.replace("\r\n", "\n")):
        value = (found[2] or "").strip(" \t")
        values.pop(found[1], None)
        inner = _node_value(value)
        if inner is None and value[:1] in QUOTES and ("\n" in value or value[:1] not in value[1:]):
            return {}  # for one of them it goes on in the next lines
        if inner is not None:
            values[found[1]] = inner
    return values


def _node_value(value: str) -> typing.Optional[str]:
    quote = value[:1] if value[:1] in QUOTES else ""
    if not quote:
        odd = value.strip() != value or value.strip(BLANKS) != value
        return None if odd or re.search("[\u2028\u2029\n]", value) else value
    inner = value[1:-1]
    if len(value) == 1 or value[-1] != quote or quote in inner:
        return None
    if re.search("[\u2028\u2029\n]", inner) and re.search("['\"`]", inner):
        return None
    if quote != '"':
        return inner
    return None if "\\r" in inner else inner.replace("\\n", "\n")


READERS: typing.Dict[str, typing.Callable[[str], Values]] = {
    "systemd": lambda text: Systemd().read(text),
    "bash": _shell,
    "dash": _shell,
    "python-dotenv": python.dotenv,
    "python-dotenv-literal": python.dotenv_literal,
    "django-environ": python.environ,
    "compose": containers.compose,
    "docker": containers.docker,
    "podman": containers.engine,
    "node": _node,
    "starlette": python.starlette,
    "decouple": python.decouple,
    "split": python.split,
}
