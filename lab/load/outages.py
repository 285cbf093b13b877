"""What the requests of a load say: which failed, in which outages, and whether a restart explains them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from restarts import Window

GAP_SECONDS = 0.5
"""Failures no further apart than this belong to one outage."""
SLACK_SECONDS = 0.3
"""By which a request may miss the moments of systemd's journal."""


@dataclass(frozen=True)
class Sample:
    """One request: where, when (seconds since 1970), and what was wrong with it; empty where nothing was."""

    service: str
    path: str
    begun: float
    ended: float
    problem: str

    @property
    def fresh(self) -> bool:
        """Whether the service had to log in anew for it, instead of using a pooled connection."""
        return "fresh=1" in self.path


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


def outages(samples: Iterable[Sample]) -> Iterator[Outage]:
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


def unexplained(samples: Iterable[Sample], windows: Iterable[Window]) -> list[Sample]:
    """The failed requests that no restart in `windows` explains."""
    known = list(windows)
    return [
        one
        for one in samples
        if one.problem and not any(one.ended >= w.begun - SLACK_SECONDS and one.begun <= w.ended + SLACK_SECONDS for w in known)
    ]


def report(samples: list[Sample], windows: dict[str, list[Window]]) -> str:
    """A table: per service the requests, those over a new login, the failed ones, those that no restart explains, and the longest
    outage beside the longest restart that may explain one; of a service with two instances there is none."""
    columns = ("service", "requests", "new logins", "per s", "failed", "beyond a restart", "longest outage", "longest restart")
    lines = ["{:<18}{:>9}{:>12}{:>7}{:>8}{:>18}{:>16}{:>17}".format(*columns)]
    seconds = max(one.ended for one in samples) - min(one.begun for one in samples)
    for service in dict.fromkeys(sample.service for sample in samples):
        mine = [sample for sample in samples if sample.service == service]
        longest = max((outage.seconds for outage in outages(mine)), default=0.0) * 1000
        failed = sum(1 for sample in mine if sample.problem)
        beyond = len(unexplained(mine, windows.get(service, [])))
        fresh = sum(1 for sample in mine if sample.fresh)
        restart = max((window.ended - window.begun for window in windows.get(service, [])), default=0.0) * 1000
        line = f"{service:<18}{len(mine):>9}{fresh:>12}{len(mine) / seconds:>7.0f}{failed:>8}{beyond:>18}{longest:>13.0f} ms"
        lines.append(line + (f"{restart:>14.0f} ms" if windows.get(service) else f"{'–':>17}"))
    return "\n".join(lines)
