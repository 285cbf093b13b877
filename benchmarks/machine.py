"""The hosts as the benchmark handles them, through podman alone: install the service, make it forget, look at what it holds."""

from __future__ import annotations

import json
import platform
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count, getloadavg
from pathlib import Path

from benchmarks.fleet import NAME, Fleet
from benchmarks.verify import Seen
from mycoops import lab
from mycoops.lab_podman import podman

HOST_FILES = Path(__file__).resolve().parent / "host"
AT_ONCE = 4


def boot(fleet: Fleet, known_hosts: Path) -> None:
    """Boot the lab of the fleet and install the service on every host of it."""
    lab.down(fleet.directory, progress=print)
    report = lab.up(fleet.directory, progress=lambda _: None, deploy_public_key=fleet.public_key, known_hosts=known_hosts)
    print(f"{len(report.hosts)} hosts up in {report.seconds:.0f} s")
    for host in fleet.hosts:
        for name, place in (("bench_service.py", "/opt/bench"), ("bench.service", "/etc/systemd/system")):
            text = (HOST_FILES / name).read_text(encoding="utf-8")
            podman("exec", "-i", _container(host), "install", "-D", "-m", "0644", "/dev/stdin", f"{place}/{name}", stdin=text)


def reset(fleet: Fleet) -> dict[str, Seen]:
    """Make every host one that nothing was ever delivered to, and look."""
    _everywhere(fleet, "reset.sh", "sh", "-s")
    return look(fleet)


def look(fleet: Fleet) -> dict[str, Seen]:
    """What every host holds now."""
    return {host: Seen(**json.loads(text)) for host, text in _everywhere(fleet, "look.py", "python3", "-I", "-").items()}


def _everywhere(fleet: Fleet, script: str, *command: str) -> dict[str, str]:
    text = (HOST_FILES / script).read_text(encoding="utf-8")

    def one(host: str) -> str:
        return podman("exec", "-i", _container(host), *command, stdin=text).stdout

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(fleet.hosts, pool.map(one, fleet.hosts), strict=True))


def _container(host: str) -> str:
    return f"mycoops-{NAME}-{host}"


def description() -> dict[str, str]:
    """What a figure means nothing without."""
    processor = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{cpu_count()} cores, {processor}",
        "load before the run": f"{getloadavg()[0]:.1f}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "ansible-runner": version("ansible-runner"),
        "podman": podman("--version").stdout.strip().removeprefix("podman version "),
    }
