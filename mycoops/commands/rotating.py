"""`mycoops rotate`, `resume` and `abort`: opens journals, walks plans, renders the log whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from mycoops import account, interrupts, lease, ledger, settings, stale
from mycoops.commands import leaking, planning
from mycoops.commands.checking import refuse
from mycoops.commands.rendering import opened, render_log
from mycoops.errors import (
    ConfigurationError,
    ForwardOnly,
    Interrupted,
    Leaked,
    MycoopsError,
    NotWritten,
    StepFailed,
    WaitingForPerson,
)
from mycoops.interrupts import Stop
from mycoops.journal import Journal
from mycoops.model import State
from mycoops.plan import Plan, plan_of
from mycoops.report import Line, lines
from mycoops.rotation import abort as going_back
from mycoops.rotation.context import RESUME, Context, Progress
from mycoops.rotation.walk import walk
from mycoops.secret import Secret
from mycoops.session import Fleet, Notify, Session, open_session
from mycoops.vault import Store


class Outcome:
    """What a command did to one run: its lines for the summary, and the failure to raise after it is shown."""

    def __init__(self, path: Path, found: list[Line], starts: int, error: MycoopsError | None, run: ledger.Run) -> None:
        self.journal = path
        self.lines = found
        self.starts = starts
        self.error = error
        self.run = run


GRAVITY = (Leaked, ForwardOnly, StepFailed, Interrupted, WaitingForPerson)
"""How runs can end that did not come to their end, the gravest first."""


def gravest(done: Iterable[Outcome]) -> MycoopsError | None:
    """The failure that speaks for several runs; None where there is none."""
    found = [outcome.error for outcome in done if outcome.error]
    ranked = [error for kind in GRAVITY for error in found if isinstance(error, kind)]
    return next(iter(ranked or found), None)


def refuse_open(fleet: Fleet, chosen: Iterable[str]) -> None:
    """Raise ConfigurationError if one of the credentials is in a rotation that is not over."""
    for path, run in fleet.runs().items():
        busy = [name for name in chosen if name in run.rotations and run.rotations[name].open]
        if busy:
            raise ConfigurationError(
                f"a rotation of {', '.join(busy)} is open ({path.name})",
                hint="Go on with `mycoops resume`, or go back with `mycoops abort`.",
            )


def _refuse_outdated(fleet: Fleet, session: Session, plan: Plan) -> None:
    """Raise ConfigurationError for a plan made before another run changed what it starts from."""
    names = [rotation.credential for rotation in plan.rotations]
    if planning.plan(fleet, session.store, names, label=plan.label, reason=plan.reason).digest != plan.digest:
        raise ConfigurationError("the fleet has changed since this plan was made; nothing was done", hint="Plan again.")


Asker = Callable[[Store, str], Secret | None]
"""Asks somebody at the terminal for the value of a credential that the store does not hold yet; nothing means "later"."""


def rotate(fleet: Fleet, plan: Plan, progress: Progress, notify: Notify, stop: Stop, asker: Asker | None = None) -> Outcome:
    """Open a journal for the plan and walk it."""
    refuse(fleet)
    with lease.hold(fleet.settings.state, "rotate") as token, open_session(fleet, notify) as session:
        names = [rotation.credential for rotation in plan.rotations]
        for path in _nearly_closed(fleet, names):
            _resume(session, path, token, progress, stop, asker)
        refuse_open(fleet, names)
        _refuse_outdated(fleet, session, plan)
        return _walk(session, opened(fleet, plan, token), token, progress, stop, asker)


def resume(fleet: Fleet, progress: Progress, notify: Notify, stop: Stop, asker: Asker | None = None) -> list[Outcome]:
    """Walk every open journal on from where it stands."""
    refuse(fleet)
    with lease.hold(fleet.settings.state, "resume") as token, open_session(fleet, notify) as session:
        return [_resume(session, path, token, progress, stop, asker) for path in _open_journals(fleet)]


def act(
    fleet: Fleet, path: Path, command: str, progress: Progress, notify: Notify, stop: Stop, do: Callable[[Context], object]
) -> None:
    """Do one thing about the open run of a journal, under the lease, and end with the leak scan. Raises what it failed with."""
    refuse(fleet)
    with lease.hold(fleet.settings.state, command) as token, open_session(fleet, notify) as session:
        written = Journal(path, settings.install_key(fleet.settings))
        _takes_up(session, written)
        context = _context(session, written, token, progress)
        if failure := _guarded(session, context, stop, partial(do, context), f"mycoops {command}"):
            raise failure


def _resume(session: Session, path: Path, token: int, progress: Progress, stop: Stop, asker: Asker | None) -> Outcome:
    written = Journal(path, settings.install_key(session.fleet.settings))
    _takes_up(session, written)
    return _walk(session, written, token, progress, stop, asker, resumed=True)


def _nearly_closed(fleet: Fleet, chosen: Iterable[str]) -> list[Path]:
    """The journals of these credentials in which nothing is left but to close, as where somebody had to hear of a leak first."""
    found = []
    for path, run in fleet.runs().items():
        left = {name: standing for name, standing in run.rotations.items() if standing.open}
        if left.keys() & set(chosen) and all(standing.state is State.PROVEN_DEAD for standing in left.values()):
            found.append(path)
    return found


def abort(fleet: Fleet, progress: Progress, notify: Notify, stop: Stop) -> list[str]:
    """Take every open run back, each for itself; returns the credentials. Raises the first failure after the last run."""
    refuse(fleet)
    with lease.hold(fleet.settings.state, "abort") as token, open_session(fleet, notify) as session:
        names: list[str] = []
        failures: list[MycoopsError] = []
        for path in _open_journals(fleet):
            written = Journal(path, settings.install_key(fleet.settings))
            _takes_up(session, written)
            context = _context(session, written, token, progress)
            begun = [name for name, standing in context.run.rotations.items() if standing.open]
            failure = _guarded(session, context, stop, partial(going_back.abort, context, stop), going_back.AGAIN)
            if isinstance(failure, Interrupted):
                raise failure
            failures += [failure] if failure else []
            names += [name for name in begun if not context.run.rotations[name].open]
        if failures:
            raise failures[0]
        return names


def _open_journals(fleet: Fleet) -> list[Path]:
    found = [path for path, run in fleet.runs().items() if run.open]
    if not found:
        raise ConfigurationError("no rotation is open", hint="`mycoops status` shows where every credential stands.")
    return found


def _takes_up(session: Session, written: Journal) -> None:
    """An earlier process was at this run: whatever it may have left somewhere is searched for too."""
    if run := ledger.fold(written.records):
        session.goes_back_to(run.opened, plan_of(run.plan))


def _walk(
    session: Session,
    written: Journal,
    token: int,
    progress: Progress,
    stop: Stop,
    asker: Asker | None = None,
    *,
    resumed: bool = False,
) -> Outcome:
    render, ask = partial(render_log, session.fleet), partial(asker, session.store) if asker else None
    context = replace(_context(session, written, token, progress), sleep=interrupts.patient(stop), render=render, asker=ask)

    def act() -> None:
        stale.remember(session.fleet)
        if resumed:
            context.record("resumed", operator=account.here(), token=token)
        walk(context, stop)

    before = session.runner.starts
    error = _guarded(session, context, stop, act, RESUME)
    return Outcome(written.path, lines(context.run, written.records), session.runner.starts - before, error, context.run)


def _guarded(session: Session, context: Context, stop: Stop, act: Callable[[], object], again: str) -> MycoopsError | None:
    """Act on one run, end with the leak scan, and render the log whatever happens; returns what the command has to fail with."""
    session.runner.hurry = stop.now
    error: MycoopsError | None = None
    try:
        for step in (act, partial(_searched, context, stop)):
            try:
                step()
            except (MycoopsError, OSError) as caught:
                told = _told(context.run, caught, again)
                error = error or (_cut_off(told, again) if stop.now() else told)
    finally:
        unwritten = _unrendered(session.fleet)
    leaking.listen(session, context.leaks)
    return leaking.failure(session.fleet, context.leaks, context.missed, error or next(iter(unwritten), None))


def _searched(context: Context, stop: Stop) -> None:
    """Search for leaks, unless nothing was done since the last time, or there is no time for it."""
    if stop.now():
        context.progress.note("stopped at once: not searched for leaks; the next command does it")
    elif not context.scanned:
        context.scan()


def _told(run: ledger.Run, error: MycoopsError | OSError, following: str) -> MycoopsError:
    """What stopped a run; a file of the control node that cannot be written, or read, stops it like a failing step."""
    if isinstance(error, OSError):
        error = NotWritten(f"{error.filename or 'a stream of this process'}: {error.strerror}", mend="Mend that")
    if not isinstance(error, NotWritten):
        return error
    past = any(standing.open and standing.forward_only for standing in run.rotations.values())
    kind, where = (ForwardOnly, "after the point of no return") if past else (StepFailed, "every old value still works")
    return kind(f"stopped; {where}\n{error.message}", hint=f"{error.mend}, then `{following}`.")


def _unrendered(fleet: Fleet) -> list[MycoopsError]:
    """Render the rotation log, and remember how far the journals have come; what kept it from being rendered."""
    try:
        render_log(fleet)
        stale.remember(fleet)
    except MycoopsError as error:
        return [error]
    return []


def _cut_off(error: MycoopsError, again: str) -> MycoopsError:
    """What stopped a run that was told to stop in the middle of a step: not the step, whose outcome nobody has heard."""
    if isinstance(error, Interrupted):
        return error
    return Interrupted(f"stopped in the middle of a step\n{error.message}", hint=f"Go on with `{again}`: it asks first.")


def _context(session: Session, written: Journal, token: int, progress: Progress) -> Context:
    run = ledger.fold(written.records)
    if run is None:
        raise ConfigurationError(f"{written.path} is empty", hint="Remove it: nothing was done under it.")
    return Context(
        catalogue=session.fleet.catalogue,
        kinds=session.fleet.kinds,
        store=session.store,
        journal=written,
        run=run,
        plan=plan_of(run.plan),
        token=token,
        performer=session.performer,
        progress=progress,
        rotator_key=session.rotator_key,
        outside=session.reach,
        fingerprint=session.fingerprint,
        scanner=session.scan,
        others=tuple(other for path, other in session.fleet.runs().items() if path != written.path),
    )
