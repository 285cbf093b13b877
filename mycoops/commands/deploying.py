"""`mycoops deploy` and `mycoops redeploy`: what the vault and the open rotations say, onto the hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mycoops import lease
from mycoops.commands.checking import refuse
from mycoops.delivery import Requests
from mycoops.errors import ConfigurationError, Interrupted, WrongUsage
from mycoops.interrupts import Stop
from mycoops.order import apart, host_order
from mycoops.rotation.context import generations
from mycoops.rotation.replies import attested, error_text, silence
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


def deploy(fleet: Fleet, notify: Notify, stop: Stop, *, host: str = "", check: bool = False) -> list[Delivered]:
    """Deliver every service's files to its host, or to one host; the second run changes nothing."""
    refuse(fleet)
    services = [name for name, service in fleet.catalogue.services.items() if host in ("", service.host)]
    if not services:
        known = sorted({service.host for service in fleet.catalogue.services.values()})
        raise WrongUsage(f"no service runs on {host}", hint=f"One of: {', '.join(known)}.")
    with lease.hold(fleet.settings.state, "deploy") as token, open_session(fleet, notify) as session:
        return deliver(session, services, token, stop, check=check)


def under_way(fleet: Fleet) -> list[str]:
    """The credentials whose rotation is open: a deploy brings them as far as that has come, and no further."""
    return [name for run in fleet.runs().values() for name, standing in run.rotations.items() if standing.open]


def redeploy(fleet: Fleet, notify: Notify, stop: Stop, credential: str) -> list[Delivered]:
    """Write the current value of one credential to all its consumers, restart them, and see the running processes hold it."""
    refuse(fleet)
    declared = fleet.catalogue.credentials.get(credential)
    if declared is None:
        raise WrongUsage(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    services = [consumer.service for consumer in declared.services]
    if not services:
        raise ConfigurationError(f"{credential} has no service to deploy to", hint="Only the rotator uses it.")
    with lease.hold(fleet.settings.state, f"redeploy {credential}") as token, open_session(fleet, notify) as session:
        return deliver(session, services, token, stop, force=True)


def deliver(
    session: Session, services: list[str], token: int, stop: Stop, *, check: bool = False, force: bool = False
) -> list[Delivered]:
    """Deliver to these services, one action a host, hosts that share a service group one after the other.

    `force` restarts also what already holds its values. Stops after a wave with a failure, and where `stop` says so."""
    fleet = session.fleet
    found = generations(fleet.catalogue, session.store, fleet.runs().values())
    requests = Requests(fleet.catalogue, fleet.kinds, found, token).for_services(services)
    for request in requests.values():
        request["repair"] = True
        for service in request["services"]:
            service["force"] = force
    session.runner.hurry = stop.now
    done: list[Delivered] = []
    for wave in apart(fleet.catalogue, services):
        if stop():
            raise Interrupted(f"stopped before {', '.join(wave)}; every host holds whole files", hint="Run the command again.")
        outcome = session.performer.carry_out((), {host: requests[host] for host in wave}, check=check)
        done += [_delivered(host, outcome, check=check) for host in wave]
        if any(one.error for one in done):
            break
    reached = {one.host for one in done}
    missed = [host for host in requests if host not in reached]
    done += [Delivered(host, False, [], [], "not come to: another host of its service group failed") for host in missed]
    by_host = {one.host: one for one in done}
    return [by_host[host] for host in host_order(fleet.catalogue, requests)]


def _delivered(host: str, outcome: Outcome, *, check: bool) -> Delivered:
    reply = next((reply for reply in outcome.replies if reply.host == host), None)
    if reply is None:
        return Delivered(host, False, [], [], silence(outcome, host))
    error = error_text(reply.error) if reply.error else ""
    if outcome.leaks and not error:
        error = f"a value was found in {', '.join(sorted(set(outcome.leaks)))}: look, and rotate it"
    stale = [] if check or error else [one["name"] for one in reply.data.get("services", []) if not attested(outcome, one["name"])]
    if stale:
        error = f"{', '.join(stale)}: written, but no process is seen to run on it: restart by hand, and deploy again"
    return Delivered(host, bool(reply.data.get("changed")), reply.data.get("files", []), reply.data.get("services", []), error)
