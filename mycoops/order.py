"""In which order hosts and credentials are come to; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mycoops.catalogue import Catalogue
from mycoops.kinds import Kind

SEGMENTS = ("services", "authority admins", "rotator's key", "rotator's passwords")
"""The order of a plan: the rotator's own access goes last, keys before passwords."""


def admins_of(catalogue: Catalogue) -> frozenset[str]:
    """The credentials with which an authority is administered, or with which a secret of GitHub Actions is set."""
    credentials = catalogue.credentials.values()
    tokens = {one.github.token for declared in credentials for one in declared.outside if one.github}
    return frozenset(tokens | {declared.authority.admin for declared in credentials if declared.authority.admin})


def segment_of(credential: str, catalogue: Catalogue, kinds: Mapping[str, Kind], admins: frozenset[str]) -> int:
    """The part of the plan a credential belongs to (an index into SEGMENTS)."""
    kind = kinds[catalogue.credentials[credential].kind]
    if kind.own_access:
        return 3 if kind.overlap.one_slot else 2
    return 1 if credential in admins else 0


def host_order(catalogue: Catalogue, hosts: Iterable[str]) -> list[str]:
    """Hosts in the declared order; those not declared follow by name."""
    order: dict[str, int] = {}
    for number, host in enumerate(catalogue.fleet.host_order):
        order.setdefault(host, number)
    return sorted(set(hosts), key=lambda host: (order.get(host, len(order)), host))


def apart(catalogue: Catalogue, services: Iterable[str]) -> list[tuple[str, ...]]:
    """Hosts to deploy to together: as many as there are, but never two that share a service group."""
    groups: dict[str, set[str]] = {}
    for name in services:
        declared = catalogue.services[name]
        groups.setdefault(declared.host, set()).add(declared.group or name)
    found: list[list[str]] = []
    taken: list[set[str]] = []
    for host in host_order(catalogue, groups):
        place = next((number for number, names in enumerate(taken) if not names & groups[host]), len(found))
        if place == len(found):
            found.append([])
            taken.append(set())
        found[place].append(host)
        taken[place] |= groups[host]
    return [tuple(hosts) for hosts in found]


def waves(catalogue: Catalogue, services: Iterable[str]) -> list[tuple[str, ...]]:
    """Hosts to switch together: the canary alone, then up to `wave` hosts, never two that share a service group."""
    names = list(services)
    groups: dict[str, set[str]] = {}
    for name in names:
        declared = catalogue.services[name]
        groups.setdefault(declared.host, set()).add(declared.group or name)
    found: list[tuple[str, ...]] = []
    for host in host_order(catalogue, groups):
        last = found[-1] if len(found) > 1 else ()
        taken = {group for member in last for group in groups[member]}
        if last and len(last) < catalogue.fleet.wave and not taken & groups[host]:
            found[-1] = (*last, host)
        else:
            found.append((host,))
    return found
