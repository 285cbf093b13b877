"""Gives the vault another password in one step: all files lie beside the old ones before it, and a reader sees all old or all new.

It knows files only. Before the decision every file in place is read, after it the new one beside it, until that has its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mycoops import durable
from mycoops.errors import Finding

MARKER = ".rekey.json"
"""Its existence is the decision; in it stands the journal that tells of it."""
BESIDE = ".rekeyed"
"""The end of the name of a file that waits for its place."""
NEXT = ".next"
"""The same of the password's own file."""
FIX = "Finish it: `mycoops vault rekey`. It asks for nothing."


def beside(path: Path, ending: str = BESIDE) -> Path:
    """Where what is to replace a file waits: hidden, so that Ansible does not read it."""
    return path.with_name(f".{path.name}{ending}")


def decided(fleet: Path) -> bool:
    """Whether the new password is in force, and the switch was cut off before its end."""
    return (fleet / MARKER).exists()


def read(fleet: Path, path: Path) -> bytes:
    """The content in force of a file of the vault. Raises FileNotFoundError."""
    if decided(fleet):
        try:
            return beside(path).read_bytes()
        except FileNotFoundError:
            pass  # it has its place
    return path.read_bytes()


def password_file(fleet: Path, path: Path) -> Path:
    """Which file holds the password in force, where the catalogue names `path`."""
    new = beside(path.resolve(), NEXT)
    return new if decided(fleet) and new.exists() else path


def findings(fleet: Path) -> list[Finding]:
    """What `check` says of a switch that was cut off: nothing else may write before its end."""
    problem = "the vault has a new password, and not every file of it is in its place"
    return [Finding(str(fleet / MARKER), problem, FIX)] if decided(fleet) else []


def prepare(files: Mapping[Path, bytes], password: Path | None, new: bytes) -> None:
    """Lay everything beside what it is to replace, durably; `password` is the file of the password, where it lies in one.

    Raises NotWritten; then, and after a crash, `discard` removes what is there already."""
    if password:
        durable.replace(beside(password.resolve(), NEXT), new)
    for path, content in files.items():
        durable.replace(beside(path), content)


def decide(fleet: Path, journal: str) -> None:
    """From here on the new password is in force. Raises NotWritten, after which `decided` says whether it is."""
    durable.replace(fleet / MARKER, json.dumps({"journal": journal}).encode())


def journal(fleet: Path) -> str:
    """The name of the journal that tells of the switch; empty where it cannot be told."""
    try:
        return str(json.loads((fleet / MARKER).read_bytes())["journal"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def settle(fleet: Path, password: Path | None) -> None:
    """Bring everything to its place, the password first; repeating it changes nothing. Raises NotWritten."""
    if password and (new := beside(password.resolve(), NEXT)).exists():
        durable.move(new, password.resolve())
    for left in _waiting(fleet):
        durable.move(left, left.with_name(left.name[1:].removesuffix(BESIDE)))


def end(fleet: Path) -> None:
    """Everything has its place: the files in place are read again, and may be written. Raises NotWritten."""
    durable.remove(fleet / MARKER)


def discard(fleet: Path, password: Path | None) -> None:
    """Remove what a preparation left that was never decided. Raises NotWritten."""
    for left in _waiting(fleet):
        durable.remove(left)
    if password:
        durable.remove(beside(password.resolve(), NEXT))


def _waiting(fleet: Path) -> Iterator[Path]:
    for directory in (fleet / "group_vars" / "all", fleet / "pending"):
        yield from sorted(directory.glob(f".*{BESIDE}"))
