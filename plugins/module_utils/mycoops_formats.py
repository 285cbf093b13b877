"""A file of secrets is read as the program that owns its format reads it, and an update changes the named entries only."""

from __future__ import annotations

import re
import typing

import mycoops_envfile as envfile
from mycoops_reply import Refusal

Line, EnvFile = envfile.Line, envfile.EnvFile
Values = typing.Dict[str, str]
QUOTED = re.compile(rb'"((?:[^"]|"")*)"')
CIFS = {"user": "username", "pass": "password", "dom": "domain", "workg": "domain"}
"""How mount.cifs tells the lines of a credentials file: by how they begin, in any case."""
MOSQUITTO = re.compile(r"\$[67]\$\S+\Z")
FORMATS = {
    "pgpass": re.compile(r"(?:(?:[^:\\\s#]|\\[:\\])(?:[^:\\\s]|\\[:\\])*:){3}(?:[^:\\\s]|\\[:\\])+\Z"),
    "cifs": re.compile(r"(?:username|password|domain)\Z"),
    "mosquitto": re.compile(r"[^\s:#\"][^\s:\"]*\Z"),
    "pgbouncer": re.compile(r"[^\s\"]+\Z"),
    "whole": envfile.NAME,
}
"""What an entry is called: host:port:database:user, a key, a user, or a word for the whole content."""


class Entries(EnvFile):
    """A parsed file whose entries begin as its format begins them."""

    def __init__(self, form: str, lines: typing.List[Line], whole: bytes = b"") -> None:
        super().__init__(b"", lines)
        self.form, self.whole = form, whole

    def begin(self, name: str) -> bytes:
        return {"cifs": f"{name}=", "pgbouncer": f'"{name}" '}.get(self.form, f"{name}:").encode()

    def upsert(self, values: typing.Mapping[str, bytes]) -> bytes:
        if self.form != "whole":
            return super().upsert(values)
        return next(iter(values.values()), self.whole)


def of(readers: typing.Sequence[str]) -> str:
    """Return the format that a file's readers stand for, empty for an env file. Raises Refusal where they do not go together."""
    found = [reader for reader in readers if reader in FORMATS]
    if found and len(readers) > 1:
        raise Refusal("invalid_request", f"a file in the format {found[0]} is nothing else")
    return found[0] if found else ""


def named(name: str, readers: typing.Sequence[str]) -> bool:
    """Whether an entry of such a file can be called so."""
    return bool(FORMATS.get(of(readers), envfile.NAME).match(name))


def parse(raw: bytes, readers: typing.Sequence[str] = ()) -> EnvFile:
    """Parse as `mycoops_envfile.parse` does. Raises Refusal `malformed_file` with `line` where the program would stop reading."""
    form = of(readers)
    if not form:
        return envfile.parse(raw, readers)
    if form == "whole":
        return Entries(form, [], raw)
    physical = re.findall(rb"[^\n]*\n|[^\n]+\Z", raw)
    return Entries(form, [_line(form, number, body) for number, body in enumerate(physical, 1)])


def read_as(reader: str, raw: bytes, names: typing.Collection[str] = ()) -> Values:
    """Return what the program takes the file to say; the whole content has whatever name it is asked for by."""
    form = of([reader])
    if not form:
        return envfile.read_as(reader, raw)
    if form == "whole":
        return dict.fromkeys(names, raw.decode("utf-8", "surrogateescape"))
    lines = [line for line in parse(raw, [reader]).lines if line.name]
    if form == "pgpass":
        return {line.name: _decoded(form, _first(lines, line).value) for line in lines}
    values: Values = {}
    for line in lines:
        values[line.name] = _decoded(form, line.value)
    return values


def encode(value: str, readers: typing.Sequence[str]) -> bytes:
    """Return what to write for an entry. Raises Refusal `cannot_encode` with the reason, never the value."""
    form = of(readers)
    if not form:
        return envfile.encode(value, readers)
    if form != "whole" and re.search(r"[\0\r\n]", value):
        raise Refusal("cannot_encode", f"{form} cannot read it back: the value has line breaks", reader=form)
    if form == "mosquitto" and not MOSQUITTO.match(value):
        raise Refusal("cannot_encode", "mosquitto keeps hashes: write the form <value|mosquitto>", reader=form)
    if form == "pgpass":
        value = re.sub(r"[:\\]", r"\\\g<0>", value)
    if form == "pgbouncer":
        value = '"' + value.replace('"', '""') + '"'
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Refusal("cannot_encode", "the value is not valid text", reader="") from None


def _line(form: str, number: int, raw: bytes) -> Line:
    body, ending = (raw[:-1], b"\n") if raw.endswith(b"\n") else (raw, b"")
    comment = {"pgbouncer": b";", "cifs": b"\0"}.get(form, b"#")
    if not body.strip() or body.startswith(comment):
        return Line(number, body, b"", ending)
    if form == "cifs":
        name, equals, value = body.partition(b"=")
        known = next((CIFS[word] for word in CIFS if equals and name.lstrip().lower().startswith(word.encode())), "")
        return Line(number, name + equals, value, ending, known) if known else Line(number, body, b"", ending)
    if form == "pgpass":
        fields = re.match(rb"((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):", body)
        if not fields:
            return Line(number, body, b"", ending)
        name = ":".join(encode(_decoded(form, field), [form]).decode("utf-8", "surrogateescape") for field in fields.groups())
        return Line(number, fields[0], body[fields.end() :], ending, name)
    if form == "mosquitto":
        name, colon, value = body.partition(b":")
        if not colon:
            raise Refusal("malformed_file", f"line {number}: not a user and a hash", line=number)
        return Line(number, name + colon, value, ending, name.decode("utf-8", "surrogateescape"))
    found = re.match(rb"\s*" + QUOTED.pattern + rb"\s*(?=\")", body)
    if not found or not QUOTED.match(body, found.end()):
        raise Refusal(
            "malformed_file", f"line {number}: pgbouncer reads two quoted texts here, and stops without them", line=number
        )
    return Line(number, found[0], body[found.end() :], ending, found[1].replace(b'""', b'"').decode("utf-8", "surrogateescape"))


def _decoded(form: str, value: bytes) -> str:
    if form == "pgpass":
        value = re.sub(rb"\\(.)", rb"\1", value)
    found = QUOTED.match(value) if form == "pgbouncer" else None
    return (found[1].replace(b'""', b'"') if found else value).decode("utf-8", "surrogateescape")


def _first(lines: typing.Sequence[Line], wanted: Line) -> Line:
    """The line that libpq takes: the first one whose every field is the same or a star."""
    fields = _fields(wanted.name)
    return next(line for line in lines if all(own in ("*", fields[at]) for at, own in enumerate(_fields(line.name))))


def _fields(name: str) -> typing.List[str]:
    return re.findall(r"((?:[^:\\]|\\.)*)(?::|\Z)", name)[:4]
