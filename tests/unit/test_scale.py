"""The work of a plan and of a deploy grows with the fleet, not with its square: lines that run are counted, no time is taken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from benchmarks import fleet
from mycoops import content, kinds
from mycoops.catalogue import Catalogue
from mycoops.delivery import Generations, Requests
from mycoops.kinds import Kind
from mycoops.order import apart
from mycoops.plan import Held
from mycoops.planner import make

KINDS = kinds.load((content.path("roles"),))
TIMES = 4
MOST = 1.5 * TIMES
"""Twice what is linear would be 8, what grows with the square 16."""


def lines(work: Callable[[], object]) -> int:
    """How many lines of Python run in a piece of work, and how often a function or a generator is entered."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event in ("line", "call")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def declared(size: int) -> tuple[Catalogue, dict[str, Kind]]:
    """So many hosts, each with one service that reads two credentials of its own."""
    document, hosts = fleet.catalogue(size, 10), fleet.host_names(size)
    credential = document["mycoops_credentials"][fleet.CREDENTIALS[0]]
    names = [f"c{number}" for number in range(2 * size)]
    services, credentials = {}, {"ssh_key_rotator": document["mycoops_credentials"]["ssh_key_rotator"]}
    for number, (host, service) in enumerate(document["mycoops_services"].items()):
        mine = names[2 * number : 2 * number + 2]
        services[host] = {**service, "reads": [name.upper() for name in mine]}
        for name in mine:
            credentials[name] = {
                **credential,
                "principal": name,
                "consumers": [{"service": host, "env": {name.upper(): "<value>"}}],
            }
    fleet_settings = {**document["mycoops_fleet"], "host_order": hosts}
    return Catalogue.model_validate({
        **document, "mycoops_fleet": fleet_settings, "mycoops_services": services, "mycoops_credentials": credentials
    }), dict(KINDS)  # fmt: skip


def requests(catalogue: Catalogue, known: dict[str, Kind]) -> object:
    found = {(name, one.service): 1 for name, credential in catalogue.credentials.items() for one in credential.services}
    return Requests(catalogue, known, Generations(found, {}, {}, {}), 1).for_services(catalogue.services)


def plan(catalogue: Catalogue, known: dict[str, Kind]) -> object:
    held = {name: Held(1, "", 1) for name in catalogue.credentials}
    return make(catalogue, known, held, catalogue.credentials, label="2026-Q1", reason="test")


def groups(catalogue: Catalogue, known: dict[str, Kind]) -> object:
    return apart(catalogue, catalogue.services)


def grown(work: Callable[[Catalogue, dict[str, Kind]], object], size: int = 60) -> float:
    """How many times as much work a fleet is that is `TIMES` as large."""
    small, large = (declared(each) for each in (size, size * TIMES))
    return lines(lambda: work(*large)) / lines(lambda: work(*small))


@pytest.mark.parametrize("work", [groups, plan, requests])
def test_work_grows_with_the_fleet(work: Callable[[Catalogue, dict[str, Kind]], object]) -> None:
    assert grown(work) < MOST


def test_what_grows_with_the_square_is_seen() -> None:
    assert grown(lambda catalogue, _: [one for one in catalogue.services for other in catalogue.services]) > MOST
