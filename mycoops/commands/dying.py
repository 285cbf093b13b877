"""A controller that ends at a point: `python -m mycoops.commands.dying ORDER`, started by the drill of a lab.

The order is a file: which command, on which fleet, at which point to die. The process is the leader of its group and ends that
with SIGKILL, after it has said in the order's `words` where it stood."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mycoops import durable
from mycoops.commands import planning, rotating
from mycoops.drill.points import Clock, watching
from mycoops.errors import MycoopsError
from mycoops.interrupts import Stop
from mycoops.performer import AnsiblePerformer
from mycoops.plan import Move
from mycoops.runner import Runner
from mycoops.session import open_fleet


@dataclass(frozen=True, slots=True)
class Order:
    """What a controller is to do; `at` is the point it dies at, 0 for none."""

    fleet: str
    credential: str
    resume: bool
    at: int
    words: str


@dataclass(slots=True)
class Words:
    """What a controller said last: the point it died at, or how the command ended."""

    point: str = ""
    points: int = 0
    error: str = ""
    status: int = 0


class Mute:
    """Progress nobody looks at."""

    def move(self, move: Move, number: int, total: int) -> None:
        """See Progress."""

    def note(self, text: str) -> None:
        """See Progress."""


class Dying:
    """Counts the points of this process: around every durable write, around every start, and at every reply of a host."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.clock = Clock(seen=self._seen)

    def written(self) -> None:
        """Nothing is asserted of a real fleet."""

    def _seen(self, what: str) -> None:
        if len(self.clock.points) == self.order.at:
            self.say(Words(what, self.order.at))
            os.killpg(0, signal.SIGKILL)

    def say(self, words: Words) -> None:
        """Leave a word for whoever started this process."""
        Path(self.order.words).write_text(json.dumps(asdict(words)), encoding="utf-8")


def around(real: Callable[..., Any], clock: Clock, before: str, after: Callable[..., str]) -> Callable[..., Any]:
    """A function with a point before it, if that has a name, and one after it."""

    def acting(*words: Any, **more: Any) -> Any:
        if before:
            clock.tick(before)
        found = real(*words, **more)
        clock.tick(after(*words))
        return found

    return acting


def carry_out(order: Order) -> Words:
    """Do what is ordered, in this process."""
    dying, fleet = Dying(order), open_fleet(Path(order.fleet))
    words = Words()
    AnsiblePerformer.carry_out = around(AnsiblePerformer.carry_out, dying.clock, "a start", lambda *_: "the end of a start")  # type: ignore[method-assign]
    Runner._take = around(Runner._take, dying.clock, "", _heard)  # type: ignore[method-assign]
    with watching(lambda: dying, quick=False):
        try:
            if order.resume:
                done = rotating.resume(fleet, Mute(), _nothing, Stop())
            else:
                plan, _ = planning.preview(fleet, [order.credential], label="drill", reason="a drill")
                done = [rotating.rotate(fleet, plan, Mute(), _nothing, Stop())]
            error = rotating.gravest(done)
            words.error, words.status = (error.message, int(error.exit_status)) if error else ("", 0)
        except MycoopsError as error:
            words.error, words.status = error.message, int(error.exit_status)
    words.points = len(dying.clock.points)
    return words


def _heard(runner: object, event: dict[str, Any], outcome: object) -> str:
    return f"heard {event.get('event', '')} of {(event.get('event_data') or {}).get('host', 'nobody')}"


def _nothing(host: str, task: str) -> None:
    """Nobody looks."""


def main(path: str) -> None:
    """Read the order, become the leader of a group, and do it."""
    order = Order(**json.loads(Path(path).read_text(encoding="utf-8")))
    os.setpgid(0, 0)
    durable.replace(Path(order.words), json.dumps(asdict(carry_out(order))).encode())


if __name__ == "__main__":
    main(sys.argv[1])
