"""Runs a command in a process group of its own and kills it at a point with SIGKILL: no handler, no `finally`, no flush."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mycoops import children
from mycoops.drill import coverage
from mycoops.drill.bench import Bench
from mycoops.drill.coverage import Site
from mycoops.drill.faults import Violation

NEVER = 0
"""The point at which nobody is killed."""


@dataclass(slots=True)
class End:
    """How a process ended: killed at `point` (empty if it was not), or with a violation of the protocol."""

    point: str = ""
    points: int = 0
    sites: set[Site] = field(default_factory=set)
    violation: str = ""
    sort: str = ""


class Unexpected(RuntimeError):
    """The process ended in a way that is none of the drill's."""


def killed(bench: Bench, command: Callable[[], object], at: int) -> End:
    """Run `command` on the bench in a forked process and kill its group at its `at`th point.

    What outlives a controller, files and the scripted world, is afterwards as it was at that instant; the bench of this
    process is brought up to it."""
    last_words = bench.fleet.parent / f"{bench.fleet.name}.end"
    last_words.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        _run(bench, command, at, last_words)
    _, status = os.waitpid(child, 0)
    if not last_words.exists():
        raise Unexpected(f"the process ended with status {status} and no word")
    world, token, end = pickle.loads(last_words.read_bytes())  # noqa: S301 - written by our own child
    if bool(end.point) != (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        raise Unexpected(f"the process ended with status {status}")
    bench.world.set(world)
    bench.token = token
    bench.forget()
    return end  # type: ignore[no-any-return]


def _run(bench: Bench, command: Callable[[], object], at: int, last_words: Path) -> None:
    """The child's whole life; never returns."""
    os.setpgid(0, 0)
    children.end_with_parent()
    end, clock = End(), bench.clock
    clock.points.clear()

    def tick(what: str) -> None:
        if len(clock.points) == at:
            end.point, end.points, end.sites = what, at, coverage.under_way(sys._getframe(1))
            _write(bench, end, last_words)
            os.killpg(0, signal.SIGKILL)

    clock.seen = tick
    try:
        command()
    except Violation as violation:
        end.violation, end.sort = str(violation), violation.sort
    except BaseException as error:
        end.violation, end.sort = "".join(traceback.format_exception(error)[-3:]), "broken"
    end.points = len(clock.points)
    _write(bench, end, last_words)
    os._exit(0)


def _write(bench: Bench, end: End, path: Path) -> None:
    """The scripted world is not the controller: its state is told as it is at this instant."""
    told: tuple[dict[str, Any], int, End] = (bench.world.state(), bench.token, end)
    path.write_bytes(pickle.dumps(told))
