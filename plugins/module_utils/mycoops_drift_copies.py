"""Files beside an env file that were left over from it: by what they are called and what they set, or by a value they hold."""

from __future__ import annotations

import os
import pathlib
import re
import stat
import typing

import mycoops_writer as writer
from mycoops_digests import Digests
from mycoops_drift_files import File
from mycoops_drift_found import Found, held
from mycoops_haystack import shown
from mycoops_reply import Refusal

LARGEST = 64 << 10
"""Bytes of a file that may be a copy of an env file."""
WORDS = "bak|backup|old|orig|save|saved|copy|prev|previous|tmp|temp|new|swp|swo|swn|dpkg-[a-z]+|rpm[a-z]+|ucf-[a-z]+"
LEFT = re.compile(rf"(?:~|#|[._-](?:{WORDS}|\d[\dT:_.-]*Z?)\d*)+\Z", re.IGNORECASE)
"""What editors, packages and people put behind the name of a file they keep."""


def look(files: typing.Sequence[File], digests: Digests, found: Found) -> None:
    """Note every leftover beside these files. A declared file is none, and nor is what only looks like an example."""
    declared = {file.place for file in files}
    for file in files:
        for name in _beside(file):
            place = str(pathlib.PurePath(file.place).with_name(name))
            if place not in declared:
                _judge(file, place, name, digests, found)


def _beside(file: File) -> typing.List[str]:
    own = pathlib.PurePath(file.place).name
    try:
        return sorted(name for name in os.listdir(pathlib.PurePath(file.place).parent) if own in name)  # noqa: PTH208
    except OSError:
        return []


def _judge(file: File, place: str, name: str, digests: Digests, found: Found) -> None:
    own = pathlib.PurePath(file.path)
    residue = name.endswith(writer.RESIDUE)
    begins = next((start for start in ("", ".", "#") if name.startswith(f"{start}{own.name}")), None)
    left = begins is not None and LEFT.fullmatch(name[len(begins) + len(own.name) :])
    size = _size(place)
    if size is None:
        return
    raw = _raw(place) if size <= LARGEST else None
    names = [variable for variable in file.wanted if raw and _sets(raw, variable)]
    labels = digests.within(raw) if raw else []
    if residue or labels or (left and (names or raw is None)):
        detail = held(labels) if labels else f"{size} bytes, not looked into" if raw is None else ""
        found.add("copy", shown(str(own.with_name(name))), file.services, names, detail)


def _size(place: str) -> typing.Optional[int]:
    """The length of a regular file that is no link; None for anything else."""
    try:
        status = os.lstat(place)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _raw(place: str) -> typing.Optional[bytes]:
    try:
        return writer.read(place, anywhere=True).raw
    except Refusal:
        return None


def _sets(raw: bytes, name: str) -> bool:
    """Whether somewhere in the bytes, which may be an editor's own format, a variable gets a text that is not empty."""
    return bool(re.search(rb"(?<!\w)" + re.escape(name.encode()) + rb"[ \t]*=[ \t]*['\"]?[^\s'\"]", raw))
