"""When the services of a lab stopped and started, from systemd's journal and podman's events: nobody else is asked."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

STARTED = "39f53479d3a045ac8e11786248231fbf"
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
RELOADED = "7b05ebc668384222baa8881179cfda54"
"""What systemd calls these messages (systemd.journal-fields(7), MESSAGE_ID)."""
LISTENS = "listens on port"
TOLD_LATE_SECONDS = 0.5
"""Podman tells of a container's end when it has cleaned up after it: on a loaded machine, so much after it stopped to listen."""

PLACES: Mapping[str, tuple[str, str]] = {
    "mindex-api": ("mindex", "mindex-api.service"),
    "mas-orchestrator": ("mas", "mas-orchestrator.service"),
    "mas-agent": ("mas", "mas-agent.service"),
    "website-blue": ("sandbox", "website@blue.service"),
    "website-green": ("sandbox", "website@green.service"),
    "mycorrhizae-api": ("sandbox", ""),
}
"""Every service of the lab: its host and its unit; the one without a unit is a container of that name."""


@dataclass(frozen=True)
class Window:
    """One restart, in seconds since 1970: from the order to stop to the moment the service listens again."""

    begun: float
    ended: float


def starts(lab: str, service: str, since: float) -> list[float]:
    """When a service was started."""
    return _systemd(lab, service, since, STARTED) if PLACES[service][1] else _container(lab, service, since, "start")


def reloads(lab: str, service: str, since: float) -> list[float]:
    """When a service was told to read its files again."""
    return _systemd(lab, service, since, RELOADED) if PLACES[service][1] else []


def restarts(lab: str, service: str, since: float) -> list[Window]:
    """The restarts of a service; one that never came back lasts a minute."""
    unit = PLACES[service][1]
    if unit:
        stops = _systemd(lab, service, since, STOPPING)
        listens = [when for when, text in _entries(lab, service, since, f"_SYSTEMD_UNIT={unit}") if LISTENS in text]
    else:
        stops = [when - TOLD_LATE_SECONDS for when in _container(lab, service, since, "died")]
        lines = _host(lab, service, "podman", "logs", "--timestamps", service).splitlines()
        listens = [_moment(line.split()[0]) for line in lines if LISTENS in line]
    return [Window(stop, min((when for when in listens if when > stop), default=stop + 60)) for stop in stops]


def _host(lab: str, service: str, *argv: str) -> str:
    """What a command on the service's host prints, on both streams."""
    command = ["podman", "exec", f"mycoops-{lab}-{PLACES[service][0]}", *argv]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    return done.stdout.decode(errors="replace")


def _entries(lab: str, service: str, since: float, *matches: str) -> list[tuple[float, str]]:
    lines = _host(lab, service, "journalctl", "-q", "-o", "json", "--no-pager", f"--since=@{since:.6f}", *matches).splitlines()
    found = [json.loads(line) for line in lines]
    return [(int(one["__REALTIME_TIMESTAMP"]) / 1e6, str(one.get("MESSAGE", ""))) for one in found]


def _systemd(lab: str, service: str, since: float, message: str) -> list[float]:
    unit = PLACES[service][1]
    return [when for when, _ in _entries(lab, service, since, "_PID=1", f"UNIT={unit}", f"MESSAGE_ID={message}")]


def _container(lab: str, service: str, since: float, what: str) -> list[float]:
    lines = _host(lab, service, "podman", "events", "--stream=false", f"--since={int(since)}", "--format", "json").splitlines()
    events = [json.loads(line) for line in lines]
    mine = [event for event in events if event.get("Name") == service and event.get("Status") == what]
    return sorted(when for event in mine if (when := _when(event)) >= since)


def _when(event: dict[str, object]) -> float:
    if "timeNano" in event:
        return int(str(event["timeNano"])) / 1e9
    return _moment(str(event.get("Time", event.get("time"))))


def _moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 moment with up to nine digits of a second."""
    short = re.sub(r"(\.\d{1,6})\d*", r"\1", text).replace("Z", "+00:00")
    return datetime.fromisoformat(short).astimezone(UTC).timestamp()
