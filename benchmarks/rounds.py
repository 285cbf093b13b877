"""The run: contenders side by side in every round, each on hosts that have forgotten the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, verify
from benchmarks.contenders import JOBS, Contender, Job
from benchmarks.fleet import Fleet
from benchmarks.measure import Sample, run

STARTS: dict[Job, int] = {"deploy": 1, "redeploy": 1, "rerun": 0}
"""How often each job has to start the service."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One contender's sample of one job in one round."""

    hosts: int
    round: int
    job: Job
    contender: str
    sample: Sample

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def play(fleet: Fleet, contenders: Sequence[Contender], number: int, log: Path, progress: Progress) -> list[Figure]:
    """One round: every contender does every job; who begins moves on with the round. Raises NotDone."""
    first = number % len(contenders)
    return [
        figure
        for contender in [*contenders[first:], *contenders[:first]]
        for figure in _turn(fleet, contender, number, log, progress)
    ]


def _turn(fleet: Fleet, contender: Contender, number: int, log: Path, progress: Progress) -> list[Figure]:
    found: list[Figure] = []
    before = machine.reset(fleet)
    for job in JOBS:
        if job != "rerun":
            fleet.change()
        contender.prepare(fleet)
        command, environment = contender.command(fleet, job)
        sample = run(command, environment, log)
        if sample.status:
            raise verify.NotDone(f"{contender.name}: {job} ended with status {sample.status}: {_tail(log)}")
        after = machine.look(fleet)
        verify.judge(f"{contender.name}, {job}", before, after, verify.digest(fleet.values), STARTS[job])
        progress(f"{fleet.count:3d} hosts, round {number + 1}: {job:8s} {contender.name:14s} {sample.seconds:7.2f} s")
        found.append(Figure(fleet.count, number, job, contender.name, sample))
        before = after
    return found


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
