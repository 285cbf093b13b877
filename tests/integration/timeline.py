"""When services stopped and started, asked of systemd and podman: what mycoops says of itself is not asked."""

from __future__ import annotations

import restarts as lab_restarts
from restarts import Window

from tests.integration.lab import Lab


def starts(lab: Lab, service: str, since: float, until: float) -> int:
    """How often a service was started between two moments (seconds since 1970)."""
    return sum(1 for when in lab_restarts.starts(lab.name, service, since) if when <= until)


def reloads(lab: Lab, service: str, since: float, until: float) -> int:
    """How often a service was told to read its files again between two moments."""
    return sum(1 for when in lab_restarts.reloads(lab.name, service, since) if when <= until)


def restarts(lab: Lab, service: str, since: float) -> list[Window]:
    """The restarts of a service."""
    return lab_restarts.restarts(lab.name, service, since)
