"""What a bench keeps of a run: what it was told, and all that a new process would find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mycoops.plan import Move


class Quiet:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def move(self, move: Move, number: int, total: int) -> None:
        """See Progress."""

    def note(self, text: str) -> None:
        """See Progress."""
        self.notes.append(text)


@dataclass(frozen=True)
class Snapshot:
    """Everything a new process finds."""

    files: dict[Path, bytes]
    world: dict[str, Any]
    token: int
