"""`python -m benchmarks.controller 10 50`: deploys to so many names behind one sshd of this machine, and tells what that costs."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from benchmarks import loopback
from benchmarks.contenders import Mycoops
from benchmarks.fleet import Fleet, inventory
from benchmarks.measure import Sample, run
from mycoops import durable, rundir
from mycoops.secret import generate


def measure(root: Path, count: int) -> Sample:
    """Deploy once to that many hosts on which everything is in place; the sshd's time is counted along."""
    key = generate("ed25519").reveal()
    fleet = Fleet(root / "fleet", root / "state" / "bench", count, 10, key)
    fleet.make()
    with loopback.answering(root, count, key) as port:
        hosts = inventory(count)
        hosts["all"]["vars"] |= {"ansible_user": "root", "ansible_become": False}
        for declared, address in zip(hosts["all"]["hosts"].values(), loopback.addresses(count), strict=True):
            declared |= {"ansible_host": address, "ansible_port": port}
        durable.replace(fleet.directory / "hosts.yml", yaml.safe_dump(hosts).encode())
        durable.replace(fleet.state / "known_hosts", (root / "known_hosts").read_bytes())
        return run(*Mycoops().command(fleet, "rerun"), root / "log")


def main() -> None:
    """Measure each number of hosts."""
    for count in map(int, sys.argv[1:] or ["10"]):
        with rundir.private(take_over=False) as root:
            one = measure(root, count)
            cost = f"{one.cpu_seconds:.1f} s of processor time with that of sshd"
            print(f"{count} hosts: {one.seconds:.1f} s, {cost}, {one.peak_mb:.0f} MB")
            if one.status:
                raise SystemExit((root / "log").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
