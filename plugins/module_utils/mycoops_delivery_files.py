"""All files of a delivery are planned and verified before the first byte is written."""

from __future__ import annotations

import pathlib
import typing

import mycoops_formats as formats
import mycoops_writer as writer
from mycoops_reply import Refusal


class Planned(typing.NamedTuple):
    """One env file: what is there, what shall be there, and what to go back to."""

    path: str
    place: str
    readers: typing.Tuple[str, ...]
    before: writer.Found
    raw: bytes
    owner: writer.Owner
    values: typing.Dict[str, str]
    previous: typing.Dict[str, str]
    names: typing.Tuple[str, ...]
    credentials: typing.Tuple[str, ...]
    duplicates: typing.Dict[str, typing.List[int]]

    @property
    def changed(self) -> bool:
        return self.raw != self.before.raw or self.owner != self.before.owner

    def report(self) -> typing.Dict[str, typing.Any]:
        """Return what may be told: names, never values."""
        told: typing.Dict[str, typing.Any] = {"path": self.path, "changed": self.changed, "names": list(self.names)}
        if self.duplicates:
            told["duplicates"] = self.duplicates
        return told


def under(root: str, path: str) -> str:
    """Return where an absolute path lies under `root`. Raises Refusal `invalid_request`."""
    if not path.startswith("/") or ".." in pathlib.PurePath(path).parts or "\n" in path:
        raise Refusal("invalid_request", "a path must be absolute, without .. and line breaks")
    return str(pathlib.PurePath(root) / path.lstrip("/"))


def plan(spec: typing.Mapping[str, typing.Any], root: str) -> Planned:
    """Parse, encode, merge and read back in memory. Raises Refusal with `path`; nothing is written."""
    path = str(spec["path"])
    place = under(root, path)
    try:
        return _plan(spec, path, place)
    except Refusal as refusal:
        refusal.facts["path"] = path
        refusal.message = f"{path}: {refusal.message.replace(place, path)}" if path not in refusal.message else refusal.message
        raise


def _plan(spec: typing.Mapping[str, typing.Any], path: str, place: str) -> Planned:
    readers, entries = tuple(spec.get("readers") or ()), list(spec.get("entries") or ())
    values, previous = _texts(entries, "value", readers), _texts(entries, "previous", readers)
    if len(values) != len(entries):
        raise Refusal("invalid_request", "every entry needs its own name and a value")
    before = writer.read(place)
    raw, names = merge(before.raw or b"", values, readers)
    return Planned(
        path=path,
        place=place,
        readers=readers,
        before=before,
        raw=raw,
        owner=writer.owner(path, spec.get("owner"), spec.get("group"), str(spec.get("mode") or "0600"), before.owner),
        values=values,
        previous=previous,
        names=names,
        credentials=tuple(str(entry["credential"]) for entry in entries if entry.get("credential")),
        duplicates=formats.parse(before.raw or b"", readers).duplicates(),
    )


def _texts(
    entries: typing.Sequence[typing.Mapping[str, typing.Any]], key: str, readers: typing.Sequence[str]
) -> typing.Dict[str, str]:
    found = {str(entry["name"]): entry[key] for entry in entries if entry.get(key) is not None}
    for name, value in found.items():
        if not isinstance(value, str) or not formats.named(name, readers):
            raise Refusal("invalid_request", "a variable needs a portable name and a text, an entry one of its format", name=name)
    return found


def merge(
    raw: bytes, values: typing.Mapping[str, str], readers: typing.Sequence[str]
) -> typing.Tuple[bytes, typing.Tuple[str, ...]]:
    """Return the bytes with the values set, and the names that had to change; every declared reader is asked."""
    parsed = formats.parse(raw, readers)
    views = {reader: formats.read_as(reader, raw, values) for reader in readers}
    repeated = parsed.duplicates()
    changes = {}
    for name, value in values.items():
        encoded = formats.encode(value, readers)
        now = [line.value for line in parsed.lines if line.name == name]
        same = bool(now) and set(now) == {encoded}
        if not same and (name in repeated or not views or any(view.get(name) != value for view in views.values())):
            changes[name] = encoded
    merged = parsed.upsert(changes)
    _read_back(merged, values, views)
    return merged, tuple(changes)


def _read_back(raw: bytes, values: typing.Mapping[str, str], before: typing.Mapping[str, typing.Mapping[str, str]]) -> None:
    formats.parse(raw, tuple(before))
    for reader, others in before.items():
        view = formats.read_as(reader, raw, values)
        if any(view.get(name) != value for name, value in others.items() if name not in values):
            raise Refusal("misread", f"{reader} would read another variable differently", reader=reader)
        for name, value in values.items():
            if view.get(name) != value:
                raise Refusal("misread", f"{reader} would not read {name} as it is meant", reader=reader, name=name)


def room(files: typing.Iterable[Planned]) -> None:
    """See that every changed file can be written. Raises Refusal with `path` before the first one is."""
    for file in files:
        if file.changed:
            writer.room(file.place, len(file.raw))


def write_all(files: typing.Iterable[Planned]) -> None:
    """Write every changed file and read it back. Raises Refusal after putting back those already written."""
    touched: typing.List[Planned] = []
    for file in files:
        if not file.changed:
            continue
        touched.append(file)
        try:
            writer.write(file.place, file.raw, file.owner)
            if writer.read(file.place).raw != file.raw:
                raise Refusal("write_failed", f"{file.path}: the disk gives back other bytes", path=file.path)
        except Refusal as refusal:
            put_back(touched, refusal)
            raise


def put_back(files: typing.Iterable[Planned], cause: Refusal) -> None:
    """Make files what they were before this run. Raises Refusal `half_written` where one stays as it was made."""
    stay = []
    for file in files:
        try:
            if writer.read(file.place) == file.before:
                continue
            if file.before.raw is None or file.before.owner is None:
                writer.remove(file.place)
            else:
                writer.write(file.place, file.before.raw, file.before.owner)
        except Refusal:
            stay.append(file.path)
    if stay:
        message = f"{cause.message}; and {', '.join(stay)} could not be put back"
        raise Refusal("half_written", message, **{**cause.facts, "path": stay[0]}) from None


def restore(file: Planned) -> typing.Dict[str, str]:
    """Write the previous values (those of the request first, else those found before); return what a process must hold.

    A file this run did not change is taken back by the previous values alone. Raises Refusal `nothing_to_restore`."""
    base = file.before.raw or b""
    values = {name: value for name, value in file.previous.items() if name in file.values}
    raw, _ = merge(base, values, file.readers)
    if raw == file.raw:
        raise Refusal("nothing_to_restore", f"{file.path}: no other value to go back to", path=file.path)
    if file.before.raw is None and not values:
        writer.remove(file.place)
        return {}
    writer.write(file.place, raw, file.before.owner or file.owner)
    view = formats.read_as((file.readers or ("systemd",))[0], raw, file.values)
    return {name: values.get(name, view.get(name, "")) for name in file.values if name in values or name in view}


def restore_all(planned: typing.Iterable[Planned]) -> typing.Dict[str, typing.Dict[str, str]]:
    """Restore every file that has something to go back to; return by path what a process must hold after it."""
    restored: typing.Dict[str, typing.Dict[str, str]] = {}
    for file in planned:
        try:
            restored[file.path] = restore(file)
        except Refusal as refusal:
            if refusal.code != "nothing_to_restore":
                raise
    return restored
