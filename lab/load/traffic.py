#!/usr/bin/env python3
"""Loads every service of a lab while a command runs, then says per service how many requests failed,
and how many of them no restart explains.

    python3 lab/load/traffic.py --fleet inventory/lab -- mycoops rotate --quarter Q2 --yes

Half of the requests reuse their connection where the server lets them, half open a new one; half are answered from pooled
connections to the database, half (`?fresh=1`) from new ones. The exit status is the command's.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import restarts
import yaml
from outages import Sample, report

Headers = Callable[[], dict[str, str]]


@dataclass(frozen=True)
class Target:
    """One service and what is asked of it, without and with a new connection to its database."""

    service: str
    port: int
    paths: tuple[str, ...]
    headers: Headers = dict
    explains: tuple[str, ...] = ()
    """The single-instance services whose restart may fail a request to this one."""

    def windows(self, lab: str, since: float) -> list[restarts.Window]:
        """The restarts that may fail a request."""
        return [window for service in self.explains for window in restarts.restarts(lab, service, since)]


class MindexToken:
    """The service token as a consumer has it: read again every second from the agent's env file, held in memory only."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._value = self._read()
        threading.Thread(target=self._follow, daemon=True).start()

    def _read(self) -> str:
        command = ["podman", "exec", self._container, "cat", "/etc/mycosoft/mas-agent.env"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return re.findall(r"^MINDEX_TOKEN=(\S+)", text, re.MULTILINE)[-1]

    def _follow(self) -> None:
        while True:
            time.sleep(1)
            try:
                self._value = self._read()
            except (subprocess.CalledProcessError, IndexError):
                continue

    def headers(self) -> dict[str, str]:
        return {"X-Service-Token": self._value}


class Bearer:
    """A token the orchestrator has signed a moment ago: what it has signed before a restart it must verify after it.

    Its life is two seconds less the fraction of the one it was signed in: older than half a second, a slow request outlives it."""

    OLDEST_SECONDS = 0.5

    def __init__(self, port: int) -> None:
        self._port, self._value, self._since = port, "", 0.0

    def headers(self) -> dict[str, str]:
        if time.monotonic() - self._since > self.OLDEST_SECONDS:
            begun = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("GET", "/token")
                self._value, self._since = json.load(connection.getresponse())["token"], begun
            finally:
                connection.close()
        return {"Authorization": f"Bearer {self._value}"}


class Load:
    """Threads that ask the targets, each at its share of the rate, until told to stop."""

    def __init__(self, targets: list[Target], rate: float) -> None:
        self.samples: list[Sample] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        for target in targets:
            workers = [(path, keep) for path in target.paths for keep in (True, False)]
            for number, (path, keep) in enumerate(workers):
                share = (target, path, keep, len(workers) / rate, number / rate)
                self._threads.append(threading.Thread(target=self._work, args=share, daemon=True))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _work(self, target: Target, path: str, keep: bool, interval: float, offset: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=5)
        due = time.monotonic() + offset
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + interval, time.monotonic())
            if not keep:
                connection.close()
            begun = time.time()
            problem = ask(connection, path, target.headers)
            self.samples.append(Sample(target.service, path, begun, time.time(), problem))
        connection.close()


def ask(connection: http.client.HTTPConnection, path: str, headers: Headers) -> str:
    """One request; what was wrong with it, or an empty string. Health that says `down` with status 200 is wrong."""
    try:
        connection.request("GET", path, headers=headers())
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException, KeyError) as error:
        connection.close()
        return type(error).__name__
    if response.status != 200:
        return str(response.status)
    return "down" if b'"down"' in body else ""


def targets(everything: dict[str, Any]) -> list[Target]:
    """What there is to load in a lab, from its inventory. The website has two instances: no restart excuses a failure, and neither
    does the cut of the one password its reports log in with."""
    port = {int(inside): int(outside) for host in everything["hosts"].values() for inside, outside in host["lab_publish"].items()}
    token = MindexToken(f"mycoops-{everything['vars']['lab_name']}-mas")
    items = ("/api/mindex/items", "/api/mindex/items?fresh=1", "/api/mindex/health")
    signed = ("/items", "/items?fresh=1", "/whoami")

    def both(service: str) -> tuple[str, ...]:
        return (service, "mindex-api")

    return [
        Target("mindex-api", port[8000], items, token.headers, ("mindex-api",)),
        Target(
            "mas-orchestrator",
            port[8001],
            signed,
            Bearer(port[8001]).headers,
            both("mas-orchestrator"),
        ),
        Target("mas-agent", port[8002], ("/work", "/work?fresh=1"), explains=both("mas-agent")),
        Target("website", port[8080], ("/api/items", "/api/items?fresh=1")),
        Target("website-reports", port[8080], ("/api/reports", "/api/reports?fresh=1")),
        Target("mycorrhizae-api", port[8003], ("/items", "/items?fresh=1"), explains=both("mycorrhizae-api")),
    ]


def main() -> int:
    """Load, run the command, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fleet", type=Path, default=Path("inventory/lab"), help="the lab's fleet directory")
    parser.add_argument("--rate", type=float, default=24, help="requests per second and service")
    parser.add_argument("--json", type=Path, help="also write every failed request, and the counts, to this file")
    parser.add_argument("command", nargs="+", help="what to run meanwhile, after --")
    arguments = parser.parse_args()
    everything = yaml.safe_load((arguments.fleet / "hosts.yml").read_text(encoding="utf-8"))["all"]
    asked, began = targets(everything), time.time()
    with Load(asked, arguments.rate) as load:
        time.sleep(1)
        status = subprocess.run(arguments.command, check=False).returncode
        time.sleep(1)
    lab = everything["vars"]["lab_name"]
    print(report(load.samples, {target.service: target.windows(lab, began) for target in asked}), flush=True)
    if arguments.json:
        counts = {"requests": Counter(one.service for one in load.samples)}
        counts["fresh"] = Counter(one.service for one in load.samples if one.fresh)
        failures = [asdict(sample) for sample in load.samples if sample.problem]
        arguments.json.write_text(json.dumps({**counts, "failures": failures}, indent=1), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
