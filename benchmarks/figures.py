"""Medians, ratios and verdicts of a run; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.rounds import Figure

FLOOR, RIVAL, OURS = "parallel ssh", "tuned ansible", "mycoops"
MOST_TIMES_FLOOR = 1.5
LEAST_TIMES_FASTER = 8.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: medians over the rounds."""

    job: str
    hosts: int
    contender: str
    seconds: float
    times_floor: float
    cpu_seconds: float
    peak_mb: float
    playbook_starts: float
    runs: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target of one job at one number of hosts."""

    job: str
    hosts: int
    target: str
    measured: float
    met: bool


def rows(figures: Sequence[Figure]) -> list[Row]:
    """One row per job, number of hosts and contender, in the order in which they first appear."""
    groups: dict[tuple[str, int, str], list[Figure]] = {}
    for figure in sorted(figures, key=_place):
        groups.setdefault((figure.job, figure.hosts, figure.contender), []).append(figure)
    return [_row(figures, *key, group) for key, group in groups.items()]


def _place(figure: Figure) -> tuple[int, int, int]:
    jobs, contenders = ("deploy", "redeploy", "rerun"), (FLOOR, OURS, RIVAL)
    return jobs.index(figure.job), figure.hosts, contenders.index(figure.contender)


def _row(all_figures: Sequence[Figure], job: str, hosts: int, contender: str, group: Sequence[Figure]) -> Row:
    samples = [figure.sample for figure in group]
    return Row(
        job,
        hosts,
        contender,
        median(sample.seconds for sample in samples),
        ratio(all_figures, job, hosts, contender, FLOOR),
        median(sample.cpu_seconds for sample in samples),
        median(sample.peak_mb for sample in samples),
        median(sample.playbook_starts for sample in samples),
        len(samples),
    )


def ratio(figures: Sequence[Figure], job: str, hosts: int, over: str, under: str) -> float:
    """The median of the rounds' own ratios: what slows a whole round slows both sides of it. Raises ValueError without a pair."""
    times = {
        (figure.round, figure.contender): figure.sample.seconds for figure in figures if (figure.job, figure.hosts) == (job, hosts)
    }
    pairs = [(times[number, over], times[number, under]) for number, name in times if name == over and (number, under) in times]
    if not pairs:
        raise ValueError(f"{job} on {hosts} hosts: no round has both {over} and {under}")
    return median(one / other for one, other in pairs)


def verdicts(figures: Sequence[Figure]) -> list[Verdict]:
    """The two targets for what changes something, at every number of hosts."""
    found: list[Verdict] = []
    for job, hosts in dict.fromkeys((row.job, row.hosts) for row in rows(figures)):
        if job == "rerun":
            continue
        slower, faster = ratio(figures, job, hosts, OURS, FLOOR), ratio(figures, job, hosts, RIVAL, OURS)
        found.append(Verdict(job, hosts, f"within {MOST_TIMES_FLOOR:g} × the floor", slower, slower <= MOST_TIMES_FLOOR))
        least = f"at least {LEAST_TIMES_FASTER:g} × faster than tuned ansible"
        found.append(Verdict(job, hosts, least, faster, faster >= LEAST_TIMES_FASTER))
    return found
