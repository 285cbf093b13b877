"""`mycoops drill --lab`: rotates one credential of a lab again and again, and kills the controller at another point each time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from mycoops import journal, lab, ledger, settings
from mycoops.commands import deploying
from mycoops.commands.dying import Order, Words
from mycoops.errors import LabError, MycoopsError, WrongUsage
from mycoops.interrupts import Stop
from mycoops.journal import Record
from mycoops.ledger import Standing
from mycoops.model import Stage, State
from mycoops.report import PROVEN, last_outcomes
from mycoops.session import Fleet

LIMIT_SECONDS = 600
"""A controller that takes longer has lost its way."""


@dataclass(slots=True)
class LabReport:
    """What came of the kills. `points` is where the last, undisturbed run could have been killed; `cut` is in milliseconds."""

    credential: str
    overlap: str
    points: int = 0
    kills: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    seconds: float = 0.0


def drill(fleet: Fleet, credential: str, told: Callable[[str], None], *, every: int, offset: int = 0, most: int = 0) -> LabReport:
    """Kill a rotation at one of `every` points, from `1 + offset` on, at most so often; `resume` ends it, and it is judged.

    Raises WrongUsage for numbers that name no points."""
    if every < 1 or offset < 0 or most < 0:
        problem = "a drill on a lab goes on by 1 point or more, from an offset of 0 or more, and for 0 kills or more"
        raise WrongUsage(problem, hint="See `mycoops drill --help`.")
    _refuse(fleet, credential)
    report = LabReport(credential, str(fleet.kinds[fleet.catalogue.credentials[credential].kind].overlap))
    began, number = time.monotonic(), 1 + offset
    while not most or len(report.kills) < most:
        before = set(journal.paths(fleet.settings.journals))
        words = _controller(fleet, credential, resume=False, at=number)
        if words.point:
            report.kills.append(f"{number}: {words.point}")
            after = _controller(fleet, credential, resume=True, at=0) if _open(fleet) else words
            told(f"killed at {number} ({words.point}): {after.error or 'resumed to the end'}")
        else:
            report.points = words.points
            told(f"not killed: {words.points} points")
        report.findings += [f"{words.point or 'not killed'}: {what}" for what in _wrong(fleet, credential, report, before)]
        if not words.point or report.findings:
            break
        number += every
    report.seconds = time.monotonic() - began
    return report


def _refuse(fleet: Fleet, credential: str) -> None:
    if credential not in fleet.catalogue.credentials:
        raise WrongUsage(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    if down := [host.name for host in lab.status(fleet.settings.fleet) if host.state != "running"]:
        raise LabError(f"{', '.join(down)}: not running", hint="Boot the lab: `mycoops lab up`, then `mycoops deploy`.")
    if _open(fleet):
        raise LabError("a rotation is open", hint="End it first: `mycoops resume` or `mycoops abort`.")


def _open(fleet: Fleet) -> bool:
    return any(run.open for run in fleet.runs().values())


def _controller(fleet: Fleet, credential: str, *, resume: bool, at: int) -> Words:
    """One process that rotates or resumes, and ends by itself or at its point."""
    with tempfile.TemporaryDirectory() as place:
        order, words = Path(place) / "order", Path(place) / "words"
        told = Order(str(fleet.settings.fleet), credential, resume, at, str(words))
        order.write_text(json.dumps(asdict(told)), encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-m", "mycoops.commands.dying", str(order)], check=False, capture_output=True, timeout=LIMIT_SECONDS
        )
        if not words.exists():
            raise LabError(f"a controller ended with status {ended.returncode}: {ended.stderr.decode(errors='replace')[-300:]}")
        said = Words(**json.loads(words.read_text(encoding="utf-8")))
        if bool(said.point) != (ended.returncode == -signal.SIGKILL):
            raise LabError(f"a controller that said it would die ended with status {ended.returncode}")
        return said


def _wrong(fleet: Fleet, credential: str, report: LabReport, before: set[Path]) -> list[str]:
    """What is not as it has to be after a rotation: state, evidence, journal, candidates, and what the hosts hold and run on."""
    found = [f"candidates were left behind: {left}"] if (left := fleet.facts().pending(credential)) else []
    for path in set(journal.paths(fleet.settings.journals)) - before:
        records, verdict = journal.read(path, settings.install_key(fleet.settings))
        found += [] if verdict.state == "intact" else [f"{path.name} is {verdict.state}"]
        run = ledger.fold(records)
        found += _unproven(run.rotations[credential]) if run else []
        if length := _cut(records, credential):
            report.cut.append(length)
    return found + _differing(fleet)


def _unproven(standing: Standing) -> list[str]:
    """What a rotation lacks that is over."""
    if standing.state is not State.CLOSED:
        return [f"{standing.state} {standing.blocked}"]
    last = last_outcomes(standing)
    return [] if last == PROVEN else [f"the last probes say {last}"]


def _differing(fleet: Fleet) -> list[str]:
    try:
        done = deploying.deploy(fleet, lambda host, task: None, Stop(), check=True)
    except MycoopsError as error:
        return [f"a deploy in check mode: {error.message}"]
    differing = [f"{one.host}: {one.error or 'a deploy would change or restart something'}" for one in done.hosts if _differs(one)]
    return differing + ([done.error.message] if done.error else [])


def _differs(one: deploying.Delivered) -> bool:
    return bool(one.error or one.changed or one.restarted)


def _cut(records: list[Record], credential: str) -> int:
    """Milliseconds from the record of the cut to the last consumer that was seen on the new value; 0 where there is no cut."""
    mine = [record for record in records if record.get("credential") == credential]
    begun = [r["time"] for r in mine if r.get("state") == str(State.CUTOVER)]
    ended = [r["time"] for r in mine if r.get("stage") == str(Stage.ACKNOWLEDGED)]
    if not (begun and ended):
        return 0
    return round((datetime.fromisoformat(ended[-1]) - datetime.fromisoformat(begun[0])).total_seconds() * 1000)
