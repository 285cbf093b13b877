"""Kills a rotation at each of its points, then kills the resume too, and judges what came of it: one row for each trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mycoops.drill.bench import Bench
from mycoops.drill.coverage import Site
from mycoops.drill.faults import require
from mycoops.drill.kept import Snapshot
from mycoops.drill.killing import NEVER, End, killed
from mycoops.drill.trials import Trial
from mycoops.model import ENDED

COLUMNS = ("stuck", "running", "disk", "lost", "orphans", "alive", "broken")
"""What must be zero: runs that do not end, points at which a running process or a file held a dead value, values kept nowhere,
values left at a provider, old values alive at the end, and any other rule of the protocol."""


@dataclass(slots=True)
class Row:
    """What came of one trial. `points` is where its command could be killed, `kills` how often that was done, once or twice.

    `cut` counts the points of an undisturbed run at which a consumer of a one-slot authority held the value before."""

    name: str
    story: str
    overlap: str
    untroubled: bool
    points: int = 0
    kills: int = 0
    cut: int = 0
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))
    examples: list[str] = field(default_factory=list)
    sites: set[Site] = field(default_factory=set)

    @property
    def clean(self) -> bool:
        """Whether nothing was found that must not be."""
        return not any(self.found.values())

    def blame(self, sort: str, what: str) -> None:
        """Count something that must not be."""
        self.found[sort] = self.found.get(sort, 0) + 1
        if len(self.examples) < 5:
            self.examples.append(what)


class Drill:
    """One trial on one bench. `first` and `second` are the distances between the points of a first and of a second kill, which
    begin at an offset; without a distance there is no second kill."""

    def __init__(self, trial: Trial, make: Callable[..., Bench], *, first: int = 1, second: int = 0, offset: int = 0) -> None:
        self.trial, self.first, self.second, self.offset = trial, first, second, offset
        self.bench = trial.bench(make)
        self.start = self.bench.snapshot()
        self.row = Row(trial.name, trial.story, trial.overlap, trial.untroubled)

    def run(self) -> Row:
        """Kill at every point of the first command."""
        self._undisturbed()
        for number in self._points(self._command, self.start, self.first, 1 + self.offset % self.first):
            before = self.bench.snapshot()
            if self.second:
                for again in self._points(self._command, before, self.second, 1 + (number + self.offset) % self.second):
                    self._end(f"killed at point {number}, and at point {again} of the resume")
            self.bench.restore(before)
            self._end(f"killed at point {number}")
        return self.row

    def _undisturbed(self) -> None:
        self.row.cut = _cut(self.bench, self._command) if not self.trial.back else 0
        self.bench.restore(self.start)
        self._end("not killed at all")

    def _points(self, command: Callable[[], object], start: Snapshot, step: int, first: int = 1) -> Iterator[int]:
        """Kill a command at one point after the other, from the same start; after each yield the world is as the kill left it."""
        number = first
        while True:
            self.bench.restore(start)
            end = killed(self.bench, command, number)
            self.row.sites |= end.sites
            if end.violation:
                self.row.blame(end.sort, f"{self.trial.story}, {self.trial.name}: point {number}: {end.violation}")
            if not end.point:
                self.row.points = max(self.row.points, end.points) if start is self.start else self.row.points
                return
            self.row.kills += 1
            self._look(end)
            yield number
            number += step

    def _command(self) -> None:
        if self.trial.back:
            self.bench.abort()
            return
        for _ in range(self.trial.walks):
            self.bench.walk()
            self.bench.bring()

    def _look(self, end: End) -> None:
        """The instant of death: nobody runs on, or would start on, a dead value, in a cut nobody who tries two; none is lost."""
        world, run = self.bench.world, self.bench.run()
        for name, declared in world.catalogue.credentials.items():
            if world.lost(name):
                self.row.blame("lost", f"{self.trial.story}: {end.point}: a value of {name} is kept nowhere")
            cut = world.kinds[declared.kind].overlap.one_slot and run.rotations[name].forward_only
            if world.excused(name):
                continue
            for sort, who in zip(("running", "disk"), world.on_dead_values(name, dual=cut), strict=True):
                if who:
                    self.row.blame(sort, f"{self.trial.story}: {end.point}: {name}: {who}")

    def _end(self, when: str) -> None:
        """Mend what went wrong, go on to the end, and judge."""
        self.trial.mend(self.bench)
        end = killed(self.bench, self._way_out, NEVER)
        if end.violation:
            self.row.blame(end.sort, f"{self.trial.story}, {self.trial.name}: {when}: {end.violation}")

    def _way_out(self) -> None:
        if self.trial.held:
            self.bench.walk()
            require(all(one.blocked for one in self.bench.run().rotations.values() if one.open), "8: not held", "stuck")
        elif self.trial.back:
            self.bench.abort()
            if any(one.state not in ENDED for one in self.bench.run().rotations.values()):
                self.bench.bring()
                self.bench.abort()
            self.bench.back()
        else:
            self.bench.finish()


def _cut(bench: Bench, command: Callable[[], object]) -> int:
    """At how many points of an undisturbed run a consumer of a one-slot authority holds what is not accepted any more."""
    one_slot = [n for n, declared in bench.catalogue.credentials.items() if bench.kinds[declared.kind].overlap.one_slot]
    counted = 0

    def seen(what: str) -> None:
        nonlocal counted
        counted += any(any(bench.world.on_dead_values(name)) for name in one_slot)

    if one_slot:
        bench.clock.seen = seen
        command()
        bench.clock.seen = lambda what: None
    return counted
