"""Which values each host is searched for, as requests made of references; and what its answer says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.kinds import Kind
from mycoops.model import Leak, Reply

Label = tuple[str, int]
PREFIX = "scan/"
PLACE_LENGTH = 400
MOST = 200
"""As many places of one host as are taken from its answer."""
KEY_PAIR = "ed25519"
"""A value of this shape opens by its public half: its authorities never get it, and are not searched for it."""


def holders(catalogue: Catalogue, kinds: Mapping[str, Kind], credential: str) -> set[str]:
    """The hosts that hold the value of a credential, or try it: its consumers and its authorities."""
    declared = catalogue.credentials[credential]
    services = [consumer.service for consumer in declared.services] + list(declared.authority.services)
    kind = kinds.get(declared.kind)
    authorities = () if kind and kind.generates == KEY_PAIR else declared.authority.all_hosts
    return {*authorities, *(catalogue.services[name].host for name in services)}


def requests(
    catalogue: Catalogue, kinds: Mapping[str, Kind], kept: Iterable[Label], hosts: Iterable[str], seconds: float
) -> dict[str, dict[str, Any]]:
    """A request for each of the hosts that holds a value: every kept generation of it, and the files it has to be in.

    `seconds` is how long ago the run began."""
    values: dict[str, list[dict[str, Any]]] = {host: [] for host in hosts}
    for credential, generation in kept:
        if credential in catalogue.credentials:
            for host in holders(catalogue, kinds, credential) & values.keys():
                reference = {"$form": "<value>", "credential": credential, "generation": generation}
                values[host].append({"credential": credential, "generation": generation, "value": reference})
    return {
        host: {"id": f"{PREFIX}{host}", "seconds": seconds, "excluded": env_files(catalogue, host), "values": found}
        for host, found in values.items()
        if found
    }


def env_files(catalogue: Catalogue, host: str) -> list[str]:
    """The declared env files of a host, and what they are written beside of."""
    services = [service for service in catalogue.services.values() if service.host == host]
    paths = {file.path for service in services for file in service.all_files}
    return sorted(name for path in paths for name in (path, f"{path}.mycoops-new"))


def leaks(host: str, reply: Reply, request: Mapping[str, Any]) -> list[Leak]:
    """What a host found; an answer about something it was not asked for is not believed."""
    asked = {(one["credential"], one["generation"]) for one in request["values"]}
    return [
        Leak(one["credential"], one["generation"], printable(one.get("place")), host)
        for one in _list(reply, "found")
        if isinstance(one, dict) and any((one.get("credential"), one.get("generation")) == label for label in asked)
    ]


def skipped(host: str, reply: Reply) -> list[str]:
    """What a host did not search."""
    return [f"{host}: {printable(one)}" for one in _list(reply, "skipped")]


def _list(reply: Reply, name: str) -> list[Any]:
    told = reply.data.get(name)
    return told[:MOST] if isinstance(told, list) else []


def printable(place: object) -> str:
    """What a host says of a place, on one line and no longer than a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(place))[:PLACE_LENGTH]
