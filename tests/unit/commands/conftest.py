"""A stage for one story, watched like a bench."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.commands.stage import Stage
from tests.unit.rotation.bench import Bench, instrument
from tests.unit.rotation.stories import APART, STORIES, Story

MakeStage = Callable[..., Stage]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeStage:
    """Make the stage of a test."""
    holder: list[Bench] = []
    instrument(monkeypatch, holder)
    monkeypatch.setattr("mycoops.session.password_secrets", lambda _: [])

    def make(story: str | Story = APART) -> Stage:
        made = Stage(tmp_path, STORIES[story] if isinstance(story, str) else story)
        monkeypatch.setenv("MYCOOPS_STATE", str(made.state))
        for module in ("rotating", "deploying"):
            monkeypatch.setattr(f"mycoops.commands.{module}.open_session", made.open_session)
        holder.append(made)
        return made

    return make
