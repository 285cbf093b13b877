"""When services stopped and started, asked of systemd and podman: what mycoops says of itself is not asked."""

from __future__ import annotations

import restarts as lab_restarts
from restarts import Window

from tests.integration.lab import Lab


def starts(lab: Lab, service: str, since: float) -> int:
    """How often a service was started."""
    return lab_restarts.starts(lab.name, service, since)


def reloads(lab: Lab, service: str, since: float) -> int:
    """How often a service was told to read its files again."""
    return lab_restarts.reloads(lab.name, service, since)


def restarts(lab: Lab, service: str, since: float) -> list[Window]:
    """The restarts of a service."""
    return lab_restarts.restarts(lab.name, service, since)
