"""When services stopped and started, from systemd's journal and podman's events: what mycoops says of itself is not asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.integration.hosts import SERVICES
from tests.integration.lab import Lab

STARTED = "39f53479d3a045ac8e11786248231fbf"
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
RELOADED = "7b05ebc668384222baa8881179cfda54"
"""What systemd calls these messages (systemd.journal-fields(7), MESSAGE_ID)."""
LISTENS = "listens on port"


@dataclass(frozen=True)
class Window:
    """One restart: from the order to stop to the moment the service listens again."""

    begun: float
    ended: float


def _entries(lab: Lab, service: str, since: float, *matches: str) -> list[tuple[float, str]]:
    host = lab.hosts[SERVICES[service][0]]
    lines = host.text("journalctl", "-o", "json", "--no-pager", f"--since=@{since:.6f}", *matches).splitlines()
    found = [json.loads(line) for line in lines]
    return [(int(one["__REALTIME_TIMESTAMP"]) / 1e6, str(one.get("MESSAGE", ""))) for one in found]


def _systemd(lab: Lab, service: str, since: float, message: str) -> list[float]:
    unit = SERVICES[service][1]
    return [when for when, _ in _entries(lab, service, since, "_PID=1", f"UNIT={unit}", f"MESSAGE_ID={message}")]


def starts(lab: Lab, service: str, since: float) -> int:
    """How often a service was started."""
    return len(_container(lab, service, since, "start") if not SERVICES[service][1] else _systemd(lab, service, since, STARTED))


def reloads(lab: Lab, service: str, since: float) -> int:
    """How often a service was told to read its files again."""
    return len(_systemd(lab, service, since, RELOADED)) if SERVICES[service][1] else 0


def restarts(lab: Lab, service: str, since: float) -> list[Window]:
    """The restarts of a service."""
    unit = SERVICES[service][1]
    if unit:
        stops = _systemd(lab, service, since, STOPPING)
        listens = [when for when, text in _entries(lab, service, since, f"_SYSTEMD_UNIT={unit}") if LISTENS in text]
    else:
        stops = _container(lab, service, since, "died")
        log = lab.hosts["sandbox"].call("podman", "logs", "--timestamps", service)
        text = (log.stdout + log.stderr).decode()
        listens = [_moment(line.split()[0]) for line in text.splitlines() if LISTENS in line]
    return [Window(stop, min((when for when in listens if when > stop), default=stop + 60)) for stop in stops]


def _container(lab: Lab, service: str, since: float, what: str) -> list[float]:
    lines = (
        lab.hosts["sandbox"].text("podman", "events", "--stream=false", f"--since={int(since)}", "--format", "json").splitlines()
    )
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
