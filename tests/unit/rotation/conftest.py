"""A bench for one story, on a file system in memory where there is one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.rotation.bench import Bench, Clock, instrument
from tests.unit.rotation.stories import STORIES, Story

MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeBench]:
    """Make benches; only the last one made is watched."""
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="bench-", dir=memory if memory.is_dir() else None))
    holder: list[Bench] = []
    instrument(monkeypatch, holder)

    def make(story: str | Story, clock: Clock | None = None) -> Bench:
        holder.clear()
        directory = Path(tempfile.mkdtemp(dir=root))
        made = Bench(directory, STORIES[story] if isinstance(story, str) else story, clock)
        holder.append(made)
        return made

    try:
        yield make
    finally:
        shutil.rmtree(root)
