#!/usr/bin/env python3
"""Loads every service of a lab while a command runs, then says per service how many requests failed and in which outages.

    python3 lab/traffic.py --fleet inventory/lab -- mycoops rotate --quarter Q2 --yes

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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

GAP_SECONDS = 0.5
"""Failures no further apart than this belong to one outage."""
Headers = Callable[[], dict[str, str]]


@dataclass(frozen=True)
class Sample:
    """One request: where, when (wall clock), and what was wrong with it."""

    service: str
    path: str
    begun: float
    ended: float
    problem: str


@dataclass(frozen=True)
class Outage:
    """Failures that follow each other; it ends when a request succeeds again."""

    begun: float
    ended: float
    failures: int
    problems: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


@dataclass(frozen=True)
class Target:
    """One service and what is asked of it, without and with a new connection to its database."""

    service: str
    port: int
    paths: tuple[str, ...]
    headers: Headers = dict


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
    """A token the orchestrator has signed a moment ago: what it has signed before a restart it must verify after it."""

    def __init__(self, port: int) -> None:
        self._port, self._value, self._since = port, "", 0.0

    def headers(self) -> dict[str, str]:
        if time.monotonic() - self._since > 1:
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


def targets(fleet: Path) -> list[Target]:
    """What there is to load in a lab, from its inventory."""
    everything = yaml.safe_load((fleet / "hosts.yml").read_text(encoding="utf-8"))["all"]
    port = {int(inside): int(outside) for host in everything["hosts"].values() for inside, outside in host["lab_publish"].items()}
    token = MindexToken(f"mycoops-{everything['vars']['lab_name']}-mas")
    items = ("/api/mindex/items", "/api/mindex/items?fresh=1", "/api/mindex/health")
    return [
        Target("mindex-api", port[8000], items, token.headers),
        Target("mas-orchestrator", port[8001], ("/items", "/items?fresh=1", "/whoami"), Bearer(port[8001]).headers),
        Target("mas-agent", port[8002], ("/work", "/work?fresh=1")),
        Target("website", port[8080], ("/api/items", "/api/items?fresh=1")),
        Target("mycorrhizae-api", port[8003], ("/items", "/items?fresh=1")),
    ]


def outages(samples: list[Sample]) -> Iterator[Outage]:
    """The outages in the samples of one service."""
    ordered = sorted(samples, key=lambda sample: sample.begun)
    group: list[Sample] = []
    for sample in [one for one in ordered if one.problem]:
        if group and sample.begun - max(one.ended for one in group) > GAP_SECONDS:
            yield _outage(group, ordered)
            group = []
        group.append(sample)
    if group:
        yield _outage(group, ordered)


def _outage(group: list[Sample], ordered: list[Sample]) -> Outage:
    last = max(one.begun for one in group)
    after = next((one.ended for one in ordered if one.begun >= last and not one.problem), max(one.ended for one in group))
    return Outage(group[0].begun, after, len(group), tuple(sorted({one.problem for one in group})))


def report(samples: list[Sample]) -> str:
    """A table: per service the requests, the failed ones, the outages and the longest of them."""
    lines = [f"{'service':<18}{'requests':>9}{'per s':>7}{'failed':>8}{'outages':>9}{'longest':>10}"]
    seconds = max(one.ended for one in samples) - min(one.begun for one in samples)
    for service in dict.fromkeys(sample.service for sample in samples):
        mine = [sample for sample in samples if sample.service == service]
        found = list(outages(mine))
        longest = max((outage.seconds for outage in found), default=0.0) * 1000
        failed = sum(1 for sample in mine if sample.problem)
        lines.append(f"{service:<18}{len(mine):>9}{len(mine) / seconds:>7.0f}{failed:>8}{len(found):>9}{longest:>7.0f} ms")
    return "\n".join(lines)


def main() -> int:
    """Load, run the command, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fleet", type=Path, default=Path("inventory/lab"), help="the lab's fleet directory")
    parser.add_argument("--rate", type=float, default=24, help="requests per second and service")
    parser.add_argument("--json", type=Path, help="also write every failed request, and the counts, to this file")
    parser.add_argument("command", nargs="+", help="what to run meanwhile, after --")
    arguments = parser.parse_args()
    with Load(targets(arguments.fleet), arguments.rate) as load:
        time.sleep(1)
        status = subprocess.run(arguments.command, check=False).returncode
        time.sleep(1)
    print(report(load.samples), flush=True)
    if arguments.json:
        counts = {name: sum(1 for one in load.samples if one.service == name) for name in {one.service for one in load.samples}}
        failures = [asdict(sample) for sample in load.samples if sample.problem]
        arguments.json.write_text(json.dumps({"requests": counts, "failures": failures}, indent=1), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
