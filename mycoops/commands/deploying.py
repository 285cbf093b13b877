"""`mycoops deploy` and `mycoops redeploy`: what the vault and the open rotations say, onto the hosts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mycoops import lease
from mycoops.commands.checking import refuse
from mycoops.delivery import Requests
from mycoops.errors import ConfigurationError
from mycoops.plan import host_order
from mycoops.rotation.context import generations
from mycoops.rotation.replies import error_text, silence
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


def deploy(fleet: Fleet, notify: Notify, *, host: str = "", check: bool = False) -> list[Delivered]:
    """Deliver every service's files to its host, or to one host; the second run changes nothing."""
    refuse(fleet)
    services = [name for name, service in fleet.catalogue.services.items() if host in ("", service.host)]
    if not services:
        raise ConfigurationError(
            f"no service runs on {host}", hint="`mycoops check` lists nothing wrong? Then mend the host's name."
        )
    with lease.hold(fleet.settings.state, "deploy") as token, open_session(fleet, notify) as session:
        return deliver(session, services, token, check=check)


def redeploy(fleet: Fleet, notify: Notify, credential: str) -> list[Delivered]:
    """Write the current value of one credential to all its consumers, restart them, and see the running processes hold it."""
    refuse(fleet)
    declared = fleet.catalogue.credentials.get(credential)
    if declared is None:
        raise ConfigurationError(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    services = [consumer.service for consumer in declared.services]
    if not services:
        raise ConfigurationError(f"{credential} has no service to deploy to", hint="Only the rotator uses it.")
    with lease.hold(fleet.settings.state, f"redeploy {credential}") as token, open_session(fleet, notify) as session:
        return deliver(session, services, token, force=True)


def deliver(session: Session, services: Iterable[str], token: int, *, check: bool = False, force: bool = False) -> list[Delivered]:
    """Deliver to these services, one action a host. `force` restarts also what already holds its values."""
    fleet = session.fleet
    found = generations(fleet.catalogue, session.store, fleet.runs().values())
    requests = Requests(fleet.catalogue, fleet.kinds, found, token).for_services(services)
    for request in requests.values():
        request["repair"] = True
        for service in request["services"]:
            service["force"] = force
    outcome = session.performer.carry_out((), requests, check=check)
    return [_delivered(host, outcome) for host in host_order(fleet.catalogue, requests)]


def _delivered(host: str, outcome: Outcome) -> Delivered:
    reply = next((reply for reply in outcome.replies if reply.host == host), None)
    if reply is None:
        return Delivered(host, False, [], [], silence(outcome, host))
    error = error_text(reply.error) if reply.error else ""
    if outcome.leaks and not error:
        error = f"a value was found in {', '.join(sorted(set(outcome.leaks)))}: look, and rotate it"
    return Delivered(host, bool(reply.data.get("changed")), reply.data.get("files", []), reply.data.get("services", []), error)
