"""Models of the programs that read env files: what each of them takes a file's bytes to mean."""

from __future__ import annotations

import re
import typing

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


def _shell(text: str) -> Values:
    values: Values = {}
    at = 0
    while at < len(text):
        found = SHELL_WORD.match(text, at) if text[at] not in " \t\n#" else None
        if found:
            values.pop(found["name"], None)
            word = _shell_word(found["word"])
            if word is not None:
                values[found["name"]] = word
            at = found.end()
        at = at + 1 if text[at : at + 1] in (" ", "\t", "\n") else (text.find("\n", at) + 1 or len(text))
    return values


def _shell_word(word: str) -> typing.Optional[str]:
    """Return the word without its quotes, None where a shell would expand something."""
    out = ""
    for piece in SHELL_PIECE.finditer(word):
        raw, double, escape = piece["raw"], piece["double"], piece["escape"]
        if raw is not None and (raw in "$`~" or not raw.isprintable()):
            return None
        if double is not None and re.search(r"(?<!\\)(?:\\\\)*[$`]", double):
            return None
        if double is not None:
            out += re.sub(r"\\([$`\"\\\n])", lambda m: "" if m[1] == "\n" else m[1], double)
        else:
            out += (piece["single"] or "") + (raw or "") + ("" if escape in (None, "\n") else escape)
    return out


DOTENV_BINDING = re.compile(
    r"""(?:export[^\S\r\n]+)?(?:'(?P<quoted_key>[^']+)'|(?P<key>[^=\#\s]+))[^\S\r\n]*=[^\S\r\n]*"""
    r"""(?:'(?P<single>(?:\\'|[^'])*)'|"(?P<double>(?:\\"|[^"])*)"|(?P<raw>(?!['"])[^\r\n]*))"""
    r"""(?:[^\S\r\n]*\#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r|\Z)""",
)
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _dotenv_literal(text: str) -> Values:
    values: Values = {}
    at = 0
    while at < len(text):
        at += len(text[at:]) - len(text[at:].lstrip())
        found = DOTENV_BINDING.match(text, at) if text[at : at + 1] != "#" else None
        if found:
            values[found["quoted_key"] or found["key"]] = _dotenv_value(found)
        rest = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)?")
        end = found.end() if found else rest.match(text, at).end()  # type: ignore[union-attr]
        at = max(end, at + 1)
    return values


def _dotenv_value(found: typing.Match[str]) -> str:
    if found["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", found["single"])
    if found["double"] is not None:
        return re.sub(r"\\([\\'\"abfnrtv])", lambda m: ESCAPES.get(m[1], m[1]), found["double"])
    return re.sub(r"\s+#.*", "", found["raw"]).rstrip()


def _dotenv(text: str) -> Values:
    """The python-dotenv default: `${…}` is expanded, whatever the quotes; such names are absent here."""
    return {name: value for name, value in _dotenv_literal(text).items() if "${" not in value}


COMPOSE_BINDING = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.\[\]-]*)[ \t]*[=:][ \t]*"""
    r"""(?:'(?P<single>(?:\\'|[^'])*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<raw>(?!['"])[^\n]*))[ \t\r]*(?:\#[^\n]*)?(?:\n|\Z)""",
    re.DOTALL | re.ASCII,
)


def _compose(text: str) -> Values:
    values: Values = {}
    at = 0
    while at < len(text):
        found = COMPOSE_BINDING.match(text, at)
        if found:
            value = _compose_value(found)
            values.pop(found["name"], None)
            if value is not None:
                values[found["name"]] = value
        at = found.end() if found else (text.find("\n", at) + 1 or len(text))
    return values


def _compose_value(found: typing.Match[str]) -> typing.Optional[str]:
    if found["single"] is not None:
        return found["single"].replace("\\'", "'")
    text = found["double"] if found["double"] is not None else found["raw"].split(" #")[0].rstrip()
    if re.search(r"(?<!\\)(?:\\\\)*\$", text):
        return None
    if found["double"] is None:
        return text
    return re.sub(r"\\([abfnrtv$\"\\])", lambda m: ESCAPES.get(m[1], m[1]), text)


def _engine(text: str) -> Values:
    """`docker --env-file` and `podman --env-file`: everything after `=` is data, quotes included."""
    values: Values = {}
    for line in text.split("\n"):
        name, sign, value = line[:-1].lstrip().partition("=") if line.endswith("\r") else line.lstrip().partition("=")
        if sign and not name.startswith("#") and len(line) < 65536 and not re.search(r"\s", name):
            values[name] = value
    return values


NODE_LINE = re.compile(
    r"""^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)"""
    r"""(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$""",
    re.MULTILINE | re.ASCII,
)


def _node(text: str) -> Values:
    values: Values = {}
    for found in NODE_LINE.finditer(re.sub(r"\r\n?", "\n", text)):
        value = (found[2] or "").strip()
        if value[:1] in ("'", '"', "`") and (len(value) == 1 or value[-1] != value[0]):
            continue  # dotenv and `node --env-file` disagree here
        inner = re.sub(r"^(['\"`])([\s\S]*)\1$", r"\2", value)
        if value.startswith('"'):
            inner = inner.replace("\\n", "\n").replace("\\r", "\r")
        values[found[1]] = inner
    return values


def _split(text: str, unquote: typing.Callable[[str], str] = lambda value: value) -> Values:
    values: Values = {}
    for line in map(str.strip, text.split("\n")):
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            values[name.strip()] = unquote(value.strip())
    return values


def _starlette(text: str) -> Values:
    return _split(text, lambda value: value.strip("\"'"))


def _decouple(text: str) -> Values:
    return _split(text, lambda value: value[1:-1] if len(value) > 1 and value[0] == value[-1] in "'\"" else value)


READERS: typing.Dict[str, typing.Callable[[str], Values]] = {
    "systemd": lambda text: Systemd().read(text),
    "bash": _shell,
    "dash": _shell,
    "python-dotenv": _dotenv,
    "python-dotenv-literal": _dotenv_literal,
    "compose": _compose,
    "docker": _engine,
    "podman": _engine,
    "node": _node,
    "starlette": _starlette,
    "decouple": _decouple,
    "split": _split,
}
