"""A stage for one story, watched like a bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mycoops.drill.bench import Bench
from mycoops.drill.points import watching
from mycoops.drill.stories import APART, STORIES, Story
from tests.unit.commands.stage import Stage

MakeStage = Callable[..., Stage]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MakeStage]:
    """Make the stage of a test."""
    holder: list[Bench] = []
    monkeypatch.setattr("mycoops.session.password_secrets", lambda _: [])

    def make(story: str | Story = APART) -> Stage:
        made = Stage(tmp_path, STORIES[story] if isinstance(story, str) else story)
        monkeypatch.setenv("MYCOOPS_STATE", str(made.state))
        for module in ("asking", "rotating", "deploying"):
            monkeypatch.setattr(f"mycoops.commands.{module}.open_session", made.open_session)
        holder.append(made)
        return made

    with watching(lambda: holder[0] if holder else None):
        yield make
