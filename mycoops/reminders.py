"""What a fleet declares of its reminders: where they go, and how early; the targets themselves are secrets and lie elsewhere."""

from __future__ import annotations

from pydantic import Field, model_validator

from mycoops.services import Declared
from mycoops.source import Mistake


class Reminders(Declared):
    """Where `mycoops remind` sends to. The URLs hold secrets, so they do not stand here."""

    file: str = ""
    """A file with one apprise URL a line, mode 0600; a relative path is below this control node's state directory."""
    script: str = ""
    """In place of file: a program that prints them; a relative path is below this control node's state directory."""
    ahead_days: int = Field(default=7, ge=0, le=92)
    """How many days before it is due a credential is told of."""

    @model_validator(mode="after")
    def _one(self) -> Reminders:
        if self.file and self.script:
            raise Mistake("two sources of the targets", "Give one of file, script.", "script")
        return self
