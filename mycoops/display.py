"""Shows progress on standard error: live on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from mycoops.model import Verb
from mycoops.plan import Move

WORDS = {
    Verb.PREFLIGHT: "asking every authority, reading every env file",
    Verb.REFRESH: "using the value once, and keeping the next one",
    Verb.RELEASE: "giving the next value to those who hold a copy",
    Verb.MINT: "making new values, valid beside the old",
    Verb.ACCEPT: "accepting old and new",
    Verb.VERIFY: "probing: random, new, old",
    Verb.STAGE: "proving on every host that the switch can be made",
    Verb.CUTOVER: "cutting over",
    Verb.SWITCH: "switching",
    Verb.SOAK: "waiting until nobody uses the old values",
    Verb.PROMOTE: "making the new values the vault's",
    Verb.REVOKE: "revoking the old values",
    Verb.DROP: "dropping the old values",
    Verb.PROVE: "proving the old values dead",
    Verb.CLOSE: "closing",
}


AHEAD = "giving the next value beside the present one"
"""What a move of `stage` does where it names services."""
NAMED = 3
"""As many names as fit a line; of more, their number is told."""


class Display:
    """Implements the engine's Progress, and the runner's per-host notes."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._began = time.monotonic()
        self._status: Status | None = None
        self._head = ""

    def __enter__(self) -> Display:
        if self._console.is_terminal and not self._quiet:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status:
            self._status.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within the block nothing moves on the terminal, so that somebody can answer a question there."""
        if self._status:
            self._status.stop()
        try:
            yield
        finally:
            if self._status:
                self._status.start()

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60:d}:{seconds % 60:02d}"

    def move(self, move: Move, number: int, total: int) -> None:
        """See Progress."""
        where = f" on {', '.join(move.hosts)}" if move.hosts else ""
        names = move.services or move.credentials
        what = ", ".join(names) if len(names) <= NAMED else f"{len(names)} credentials"
        self._head = f"{number:2d}/{total} {move.verb}{where}"
        words = AHEAD if move.verb is Verb.STAGE and move.services else WORDS[move.verb]
        self._line(f"[dim]{self._clock()}[/] {self._head}: {words} [dim]({escape(what)})[/]")

    def note(self, text: str) -> None:
        """See Progress."""
        self._line(f"[dim]{self._clock()}[/] [yellow]{escape(text)}[/]")

    def say(self, text: str) -> None:
        """A line of a command that is not a rotation."""
        self._line(f"[dim]{self._clock()}[/] {escape(text)}")

    def host(self, host: str, task: str) -> None:
        """What is happening on which host; on a terminal only."""
        if self._status:
            self._status.update(f"{escape(self._head)} · {escape(host)} · {escape(task)}")

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, highlight=False, soft_wrap=True)
