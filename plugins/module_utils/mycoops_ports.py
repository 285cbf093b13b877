"""A port is served by one program: who holds it is told before a second one is started in its place."""

from __future__ import annotations

import pathlib
import re
import typing
import urllib.parse

import mycoops_process as process

LISTENING = "0A"
PUBLISH = re.compile(r"(?:-p|--publish)(?:=|\Z)|-p(?=\d)")
ENGINE = re.compile(r"(?<=/)(?:libpod|docker|cri)-[^/\n]+|(?<=/docker/)[^/\n]+")
ENGINE_NAMES = ("conmon", "docker-proxy", "rootlessport", "slirp4netns")


class Holder(typing.NamedTuple):
    """Who listens: a process, its unit if it has one, and whether it serves for a container."""

    pid: int
    name: str
    unit: str
    engine: bool

    def __str__(self) -> str:
        return "a container" if self.engine else self.unit or f"the process {self.name}"


def published(arguments: typing.Sequence[str]) -> typing.List[int]:
    """Return the TCP ports of the host that arguments of `run` publish; a range counts by its ends."""
    found: typing.List[int] = []
    for at, word in enumerate(arguments):
        option = PUBLISH.match(word)
        if not option:
            continue
        told = word[option.end() :] or (arguments[at + 1] if at + 1 < len(arguments) else "")
        ports, _, protocol = told.partition("/")
        sides = re.sub(r"\[[^\]]*\]", "", ports).split(":")
        if protocol != "udp" and len(sides) > 1:
            found += [int(port) for port in sides[-2].split("-") if port.isdigit()]
    return found


def of_url(url: str) -> int:
    """Return the port that a URL of this host names; 0 for another host or none."""
    try:
        parts = urllib.parse.urlsplit(url)
        return (parts.port or 0) if parts.hostname in ("127.0.0.1", "localhost", "::1") else 0
    except ValueError:
        return 0


def holder(port: int) -> typing.Optional[Holder]:
    """Return who listens on a TCP port in this network; None where nobody does. systemd, for a socket unit, is nobody."""
    inodes = _listeners(port)
    if not inodes:
        return None
    for entry in pathlib.Path(process.PROC).iterdir():
        if entry.name.isdigit() and entry.name != "1" and _has(entry, inodes):
            return _who(entry)
    return None


def _listeners(port: int) -> typing.Set[str]:
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = pathlib.Path(f"{process.PROC}/net/{name}").read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _has(entry: pathlib.Path, inodes: typing.Collection[str]) -> bool:
    try:
        links = list((entry / "fd").iterdir())
    except OSError:
        return False
    for link in links:
        try:
            if str(link.readlink()) in inodes:
                return True
        except OSError:
            continue
    return False


def in_container(group: str, host: str) -> bool:
    """Whether a process runs in a container of this host, by what its cgroup file says and what that of process 1 says.

    The host may be a container itself: then everything on it lies below that one."""
    return not set(ENGINE.findall(group)) <= set(ENGINE.findall(host))


def _group(entry: pathlib.Path) -> str:
    try:
        return (entry / "cgroup").read_text()
    except OSError:
        return ""


def _who(entry: pathlib.Path) -> Holder:
    try:
        name = (entry / "comm").read_text().strip()
    except OSError:
        name = ""
    group = _group(entry)
    units = re.findall(r"([^/\n]+\.service)", group)
    engine = name in ENGINE_NAMES or in_container(group, _group(entry.parent / "1"))
    return Holder(int(entry.name), name, units[-1] if units else "", engine)
