"""Whether a contender did the work: judged by what the hosts hold, never by what it says; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass


class NotDone(Exception):
    """A contender's time is worth nothing: the hosts do not hold what it was to deliver."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a host; `file` and `process` are digests of the variables they hold, empty where there is none."""

    file: str
    mode: str
    written: int
    process: str
    pid: int
    starts: int
    restarts_by_itself: int
    stale_unit: bool
    dropped_in: bool
    healthy: bool


def digest(values: Mapping[str, str]) -> str:
    """The digest that a host tells of these variables."""
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()


def problems(before: Seen, after: Seen, wanted: str, starts: int) -> list[str]:
    """Everything that is wrong with a host that shall hold `wanted` after exactly so many starts of its service."""
    found = {
        "the file does not hold the values": after.file != wanted,
        f"the file has mode {after.mode or 'none'}": after.mode != "0600",
        "the process does not hold the values": after.process != wanted,
        "the drop-in is not in force": after.stale_unit or not after.dropped_in,
        "the service is not healthy": not after.healthy,
        f"{after.starts - before.starts} starts instead of {starts}": after.starts - before.starts != starts,
        "it restarted by itself": after.restarts_by_itself > 0,
    }
    if starts:
        found |= {"it is the same process as before": after.pid == before.pid, "there was nothing to change": before.file == wanted}
    else:
        found |= {"it is another process": after.pid != before.pid, "the file was written": after.written != before.written}
    return [text for text, wrong in found.items() if wrong]


def judge(contender: str, before: Mapping[str, Seen], after: Mapping[str, Seen], wanted: str, starts: int) -> None:
    """Raise NotDone unless every host was brought to `wanted` by exactly so many starts.

    The looks before a change go through the same test as a control: they must fail it."""
    if set(before) != set(after) or not after:
        raise NotDone(f"{contender}: not the same hosts before and after")
    for host, seen in after.items():
        if wrong := problems(before[host], seen, wanted, starts):
            raise NotDone(f"{contender} on {host}: {'; '.join(wrong)}")
        if starts and not problems(before[host], before[host], wanted, 0):
            raise NotDone(f"{contender} on {host}: the control passed: everything was there before")
