"""Reads what hosts answered: what is wrong for which credential, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mycoops.model import Item, Reply
from mycoops.rotation.context import Context
from mycoops.runner import Outcome

UNKNOWN = ("crash", "no_reply", "half_written", "unhealthy_rollback_failed")
"""Errors after which nobody can say which values a service runs on."""


def explain(answers: Outcome, items: Iterable[Item]) -> str:
    """Why not every one of these items was carried out; empty if all were."""
    for item in items:
        reply = answers.of(item.id)
        if reply is None:
            return silence(answers, item.host)
        if reply.error:
            return f"{item.kind} {item.entry} on {item.host}: {error_text(reply.error)}"
    return ""


def silence(answers: Outcome, host: str) -> str:
    """What is known of a host that gave no answer."""
    return answers.silence(host)


def error_text(error: dict[str, Any]) -> str:
    """One error of a host as a sentence with its place."""
    place = str(error.get("path", ""))
    if place and error.get("line"):
        place += f":{error['line']}"
    message = str(error.get("message", error.get("code", "failed")))
    message = message.removeprefix(f"{error.get('path')}: line {error.get('line')}: ")
    words = [word for word in (place, str(error.get("service", ""))) if word and not message.startswith(f"{word}: ")]
    return ": ".join([*words, message])


def unheard(answers: Outcome, items: Iterable[Item]) -> str:
    """Which probe brought nothing to go by, and what it met; empty where all did."""
    for item in items:
        reply = answers.of(item.id)
        if reply and reply.outcome and not reply.outcome.informative:
            met = ", ".join(str(value) for value in (reply.data.get("evidence") or {}).values() if value not in ("", None))
            return f"{item.kind} probe from {item.host}: {reply.outcome}" + (f" ({met})" if met else "")
    return ""


def delivery_of(answers: Outcome, host: str) -> Reply | None:
    """The reply to a host's delivery."""
    return next((reply for reply in answers.replies if reply.host == host and ("services" in reply.data or _whole(reply))), None)


def _whole(reply: Reply) -> bool:
    return not reply.item and bool(reply.error)


def delivered(answers: Outcome, service: str) -> dict[str, Any]:
    """What a host reported of one service it delivered to; empty if it did not come that far."""
    entry = _entry(answers, service)
    if entry is None:
        return {}
    return {"host": entry["host"], "restarted": bool(entry.get("restarted")), "seconds": entry.get("seconds", 0)}


def _entry(answers: Outcome, service: str) -> dict[str, Any] | None:
    for reply in answers.replies:
        for entry in reply.data.get("services", []):
            if entry.get("name") == service:
                return {**entry, "host": reply.host}
    return None


def failed_services(context: Context, answers: Outcome, services: Iterable[str], *, check: bool = False) -> dict[str, str]:
    """The services whose delivery did not succeed, each with the reason; without `check` each has to be seen on its values."""
    wrong: dict[str, str] = {}
    for service in services:
        host = context.catalogue.services[service].host
        reply = delivery_of(answers, host)
        if reply is None:
            wrong[service] = silence(answers, host)
        elif reply.error and _concerns(context, reply.error, service, answers):
            wrong[service] = f"{host}: {error_text(reply.error)}"
        elif not (check or attested(answers, service)):
            wrong[service] = f"{host}: {service}: {_unseen(context, service)}"
    return wrong


def _unseen(context: Context, service: str) -> str:
    if context.catalogue.services[service].applies == "next-run":
        return "written, but a run from before the change is under way, or it failed: wait for its end"
    return "written, but its process is not seen to run on it: restart it"


def attested(answers: Outcome, service: str) -> bool:
    """Whether a delivery saw the service's process run, healthy, on the values of its files."""
    entry = _entry(answers, service)
    return bool(entry and entry.get("holds") is True and entry.get("healthy") is True)


def strays(context: Context, answers: Outcome, service: str, variables: Iterable[str]) -> str:
    """How, by a rehearsed delivery, a service's files or its process differ from what they have to hold; empty if they do not."""
    if wrong := failed_services(context, answers, [service], check=True):
        return wrong[service]
    declared, entry = context.catalogue.services[service], _entry(answers, service)
    reply = delivery_of(answers, declared.host)
    files = {file["path"]: file for file in (reply.data.get("files", []) if reply else [])}
    for name in variables:
        file = files.get(declared.file_of(name).path)
        if file is None or name in file.get("names", []):
            return f"{declared.host}: {declared.file_of(name).path} does not hold {name} as it has to be"
    if entry is None or not entry.get("holds") or entry.get("restarted") or entry.get("reloaded"):
        return f"{declared.host}: {service} does not run on what its files hold"
    return ""


def _concerns(context: Context, error: dict[str, Any], service: str, answers: Outcome) -> bool:
    if not (error.get("service") or error.get("path")):
        return True
    return _named(context, error, service) or not delivered(answers, service)


def _named(context: Context, error: dict[str, Any], service: str) -> bool:
    """Whether an error says that it is about this service, by its name or by a file it reads."""
    if error.get("service"):
        return bool(error["service"] == service)
    declared = context.catalogue.services[service]
    return error.get("path") in {file.path for file in declared.all_files}


def left_out(context: Context, answers: Outcome, wrong: Mapping[str, str]) -> list[str]:
    """The failed services that were only not come to, because their host stopped at another one: they can go without it."""
    errors = {service: _error(context, answers, service) for service in wrong}
    culprits = {service for service in wrong if _named(context, errors[service], service)}
    halted = {context.catalogue.services[service].host for service in culprits}
    return [service for service in wrong if service not in culprits and context.catalogue.services[service].host in halted]


def _error(context: Context, answers: Outcome, service: str) -> dict[str, Any]:
    reply = delivery_of(answers, context.catalogue.services[service].host)
    return reply.error if reply else {}


def unsettled(context: Context, answers: Outcome, service: str) -> bool:
    """Whether a failed delivery leaves open which values the service holds now: then the same ones are tried again."""
    reply = delivery_of(answers, context.catalogue.services[service].host)
    return reply is None or not reply.error or reply.error.get("code") in UNKNOWN


def blame(context: Context, wrong: Mapping[str, str]) -> dict[str, str]:
    """The credentials that use one of these failed services, each with the reason."""
    found: dict[str, str] = {}
    for name, declared in context.catalogue.credentials.items():
        for service in [*(consumer.service for consumer in declared.services), *declared.authority.services]:
            if service in wrong:
                found.setdefault(name, wrong[service])
    return found
