"""Searches the machine a run was started on: its artifacts, journals, log, output, processes, and where files are left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mycoops import hostcode, rundir
from mycoops.leaks.heard import Heard
from mycoops.leaks.known import Known
from mycoops.leaks.processes import Sampler
from mycoops.model import CONTROL_NODE, Leak
from mycoops.runner import RUN_DIRECTORY
from mycoops.settings import Settings

OUTPUT = "the output of mycoops"
SHARED = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - they are what is searched
"""Where any program may leave a file."""
BOUNDS = (10_000, 8 << 20, 32 << 20)
"""Names, bytes of one file, and bytes of all that are looked at below one directory: a control node may be somebody's desk."""


@dataclass(frozen=True, slots=True)
class ControlNode:
    """What there is to search on the control node at the end of a run."""

    settings: Settings
    directory: Path
    heard: Heard
    sampler: Sampler

    def scan(self, known: Known, since: float) -> tuple[list[Leak], list[str]]:
        """Return where values were found, and what was not searched; the run began at `since`, in seconds since 1970."""
        code = hostcode.load("mycoops_haystack")
        haystack = code.Haystack(known.needles(), [str(self.directory)], code.Limits(*BOUNDS))
        for what, data in self.sampler.looks():
            haystack.data(what, data)
        haystack.data(OUTPUT, self.heard.data())
        haystack.tree(str(self.directory), since, RUN_DIRECTORY)
        for place in self._places():
            haystack.tree(str(place), since)
        skipped = list(haystack.skipped)
        if self.sampler.lost:
            skipped.append(f"{self.sampler.lost} looks at processes")
        if self.heard.lost:
            skipped.append(f"{OUTPUT}: its beginning")
        found = [Leak(name, number, place) for (name, number), place in haystack.found]
        return found, [f"{CONTROL_NODE}: {what}" for what in skipped]

    def _places(self) -> Iterable[Path]:
        """Each directory once: the fleet's journals and log, where programs leave files, and what is in memory."""
        ansible = (Path.home() / ".ansible", Path.home() / ".ansible_async")
        own = (self.settings.journals, self.settings.rotation_log.parent, *ansible)
        return dict.fromkeys([*own, Path(tempfile.gettempdir()), *SHARED, *rundir.memory_directories()])
