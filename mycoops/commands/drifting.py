"""`mycoops drift`: every host is asked in one start what differs from what a deploy would bring there; nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mycoops import drift as drifts
from mycoops import last_drift, lease
from mycoops.commands import leaking
from mycoops.commands.checking import refuse
from mycoops.commands.deploying import services_on
from mycoops.delivery import Requests
from mycoops.drift import Looked
from mycoops.errors import Exit, Locked, MycoopsError, NotWritten, StepFailed
from mycoops.last_drift import LastDrift, counted
from mycoops.order import host_order
from mycoops.rotation.context import generations
from mycoops.session import Fleet, Notify, Session, open_session

AGAIN = "Wait until it ends, and ask again."


@dataclass(frozen=True, slots=True)
class Drifted:
    """What every host was found to be, and what to raise after that is shown."""

    hosts: list[Looked]
    error: MycoopsError | None = None

    @property
    def found(self) -> bool:
        """Whether anything differs anywhere."""
        return any(one.findings for one in self.hosts)


def drift(fleet: Fleet, notify: Notify, *, host: str = "") -> Drifted:
    """Ask every host, or one. Raises Locked where a run is under way, or has begun meanwhile: it changes what is asked for."""
    refuse(fleet)
    services = services_on(fleet, host)
    state = fleet.settings.state
    token = lease.latest(state)
    _nobody_else(fleet, token)
    with open_session(fleet, notify) as session:
        done = _look(session, services, token)
    _nobody_else(fleet, token)
    return done


@contextmanager
def kept(fleet: Fleet, *, whole: bool) -> Iterator[Callable[[Drifted], Drifted]]:
    """Within the block, a look at the whole fleet is kept for metrics and reminders, by counts, however it ends."""
    began = time.monotonic()

    def keep(done: Drifted, status: int | None = None) -> Drifted:
        if status is None:
            status = done.error.exit_status if done.error else Exit.FINDINGS if done.found else Exit.DONE
        if whole:
            last = LastDrift(time.time(), time.monotonic() - began, int(status), counted(done.hosts))
            last_drift.save(fleet.settings.state, last)
        return done

    try:
        yield keep
    except MycoopsError as error:
        if not isinstance(error, NotWritten):
            keep(Drifted([]), error.exit_status)
        raise


def _nobody_else(fleet: Fleet, token: int) -> None:
    """Raise Locked where somebody holds the lease, or has held it since `token`."""
    state = fleet.settings.state
    if who := lease.under_way(state):
        raise Locked(f"another run holds this fleet, and changes what hosts hold: {who}", hint=AGAIN)
    if lease.latest(state) != token:
        raise Locked("another run has held this fleet while its hosts were asked; what they said is of no use", hint=AGAIN)


def _look(session: Session, services: list[str], token: int) -> Drifted:
    """Ask; then search the control node for leaks, which alone had the values, and what a killed run has left there."""
    fleet, store = session.fleet, session.store
    found = generations(fleet.catalogue, store, fleet.runs().values())
    deliveries = Requests(fleet.catalogue, fleet.kinds, found, token).for_services(services)
    kept = [(credential, generation) for credential, generation, _ in store.secrets()]
    answers = session.performer.look(drifts.requests(fleet.catalogue, deliveries, kept))
    leaks = list(dict.fromkeys([*answers.leaks, *session.scan().leaks]))
    leaking.listen(session, leaks)
    hosts = [
        drifts.looked(fleet.catalogue, host, answers.of(f"{drifts.PREFIX}{host}"), answers.silence(host))
        for host in host_order(fleet.catalogue, deliveries)
    ]
    unwritten = leaking.recorded(fleet, leaks, "drift")
    return Drifted(hosts, leaking.failure(fleet, leaks, error=unwritten) or _unasked(hosts))


def _unasked(hosts: list[Looked]) -> StepFailed | None:
    lines = [one.error for one in hosts if one.error]
    return StepFailed("\n".join(["not everything could be asked", *lines]), hint="Mend that, and ask again.") if lines else None
