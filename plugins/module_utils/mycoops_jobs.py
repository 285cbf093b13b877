"""A job reads its files when it starts: it has a value once no run from before the change is left."""

from __future__ import annotations

import os
import pathlib
import time
import typing

import mycoops_process as process

MARGIN = 1.0
"""Seconds after a change in which a run that began counts as one from before it."""
UNDER_WAY = "a run from before the change is under way"


def pids(program: str) -> typing.List[int]:
    """Return the processes whose program, or the script it runs, is at this path."""
    if not program:
        return []
    found = []
    for entry in pathlib.Path(process.PROC).iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _runs(entry, program):
            found.append(int(entry.name))
    return found


def _runs(entry: pathlib.Path, program: str) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
        exe = str((entry / "exe").readlink())
    except OSError:
        return False
    return exe == program or program.encode() in words[:2]


def before(running: typing.Iterable[int], places: typing.Iterable[str]) -> bool:
    """Whether one of these processes began before the last change of one of these files."""
    changed = max((_changed(place) for place in places), default=0.0)
    return bool(changed) and any(_began_before(pid, changed) for pid in running)


def _began_before(pid: int, changed: float) -> bool:
    age = process.age(pid)
    return age > 0 and time.time() - age < changed + MARGIN


def _changed(place: str) -> float:
    try:
        return pathlib.Path(place).stat().st_ctime
    except OSError:
        return 0.0
