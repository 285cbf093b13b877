"""`mycoops deploy` and `mycoops redeploy`: what the vault and the open rotations say, onto the hosts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from mycoops import lease
from mycoops.commands import leaking
from mycoops.commands.checking import refuse
from mycoops.delivery import Requests
from mycoops.errors import ConfigurationError, Interrupted, MycoopsError, WrongUsage
from mycoops.interrupts import Stop
from mycoops.model import Leak
from mycoops.order import apart, host_order
from mycoops.report import scan_words
from mycoops.rotation.context import generations
from mycoops.rotation.replies import attested, delivery_of, error_text, silence
from mycoops.runner import Outcome
from mycoops.session import Fleet, Notify, Session, open_session


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a deploy did on one host."""

    host: str
    changed: bool
    files: list[dict[str, Any]]
    services: list[dict[str, Any]]
    error: str = ""

    @property
    def restarted(self) -> list[str]:
        """The services it restarted or reloaded."""
        return [service["name"] for service in self.services if service.get("restarted") or service.get("reloaded")]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deploy did on each host, and the failure to raise after it is shown."""

    hosts: list[Delivered]
    scan: str
    """What the leak scan searched, found and left out; empty where there was none."""
    error: MycoopsError | None = None


def deploy(fleet: Fleet, notify: Notify, stop: Stop, *, host: str = "", check: bool = False) -> Deployed:
    """Deliver every service's files to its host, or to one host; the second run changes nothing."""
    refuse(fleet)
    services = services_on(fleet, host)
    with lease.hold(fleet.settings.state, "deploy") as token, open_session(fleet, notify) as session:
        return deliver(session, services, token, stop, "deploy", check=check)


def services_on(fleet: Fleet, host: str) -> list[str]:
    """The services of a host, or of all. Raises WrongUsage where none runs there, and ConfigurationError where there is none."""
    declared = fleet.catalogue.services
    if found := [name for name, service in declared.items() if host in ("", service.host)]:
        return found
    if not declared:
        hint = "Declare one under mycoops_services."
        raise ConfigurationError("no service is declared, so there is nothing to deliver", hint=hint)
    raise WrongUsage(f"no service runs on {host}", hint=f"One of: {', '.join(sorted({one.host for one in declared.values()}))}.")


def under_way(fleet: Fleet) -> list[str]:
    """The credentials whose rotation is open: a deploy brings them as far as that has come, and no further."""
    return [name for run in fleet.runs().values() for name, standing in run.rotations.items() if standing.open]


def redeploy(fleet: Fleet, notify: Notify, stop: Stop, credential: str) -> Deployed:
    """Write the current value of one credential to all its consumers, restart them, and see the running processes hold it."""
    refuse(fleet)
    declared = fleet.catalogue.credentials.get(credential)
    if declared is None:
        raise WrongUsage(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    services = [consumer.service for consumer in declared.services]
    if not services:
        outside = ", ".join(consumer.name for consumer in declared.outside)
        hint = f"Only these, outside the hosts, use it: {outside}." if outside else "Only the rotator uses it."
        raise ConfigurationError(f"{credential} has no service to deploy to", hint=hint)
    with lease.hold(fleet.settings.state, f"redeploy {credential}") as token, open_session(fleet, notify) as session:
        return deliver(session, services, token, stop, "redeploy", force=True)


@dataclass(slots=True)
class _Work:
    """A deploy under way: what came back so far."""

    session: Session
    requests: dict[str, dict[str, Any]]
    stop: Stop
    check: bool
    done: list[Delivered] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)
    searched: dict[str, None] = field(default_factory=dict)
    skipped: dict[str, None] = field(default_factory=dict)

    def wave(self, hosts: list[str], *, last: bool) -> None:
        """Deliver to these hosts; the leak scan of all of them rides along with the last ones."""
        requests = {host: self.requests[host] for host in hosts}
        outcome = self.session.performer.carry_out((), requests, check=self.check, scan=last)
        self._noted(outcome)
        self.done += [_delivered(host, outcome, check=self.check) for host in hosts]

    def scan(self) -> None:
        """Search what is not searched yet; not where it is told to stop at once."""
        if self.stop.now():
            return
        outcome = self.session.scan()
        self._noted(outcome)
        self.missed = outcome.missed

    def end(self, what: str, token: int) -> Deployed:
        """Search what is not searched yet, write down what was found, and say how it all went."""
        self.scan()
        fleet = self.session.fleet
        unwritten = leaking.recorded(fleet, self.leaks, what, token)
        leaking.listen(self.session, self.leaks)
        return Deployed(self.hosts(), self.scanned(), leaking.failure(fleet, self.leaks, error=unwritten))

    def _noted(self, outcome: Outcome) -> None:
        self.leaks += [leak for leak in outcome.leaks if leak not in self.leaks]
        self.searched |= dict.fromkeys(outcome.searched)
        self.skipped |= dict.fromkeys(outcome.skipped)

    def scanned(self) -> str:
        """What the leak scan searched, found and left out."""
        places = list(self.searched)
        return scan_words(places, len(self.leaks), self.missed.values(), self.skipped) if places else ""

    def hosts(self) -> list[Delivered]:
        """Every host in its order; one that all went well with, but could not be searched, has that as its error."""
        reached = {one.host: one for one in self.done}
        skipped = "not come to: another host of its service group failed"
        found = [reached.get(host) or Delivered(host, False, [], [], skipped) for host in self.requests]
        unsearched = {host: f"not searched for leaks: {problem}" for host, problem in self.missed.items()}
        by_host = {one.host: replace(one, error=one.error or unsearched.get(one.host, "")) for one in found}
        return [by_host[host] for host in host_order(self.session.fleet.catalogue, self.requests)]


def deliver(
    session: Session, services: list[str], token: int, stop: Stop, what: str, *, check: bool = False, force: bool = False
) -> Deployed:
    """Deliver to these services, one action a host, hosts that share a service group one after the other, and search for leaks.

    `force` restarts also what already holds its values. Stops after a wave with a failure, and where `stop` says so."""
    fleet = session.fleet
    found = generations(fleet.catalogue, session.store, fleet.runs().values())
    requests = Requests(fleet.catalogue, fleet.kinds, found, token).for_services(services)
    for request in requests.values():
        request["repair"] = True
        for service in request["services"]:
            service["force"] = force
    session.runner.hurry = stop.now
    work, waves = _Work(session, requests, stop, check), apart(fleet.catalogue, services)
    for number, wave in enumerate(waves, 1):
        if stop():
            stopped = Interrupted(f"stopped before {', '.join(wave)}; every host holds whole files", hint="Run the command again.")
            raise work.end(what, token).error or stopped
        work.wave(list(wave), last=number == len(waves))
        if any(one.error for one in work.done):
            break
    return work.end(what, token)


def _delivered(host: str, outcome: Outcome, *, check: bool) -> Delivered:
    reply = delivery_of(outcome, host)
    if reply is None:
        return Delivered(host, False, [], [], silence(outcome, host))
    error = error_text(reply.error) if reply.error else ""
    stale = [] if check or error else [one["name"] for one in reply.data.get("services", []) if not attested(outcome, one["name"])]
    if stale:
        error = f"{', '.join(stale)}: written, but no process is seen to run on it: restart by hand, and deploy again"
    return Delivered(host, bool(reply.data.get("changed")), reply.data.get("files", []), reply.data.get("services", []), error)
