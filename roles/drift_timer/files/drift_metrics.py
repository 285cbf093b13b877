#!/usr/bin/python3
"""Runs `mycoops drift --json` and writes its answer as metrics for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import typing

NOT_STARTED = 127
"""The status of a shell for a command that it cannot start."""
METRICS = {
    "findings": "What differs on a host from what it has to hold, by what it is.",
    "host_findings": "Everything that differs on a host.",
    "host_asked": "Whether all of a host could be asked.",
    "exit_status": "How the last run ended: 0 nothing differs, 8 something does, 4 not everything could be asked.",
    "last_run_timestamp_seconds": "When the last run ended.",
    "run_duration_seconds": "How long it took.",
}
Labels = typing.Mapping[str, str]


class Metrics:
    """Samples in the text format of Prometheus, each metric together."""

    def __init__(self, fleet: str) -> None:
        self._fleet = fleet
        self._samples: typing.Dict[str, typing.List[str]] = {name: [] for name in METRICS}

    def add(self, name: str, value: float, **labels: str) -> None:
        """Add one sample."""
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in {"fleet": self._fleet, **labels}.items())
        self._samples[name].append(f"mycoops_drift_{name}{{{told}}} {value:.17g}\n")

    def text(self) -> str:
        """The whole of it; a metric without samples is left out."""
        return "".join(
            f"# HELP mycoops_drift_{name} {METRICS[name]}\n# TYPE mycoops_drift_{name} gauge\n{''.join(samples)}"
            for name, samples in self._samples.items()
            if samples
        )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def ask(command: typing.Sequence[str]) -> typing.Tuple[int, typing.List[typing.Any]]:
    """Run the command; return its status and the hosts it tells of, none where it does not answer."""
    try:
        done = subprocess.run(list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        hosts = json.loads(done.stdout)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return NOT_STARTED, []
    except ValueError:
        return done.returncode, []
    return done.returncode, hosts if isinstance(hosts, list) else []


def measured(metrics: Metrics, hosts: typing.Iterable[typing.Mapping[str, typing.Any]]) -> None:
    """Add what was found on each host."""
    for host in hosts:
        found: typing.Dict[str, int] = {}
        for one in host["findings"]:
            found[one["what"]] = found.get(one["what"], 0) + 1
        for what, count in sorted(found.items()):
            metrics.add("findings", count, host=host["host"], what=what)
        metrics.add("host_findings", sum(found.values()), host=host["host"])
        metrics.add("host_asked", 0 if host["error"] else 1, host=host["host"])


def replace(path: pathlib.Path, text: str) -> None:
    """Put the file there whole: the collector may read it at any time, and reads no file of another suffix."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    os.replace(new, path)  # noqa: PTH105


def main() -> int:
    """Run, write, and end as the command has ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="the fleet, as the metrics call it")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="a file that ends in .prom")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    metrics, began = Metrics(given.name), time.monotonic()
    status, hosts = ask(given.command)
    measured(metrics, hosts)
    metrics.add("exit_status", status)
    metrics.add("last_run_timestamp_seconds", round(time.time()))
    metrics.add("run_duration_seconds", round(time.monotonic() - began, 3))
    replace(given.output, metrics.text())
    return status


if __name__ == "__main__":
    sys.exit(main())
