"""A bench for one story, on a file system in memory where there is one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mycoops.drill.bench import Bench
from mycoops.drill.points import Clock, watching
from mycoops.drill.stories import STORIES, Story

MakeBench = Callable[..., Bench]


@pytest.fixture
def bench() -> Iterator[MakeBench]:
    """Make benches; only the last one made is watched."""
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="bench-", dir=memory if memory.is_dir() else None))
    holder: list[Bench] = []

    def make(story: str | Story, clock: Clock | None = None) -> Bench:
        holder.clear()
        directory = Path(tempfile.mkdtemp(dir=root))
        made = Bench(directory, STORIES[story] if isinstance(story, str) else story, clock)
        holder.append(made)
        return made

    try:
        with watching(lambda: holder[0] if holder else None):
            yield make
    finally:
        shutil.rmtree(root)
