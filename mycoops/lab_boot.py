"""Creates, starts and provisions the containers of one lab; everything it makes carries the label of that lab."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any

from mycoops.errors import LabError
from mycoops.lab_fleet import Fleet, Host
from mycoops.lab_podman import podman, systemd_is_up

BOOT_SECONDS = 60.0
LABEL = "mycoops.lab"
PROVIDERS = "providers"
"""The service of the lab that stands in for the providers of software as a service."""
AUTHORITY = "/run/providers/ca.pem"
"""Where it says which certificate authority is to be trusted."""


def containers(fleet: Fleet) -> dict[str, dict[str, Any]]:
    """What podman knows of the containers of this lab, by name."""
    listing = podman("ps", "-a", "--filter", f"label={LABEL}={fleet.name}", "--format", "json").stdout
    return {container["Names"][0]: container for container in json.loads(listing or "[]")}


def state(container: dict[str, Any] | None) -> str:
    """`running`, `stopped` or `missing`."""
    if container is None:
        return "missing"
    return "running" if container.get("State") == "running" else "stopped"


def network(fleet: Fleet) -> dict[str, str]:
    """Have the network of the lab; fixed addresses by host name, so that no name server is needed."""
    if podman("network", "exists", fleet.network, check=False).returncode:
        podman("network", "create", "--disable-dns", "--label", f"{LABEL}={fleet.name}", fleet.network)
    found = json.loads(podman("network", "inspect", fleet.network).stdout)[0]
    subnet = ipaddress.ip_network(found["subnets"][0]["subnet"])
    return {host.name: str(subnet[10 + index]) for index, host in enumerate(fleet.hosts)}


def start(
    fleet: Fleet, host: Host, image: str, options: tuple[list[str], list[str]],
    addresses: dict[str, str], present: dict[str, Any] | None, progress: Callable[[str], None],
) -> bool:  # fmt: skip
    """Have the container running as the inventory asks; true when it was not."""
    digest = host.digest(f"{image} {addresses[host.name]} {fleet.directory}")
    if present and (present.get("Labels") or {}).get("mycoops.digest") != digest:
        progress(f"{host.name}: another image, inventory or fleet directory: made anew")
        podman("rm", "-f", "-t", "0", "-v", host.container)
        present = None
    if state(present) == "running":
        return False
    if present:
        podman("start", host.container)
    else:
        runtime, run = options
        podman(*runtime, "run", "-d", *_run_options(fleet, host, addresses, digest), *run, image)
    progress(f"{host.name}: booting")
    if not systemd_is_up(host.container, seconds=BOOT_SECONDS):
        raise LabError(f"{host.name} did not boot within {BOOT_SECONDS:.0f} s", hint=f"podman logs {host.container}")
    return True


def _run_options(fleet: Fleet, host: Host, addresses: dict[str, str], digest: str) -> list[str]:
    options = ["--name", host.container, "--hostname", host.name, "--systemd=always"]
    options += ["--label", f"{LABEL}={fleet.name}", "--label", f"mycoops.digest={digest}"]
    options += ["--network", fleet.network, "--ip", addresses[host.name]]
    for name, address in addresses.items():
        options += ["--add-host", f"{name}:{address}"] if name != host.name else []
    for inside, outside in ((22, host.ssh_port), *host.publish):
        options += ["--publish", f"127.0.0.1:{outside}:{inside}"]
    # Root on a real host may read the environment of any process; a container's root needs to be told so.
    return [*options, *(["--privileged"] if host.privileged else ["--cap-add", "SYS_PTRACE"])]


def provision(host: Host, deploy_public_key: str) -> list[str]:
    """Make the container its host, with the key of the account that deploys; returns its public SSH host keys."""
    script = ["/bin/sh", "/opt/lab/provision/host.sh", *host.services]
    keys = podman("exec", "-i", host.container, *script, stdin=f"{deploy_public_key.strip()}\n").stdout
    return [" ".join(line.split()[:2]) for line in keys.splitlines() if line.strip()]


def trust(fleet: Fleet) -> None:
    """Let every host trust the certificate authority of the providers, which each start of theirs makes anew."""
    serving = [host for host in fleet.hosts if PROVIDERS in host.services]
    authority = "".join(podman("exec", host.container, "cat", AUTHORITY).stdout for host in serving)
    for host in fleet.hosts if serving else ():
        podman("exec", "-i", host.container, "/bin/sh", "/opt/lab/provision/trust.sh", stdin=authority)
