"""Refused logins as an authority tells of them: one entry for each address, with the host it is known to be."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
import typing

MOST = 100
"""How many addresses are told, those seen last."""
LOOKUP_SECONDS = 5.0
"""How long names of hosts are looked up, all together."""
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")
LOCAL = "local"
"""In place of an address: a login over a socket of the authority's own host."""
SLACK_SECONDS = 2.0
"""How far ahead of this clock a time may be that was rounded."""
Sighting = typing.Dict[str, typing.Any]


def since(request: dict) -> float:
    """From when on refused logins count, by the clock of this host: the last that mycoops made itself lie before that.

    `since` and `now` are of the control node's clock, which need not agree with this one; `now` is when the request was sent."""
    return float(request["since"]) + time.time() - float(request["now"])


class Sightings:
    """Collects refused logins that count."""

    def __init__(self, request: dict) -> None:
        self.since = since(request)
        self._host = str(request.get("host", ""))
        self._names: typing.Mapping[str, typing.Sequence[str]] = request.get("hosts") or {}
        self._found: typing.Dict[str, Sighting] = {}

    def add(self, address: str, when: float, count: int = 1, first: typing.Optional[float] = None) -> None:
        """Take one in, unless it is too old, of the future, or what stands for its address is none."""
        plain = normal(address)
        if not (self.since < when <= time.time() + SLACK_SECONDS and plain):
            return
        earliest = max(self.since, when if first is None else first)
        entry = self._found.setdefault(plain, {"address": plain, "host": "", "first": earliest, "last": when, "count": 0})
        entry.update(first=min(entry["first"], earliest), last=max(entry["last"], when), count=entry["count"] + count)

    def told(self) -> typing.List[Sighting]:
        """What was collected, newest first, with the names of hosts."""
        newest = sorted(self._found.values(), key=lambda entry: entry["last"], reverse=True)[:MOST]
        known = hosts(self._names) if newest else {}
        for entry in newest:
            own = entry["address"] == LOCAL or is_loopback(entry["address"])
            entry["host"] = self._host if own else known.get(entry["address"], "")
        return newest


def normal(text: str) -> str:
    """An address as it is written shortest, a name as it is, `local` for a socket; empty for anything else."""
    if text in ("[local]", LOCAL):
        return LOCAL
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text if HOST.match(text) else ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def is_loopback(text: str) -> bool:
    """Whether an address is of this host alone."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def hosts(names: typing.Mapping[str, typing.Sequence[str]]) -> typing.Dict[str, str]:
    """The host of each address, as this host resolves their names; an address of two hosts is nobody's."""
    owners: typing.Dict[str, typing.Set[str]] = {}
    lock = threading.Lock()

    def look(host: str, name: str) -> None:
        for address in _resolved(name):
            with lock:
                owners.setdefault(address, set()).add(host)

    pairs = [(host, name) for host, others in names.items() for name in others]
    threads = [threading.Thread(target=look, args=pair, daemon=True) for pair in pairs]
    limit = time.monotonic() + LOOKUP_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, limit - time.monotonic()))
    with lock:
        return {address: next(iter(found)) for address, found in owners.items() if len(found) == 1}


def _resolved(name: str) -> typing.Set[str]:
    try:
        found = {normal(str(entry[4][0])) for entry in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return {name}
    return {name, *(address for address in found if not is_loopback(address))}
