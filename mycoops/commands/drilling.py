"""`mycoops drill`: kills the real engine at every point over a scripted world, and counts what must not be."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from mycoops import children, interrupts, rundir
from mycoops.drill import coverage
from mycoops.drill.bench import Bench
from mycoops.drill.matrix import COLUMNS, Drill, Row
from mycoops.drill.points import watching
from mycoops.drill.stories import Story
from mycoops.drill.trials import TRIALS, Trial
from mycoops.errors import Interrupted, WrongUsage
from mycoops.model import Overlap

PREFIX = "drill-of-mycoops-"
EVERY = 20
"""Of the second kills, and of the kills in a run that meets a single failure, one in so many is carried out by default."""


@dataclass(slots=True)
class Class:
    """One overlap class of the table: the sum of its trials. `cut` is that of the untroubled ones, in points of the run."""

    overlap: str
    trials: int = 0
    points: int = 0
    kills: int = 0
    cut: int = 0
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))


@dataclass(slots=True)
class Report:
    """What a drill came to. `missed` are the effects of the engine that no kill interrupted; None where not all was drilled."""

    rows: list[Row]
    missed: list[str] | None
    effects: int
    seconds: float

    @property
    def classes(self) -> list[Class]:
        """The rows by overlap class."""
        found: dict[str, Class] = {}
        for row in self.rows:
            one = found.setdefault(row.overlap, Class(row.overlap))
            one.trials, one.points, one.kills = one.trials + 1, one.points + row.points, one.kills + row.kills
            one.cut = max(one.cut, row.cut if row.untroubled else 0)
            for sort, number in row.found.items():
                one.found[sort] += number
        return [found[name] for name in sorted(found)]

    @property
    def clean(self) -> bool:
        """Whether nothing was found, and no effect was missed."""
        return not self.missed and all(row.clean for row in self.rows)


def drill(
    told: Callable[[str], None], *, overlaps: Sequence[str] = (), depth: int = 2, every: int = EVERY, offset: int = 0
) -> Report:
    """Drill every trial of these classes (default: all), on every processor. Raises WrongUsage for a class there is not."""
    if strange := set(overlaps) - set(Overlap):
        raise WrongUsage(f"there is no class {', '.join(sorted(strange))}", hint=f"The classes are {', '.join(Overlap)}.")
    if depth not in (1, 2) or every < 1 or offset < 0:
        raise WrongUsage("a drill has a depth of 1 or 2, and its steps are 1 or more", hint="See `mycoops drill --help`.")
    chosen = [trial for trial in TRIALS if not overlaps or trial.overlap in overlaps]
    rows: list[Row] = []
    began = time.monotonic()
    coverage.prime()
    with (
        _stopped(rows, len(chosen)),
        _directory() as root,
        multiprocessing.get_context("fork").Pool(os.cpu_count() or 1, _work) as pool,
    ):
        tasks = [(TRIALS.index(trial), root, depth, every, offset) for trial in _longest_first(chosen)]
        for row in pool.imap_unordered(_one, tasks):
            rows.append(row)
            told(f"{len(rows)}/{len(chosen)} {row.story}: {row.name}: {row.kills} kills{'' if row.clean else ', AND FINDINGS'}")
    rows.sort(key=lambda row: (row.overlap, row.story))
    seen = {site for row in rows for site in row.sites}
    missed = None if overlaps else [str(site) for site in coverage.sites() if site not in seen]
    return Report(rows, missed, len(coverage.sites()), time.monotonic() - began)


@contextmanager
def _stopped(rows: Sequence[Row], count: int) -> Iterator[None]:
    """Within the block a signal ends the drill, and Interrupted says how far it came; nothing of it is resumed."""

    def handler(number: int, frame: FrameType | None) -> None:
        found = sum(not row.clean for row in rows)
        words = f"the drill was stopped after {len(rows)} of {count} trials, {found} of them with findings"
        raise Interrupted(words, hint="It begins anew; `--every 400` drills less, and `--class` one class.")

    with interrupts.handled(handler):
        yield


def _work() -> None:
    """What a process of the pool begins with: it ends with the drill, and a Ctrl-C is the drill's to answer."""
    children.end_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _longest_first(trials: Iterable[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: (not trial.untroubled, trial.sampled))


@contextmanager
def _directory() -> Iterator[str]:
    """A directory in memory; what an earlier drill left there, because it was killed, goes first."""
    where = next(iter(rundir.memory_directories()), Path(tempfile.gettempdir()))
    for path in where.glob(f"{PREFIX}*"):
        owner = path.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=where, ignore_cleanup_errors=True) as name:
        yield name


def _one(task: tuple[int, str, int, int, int]) -> Row:
    number, root, depth, every, offset = task
    current: list[Bench] = []

    def make(story: Story) -> Bench:
        current[:] = [Bench(Path(tempfile.mkdtemp(dir=root)), story)]
        return current[0]

    trial = TRIALS[number]
    second = every if depth == 2 and trial.untroubled else 0
    first = every if trial.sampled else 1
    with watching(lambda: current[0] if current else None):
        return Drill(trial, make, first=first, second=second, offset=offset + number).run()
