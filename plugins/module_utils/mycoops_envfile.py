"""An env file is understood completely or refused by line number, and an update changes the named values only."""

from __future__ import annotations

import re
import typing

from mycoops_encoding import encode
from mycoops_reader_containers import BINDING
from mycoops_readers import NAME, READERS, read_as
from mycoops_reply import Refusal

__all__ = ["NAME", "READERS", "EnvFile", "Line", "encode", "parse", "read_as"]

BOM = b"\xef\xbb\xbf"
ASSIGNMENT = re.compile(rb"(?P<prefix>[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=)(?P<value>.*)\Z", re.S)
TAIL = rb"[ \t]*(?:[ \t]#[^\r\n]*)?\Z"
WHOLE = (
    re.compile(rb"""[ \t]*(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+""" + TAIL, re.S),
    re.compile(rb"""[ \t]*'(?:[^'\\]|\\.)*'""" + TAIL, re.S),
)
SHELL = re.compile(rb"""(?:'[^']*'|"(?:[^"\\`]|\\.)*"|\\.|[^\s'"\\;&|<>()`])*""" + TAIL, re.S)
SEVERAL = re.compile(rb"""[ \t]*(?:'[^']*'|"(?:[^"\\]|\\.)*")[ \t]*\Z""", re.S)
SHELLS, ENGINES = {"bash", "dash"}, {"docker", "podman"}
NEED_UTF8 = {"python-dotenv", "python-dotenv-literal", "django-environ", "starlette", "decouple", "split", "docker"}
LINE_BY_LINE = ENGINES | {"django-environ", "starlette", "decouple", "split"}


class Line(typing.NamedTuple):
    """One assignment (of one or more physical lines), comment or blank line, with its exact bytes."""

    number: int
    prefix: bytes
    value: bytes
    ending: bytes
    name: str = ""

    @property
    def raw(self) -> bytes:
        return self.prefix + self.value + self.ending


class EnvFile:
    """A parsed file; joining `raw` of its lines gives the input back."""

    def __init__(self, bom: bytes, lines: typing.List[Line]) -> None:
        self.bom, self.lines = bom, lines

    @property
    def raw(self) -> bytes:
        return self.bom + b"".join(line.raw for line in self.lines)

    def duplicates(self) -> typing.Dict[str, typing.List[int]]:
        """Return the line numbers of every name that is assigned more than once."""
        found: typing.Dict[str, typing.List[int]] = {}
        for line in self.lines:
            if line.name:
                found.setdefault(line.name, []).append(line.number)
        return {name: numbers for name, numbers in found.items() if len(numbers) > 1}

    def upsert(self, values: typing.Mapping[str, bytes]) -> bytes:
        """Return the bytes with each name set, in place at every assignment of it, else appended; all else is untouched."""
        lines = [line._replace(value=values[line.name]) if line.name in values else line for line in self.lines]
        known = {line.name for line in lines}
        missing = [name for name in values if name not in known]
        ending = b"\r\n" if lines and sum(line.ending == b"\r\n" for line in lines) * 2 > len(lines) else b"\n"
        if missing and lines and not lines[-1].ending:
            lines[-1] = lines[-1]._replace(ending=ending)
        added = [Line(0, self.begin(name), values[name], ending, name) for name in missing]
        return EnvFile(self.bom, lines + added).raw

    def begin(self, name: str) -> bytes:
        """Return what stands before the value of a new entry."""
        return name.encode() + b"="


def parse(raw: bytes, readers: typing.Sequence[str] = ()) -> EnvFile:
    """Parse strictly. Raises Refusal `malformed_env_file` with `line`, also where a declared reader would misread a line."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refused(1, "the file is UTF-16, not UTF-8")
    bom = BOM if raw.startswith(BOM) else b""
    if bom and set(readers) & (SHELLS | {"podman", "compose"}):
        raise _refused(1, "a byte order mark, which a declared reader takes for a part of the line")
    physical = re.findall(rb"[^\n]*\n|[^\n]+\Z", raw[len(bom) :])
    lines: typing.List[Line] = []
    at = 0
    while at < len(physical):
        line, taken = _line(physical, at, bool(readers) and set(readers) <= LINE_BY_LINE)
        _check(line, set(readers))
        lines.append(line)
        at += taken
    return EnvFile(bom, lines)


def _line(physical: typing.List[bytes], at: int, one_by_one: bool) -> typing.Tuple[Line, int]:
    number, (body, ending) = at + 1, _cut(physical[at])
    if b"\0" in body:
        raise _refused(number, "a NUL byte")
    if not body.strip() or body.lstrip().startswith(b"#"):
        return Line(number, body, b"", ending), 1
    found = ASSIGNMENT.match(body)
    if not found:
        raise _refused(number, "neither an assignment nor a comment")
    name, value = found["name"].decode(), found["value"]
    plain = one_by_one or value.lstrip(b" \t")[:1] not in (b"'", b'"')
    if plain or any(shape.match(value) for shape in WHOLE):
        return Line(number, found["prefix"], value, ending, name), 1
    for taken in range(2, len(physical) - at + 1):
        body, ending = _cut(b"".join(physical[at : at + taken]))
        value = body[len(found["prefix"]) :]
        if SEVERAL.match(value):
            return Line(number, found["prefix"], value, ending, name), taken
    raise _refused(number, "a quote is not closed, or text follows it")


def _cut(line: bytes) -> typing.Tuple[bytes, bytes]:
    ending = b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else b""
    return line[: len(line) - len(ending)], ending


def _check(line: Line, readers: typing.Set[str]) -> None:
    """Refuse what a declared reader would execute, swallow or stop at."""
    body = line.prefix + line.value
    if readers & NEED_UTF8 and not _is_utf8(body):
        raise _refused(line.number, "not UTF-8, where a declared reader gives the file up")
    if readers & SHELLS and line.ending == b"\r\n":
        raise _refused(line.number, "a shell takes the carriage return at the end for a part of the line")
    if body.endswith(b"\\") and readers & ({"systemd"} | (SHELLS if line.name else set())):
        raise _refused(line.number, "a backslash at the end joins the next line")
    if not line.name:
        return
    spaced = body.lstrip(b" \t").startswith(b"export") or line.prefix[-2:-1] in (b" ", b"\t")
    if spaced and readers & ENGINES:
        raise _refused(line.number, "a container engine takes no `export` and no blank before `=`")
    if "compose" in readers and not BINDING.fullmatch(body.decode("utf-8", "surrogateescape")):
        raise _refused(line.number, "compose gives the file up at this line")
    if not readers & SHELLS:
        return
    if line.prefix[-2:-1] in (b" ", b"\t") or line.value[:1] in (b" ", b"\t"):
        raise _refused(line.number, "a shell takes no blank around `=`")
    if not SHELL.match(line.value):
        raise _refused(line.number, "a shell would run or join a part of this line")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refused(number: int, why: str) -> Refusal:
    return Refusal("malformed_env_file", f"line {number}: {why}", line=number)
