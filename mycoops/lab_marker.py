"""Remembers inside a lab's own containers whether their authorities know the vault's values; a new container does not."""

from __future__ import annotations

from pathlib import Path

from mycoops import lab_fleet
from mycoops.lab_podman import podman

PLACE = "/var/lib/mycoops-lab-accepts"


def marked(fleet_dir: Path) -> bool:
    """Whether every container of the lab carries the mark."""
    hosts = lab_fleet.load(fleet_dir).hosts
    return all(podman("exec", host.container, "test", "-e", PLACE, check=False).returncode == 0 for host in hosts)


def mark(fleet_dir: Path) -> None:
    """Put the mark on every container of the lab."""
    for host in lab_fleet.load(fleet_dir).hosts:
        podman("exec", host.container, "touch", PLACE)
