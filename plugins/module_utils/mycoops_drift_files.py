"""An env file against what it has to be: there, with these values, this owner and mode, in a directory of its owner's alone."""

from __future__ import annotations

import grp
import pathlib
import pwd
import typing

import mycoops_formats as formats
import mycoops_writer as writer
from mycoops_delivery_files import under
from mycoops_digests import Digests
from mycoops_drift_found import Found, held
from mycoops_reply import Refusal

Spec = typing.Mapping[str, typing.Any]
Names = typing.List[str]


class File:
    """One declared env file as it is now; `raw` is None where it is not there or not understood."""

    def __init__(self, spec: Spec, root: str) -> None:
        self.spec, self.path = spec, str(spec["path"])
        self.place = under(root, self.path)
        self.readers = tuple(spec.get("readers") or ()) or ("systemd",)
        self.services = [str(name) for name in spec.get("services") or ()]
        self.wanted = {str(entry["name"]): str(entry["digest"]) for entry in spec.get("entries") or ()}
        self.raw: typing.Optional[bytes] = None
        self.lines: typing.List[formats.Line] = []

    def look(self, digests: Digests, found: Found) -> None:
        """Note everything that differs about this file and the directory it is in."""
        self._directory(found)
        before = self._read(found)
        if before is None or before.raw is None or before.owner is None:
            return
        if self.wanted:
            self._access(before.owner, found)
        try:
            self.lines = formats.parse(before.raw, self.readers).lines
        except Refusal as refusal:
            found.add("file-unreadable", self.path, self.services, detail=self._words(refusal))
            return
        self.raw = before.raw
        self._content(digests, found)
        self._aliases(digests, found)

    def view(self, reader: str) -> typing.Dict[str, str]:
        """What a reader takes the file to mean; empty where it is not there."""
        return formats.read_as(reader, self.raw, self.wanted) if self.raw is not None else {}

    def _words(self, refusal: Refusal) -> str:
        there, declared = pathlib.PurePath(self.place), pathlib.PurePath(self.path)
        return refusal.message.replace(str(there), str(declared)).replace(str(there.parent), str(declared.parent))

    def _directory(self, found: Found) -> None:
        try:
            open_to_others = self.wanted and writer.shared(pathlib.Path(self.place).parent.stat())
        except OSError:
            return
        if open_to_others:
            parent = str(pathlib.PurePath(self.path).parent)
            found.add("directory", parent, self.services, detail="others may write to it")

    def _read(self, found: Found) -> typing.Optional[writer.Found]:
        try:
            before = writer.read(self.place, anywhere=True)
        except Refusal as refusal:
            missing = refusal.code == "missing_directory"
            if self.wanted or not missing:
                what = "file-missing" if missing else "file-unreadable"
                found.add(what, self.path, self.services, self.wanted if missing else (), self._words(refusal))
            return None
        if before.raw is None and self.wanted:
            found.add("file-missing", self.path, self.services, self.wanted)
        return before

    def _access(self, now: writer.Owner, found: Found) -> None:
        spec = self.spec
        try:
            mode = str(spec.get("mode") or "0600")
            wanted = writer.owner(self.path, spec.get("owner"), spec.get("group"), mode, now)
        except Refusal as refusal:
            found.add("access", self.path, self.services, detail=self._words(refusal))
            return
        if now != wanted:
            found.add("access", self.path, self.services, detail=f"{_shown(now)} instead of {_shown(wanted)}")

    def _content(self, digests: Digests, found: Found) -> None:
        views = [formats.read_as(reader, self.raw or b"", self.wanted) for reader in self.readers]
        assigned = {line.name for line in self.lines}
        missing = [name for name in self.wanted if name not in assigned and not any(name in view for view in views)]
        differing = [
            name
            for name, digest in self.wanted.items()
            if name not in missing
            and not (all(digests.same(view.get(name), digest) for view in views) and self._each(digests, name, digest))
        ]
        if missing:
            found.add("value-missing", self.path, self.services, missing)
        if differing:
            found.add("value-differs", self.path, self.services, differing)

    def _each(self, digests: Digests, name: str, digest: str) -> bool:
        """Whether a variable that is assigned more than once gets the same value each time."""
        lines = [line for line in self.lines if line.name == name]
        return len(lines) < 2 or all(
            digests.same(formats.read_as(reader, line.raw).get(name), digest) for line in lines for reader in self.readers
        )

    def _aliases(self, digests: Digests, found: Found) -> None:
        """Other lines that hold a value of a credential, or one of its names: no delivery ever writes them."""
        elsewhere, others = self.spec.get("elsewhere") or {}, self.spec.get("others") or {}
        values = [self.view(reader) for reader in self.readers]
        for line in self.lines:
            if line.name in self.wanted:
                continue
            labels, given = digests.within(line.raw), any(view.get(line.name) for view in values)
            names = [line.name] if line.name else []
            words = [held(labels)] if labels else []
            if given and line.name in elsewhere:
                words.append(f"it belongs into {elsewhere[line.name]}")
                found.add("value-surplus", self.path, self.services, names, "; ".join(words))
            elif labels:
                found.add("alias", self.path, self.services, names, words[0] if names else f"line {line.number} {words[0]}")
            elif given and line.name in others:
                found.add("alias", self.path, self.services, names, f"another name of {others[line.name]}, with another value")


def _shown(owner: writer.Owner) -> str:
    return f"{_account(owner.uid)}:{_group(owner.gid)} {owner.mode:04o}"


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
