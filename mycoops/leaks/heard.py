"""Keeps what a command has printed, so that it can be searched for values like everything else."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

from mycoops.errors import MycoopsError
from mycoops.model import Leak

LIMIT = 16 << 20
"""Characters kept: of more, the first ones go."""


class Heard:
    """The output of one process."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget everything: another command begins."""
        self._parts: deque[str] = deque()
        self._length = 0
        self.lost = False
        self.failed: OSError | None = None
        """What first kept a line from being written."""
        self.told: list[Leak] = []
        """What was found in this command, and will be told."""
        self.last: Callable[[], MycoopsError | None] = lambda: None
        """Searches what was printed after the scan of a run, and says what the command has to fail with."""

    def take(self, text: str) -> None:
        """Keep a piece of output."""
        self._parts.append(text)
        self._length += len(text)
        while self._length > LIMIT:
            self._length -= len(self._parts.popleft())
            self.lost = True

    def data(self) -> bytes:
        """Everything that was printed so far, as far as it is kept: as it stands, and once more as if no line had been broken."""
        text = "".join(self._parts)
        return f"{text}\n{''.join(text.split())}".encode("utf-8", "surrogateescape")


class _Ear:
    """A stream that hands everything on, and lets `heard` keep it; in all else it is the stream behind it.

    Where nothing can be written any more the command goes on: it may be in the middle of a rotation."""

    def __init__(self, stream: TextIO, heard: Heard) -> None:
        self._stream, self._heard = stream, heard

    def write(self, text: str) -> int:
        """Hand the text on."""
        with self._kept():
            self._stream.write(text)
        self._heard.take(text)
        return len(text)

    def flush(self) -> None:
        """Hand on that it is to be written now."""
        with self._kept():
            self._stream.flush()

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._heard.failed = self._heard.failed or error
            with contextlib.suppress(OSError):
                self._drop()

    def _drop(self) -> None:
        """Let the rest go nowhere, also what the interpreter would write when it ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def writelines(self, lines: Any) -> None:
        """Hand the lines on."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def listen(stream: TextIO, heard: Heard) -> TextIO:
    """A stream to print on in place of this one."""
    return cast(TextIO, _Ear(stream, heard))


HEARD = Heard()
"""What this process has printed, where the command line listens."""
