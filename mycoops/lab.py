"""Boots, lists and removes the lab of a fleet: containers that behave like its hosts, touching nothing but its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mycoops import lab_boot, lab_image
from mycoops.errors import LabError
from mycoops.lab_fleet import Host, load
from mycoops.lab_podman import boot_options, podman

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LabHost:
    """What a host of the lab is at the moment: `running`, `stopped` or `missing`."""

    name: str
    container: str
    state: str
    ssh_port: int
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabReport:
    """What `up` did: the hosts it created or started anew, and how long it took."""

    name: str
    image: str
    hosts: tuple[LabHost, ...]
    started: tuple[str, ...]
    seconds: float


def up(fleet_dir: Path, *, progress: Progress, deploy_public_key: str, known_hosts: Path) -> LabReport:
    """Have every host of the fleet running and reachable with the key; its host keys are read out and written to `known_hosts`."""
    began = time.monotonic()
    fleet = load(fleet_dir)
    image = lab_image.ensure(progress)
    addresses = lab_boot.network(fleet)
    options = boot_options(image)
    present = lab_boot.containers(fleet)

    def boot(host: Host) -> tuple[bool, list[str]]:
        started = lab_boot.start(fleet, host, image, options, addresses, present.get(host.container), progress)
        return started, lab_boot.provision(host, deploy_public_key)

    with ThreadPoolExecutor(max_workers=len(fleet.hosts)) as pool:
        booted = list(pool.map(boot, fleet.hosts))
    lab_boot.trust(fleet)
    pairs = list(zip(fleet.hosts, booted, strict=True))
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"[127.0.0.1]:{host.ssh_port} {key}\n" for host, (_, keys) in pairs for key in keys]
    known_hosts.write_text("".join(lines), encoding="utf-8")
    started = tuple(host.name for host, (fresh, _) in pairs if fresh)
    return LabReport(fleet.name, image, tuple(status(fleet_dir)), started, time.monotonic() - began)


def down(fleet_dir: Path, *, progress: Progress) -> None:
    """Remove the containers and the network of this lab; those of another one stay."""
    fleet = load(fleet_dir)
    names = list(lab_boot.containers(fleet))
    if names:
        progress(f"removing {', '.join(sorted(names))}")
        podman("rm", "-f", "-t", "0", "-v", *names)
    if podman("network", "exists", fleet.network, check=False).returncode == 0:
        podman("network", "rm", "-f", fleet.network)


def status(fleet_dir: Path) -> list[LabHost]:
    """Every host of the fleet, running or not."""
    fleet = load(fleet_dir)
    present = lab_boot.containers(fleet)
    return [LabHost(h.name, h.container, lab_boot.state(present.get(h.container)), h.ssh_port, h.services) for h in fleet.hosts]


def ssh_argv(fleet_dir: Path, host: str, *, known_hosts: Path, identity: Path | None = None) -> list[str]:
    """The ssh command of a host, with its key checked; without `identity` the agent is asked."""
    target = load(fleet_dir).host(host)
    options = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}", "GlobalKnownHostsFile=/dev/null"]
    options += ["IdentitiesOnly=yes", "BatchMode=yes"] if identity else []
    argv = ["ssh", "-F", "/dev/null", "-p", str(target.ssh_port)]
    argv += ["-i", str(identity)] if identity else []
    return [*argv, *(word for option in options for word in ("-o", option)), f"{target.user}@127.0.0.1"]


def set_redis_admin_hash(fleet_dir: Path, sha256_hex: str) -> bool:
    """Give Redis' user admin the password of this SHA-256, sent over stdin; false when it has it already."""
    fleet = load(fleet_dir)
    hosts = [host for host in fleet.hosts if "redis" in host.services]
    if not hosts:
        raise LabError(f"the lab {fleet.name} has no host with redis")
    script = ["/bin/sh", "/opt/lab/provision/redis-admin.sh"]
    done = [podman("exec", "-i", host.container, *script, stdin=f"{sha256_hex}\n") for host in hosts]
    return any(reply.stdout.strip() == "changed" for reply in done)
