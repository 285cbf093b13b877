"""Reads from a fleet's inventory what the lab has to boot: names, services and ports, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from mycoops.errors import LabError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True)
class Host:
    """One container of the lab."""

    name: str
    container: str
    ssh_port: int
    user: str
    services: tuple[str, ...]
    privileged: bool
    publish: tuple[tuple[int, int], ...]

    def digest(self, image: str) -> str:
        """Changes when the running container no longer is what is asked for: `image` names the image and all that goes with it."""
        return hashlib.sha256(json.dumps([image, asdict(self)], sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Fleet:
    """One lab: its name, its hosts, and the fleet directory whose values its authorities know."""

    name: str
    hosts: tuple[Host, ...]
    directory: Path

    @property
    def network(self) -> str:
        return f"mycoops-{self.name}"

    def host(self, name: str) -> Host:
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"the lab {self.name} has no host {name}", hint="hosts: " + ", ".join(h.name for h in self.hosts))


def load(fleet_dir: Path) -> Fleet:
    """The lab of a fleet directory; raises LabError when its hosts.yml is not one of a lab."""
    source = fleet_dir / "hosts.yml"
    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise LabError(f"{source} cannot be read: {type(error).__name__}") from error
    everything = (document or {}).get("all") or {}
    variables = everything.get("vars") or {}
    name = variables.get("lab_name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise LabError(f"{source} is not the inventory of a lab", hint="set all.vars.lab_name (a-z, 0-9, -)")
    found: dict[str, dict[str, Any]] = {}
    _collect(everything, variables, found)
    hosts = [_host(source, name, host, values) for host, values in found.items() if values.get("lab_services") is not None]
    if not hosts:
        raise LabError(f"{source} has no host with lab_services")
    _refuse_shared_ports(source, hosts)
    return Fleet(name, tuple(hosts), fleet_dir.resolve())


def _collect(group: dict[str, Any], inherited: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    for host, values in (group.get("hosts") or {}).items():
        found[host] = {**inherited, **found.get(host, {}), **(values or {})}
    for child in (group.get("children") or {}).values():
        _collect(child or {}, {**inherited, **((child or {}).get("vars") or {})}, found)


def _host(source: Path, lab: str, name: str, values: dict[str, Any]) -> Host:
    try:
        publish = tuple(sorted((int(inside), int(outside)) for inside, outside in (values.get("lab_publish") or {}).items()))
        port = int(values["ansible_port"])
    except (KeyError, TypeError, ValueError) as error:
        raise LabError(f"{source}: host {name} needs ansible_port and, in lab_publish, numbers") from error
    services = tuple(str(service) for service in values["lab_services"])
    if not _NAME.fullmatch(name) or not all(_NAME.fullmatch(service) for service in services):
        raise LabError(f"{source}: host {name}: the names of hosts and services are a-z, 0-9 and -")
    user = str(values.get("ansible_user", "deploy"))
    return Host(name, f"mycoops-{lab}-{name}", port, user, services, bool(values.get("lab_privileged")), publish)


def _refuse_shared_ports(source: Path, hosts: list[Host]) -> None:
    seen: dict[int, str] = {}
    for host in hosts:
        for port in (host.ssh_port, *(outside for _, outside in host.publish)):
            if port in seen:
                raise LabError(f"{source}: hosts {seen[port]} and {host.name} both publish port {port}")
            seen[port] = host.name
