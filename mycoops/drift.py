"""What each host is asked about its drift, as requests made of references; and what its answer says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.leaks.hosts import printable
from mycoops.model import Reply

PREFIX = "drift/"
MOST = 200
"""As many findings of one host, or names of one finding, as are taken from its answer."""
Request = dict[str, Any]
Label = tuple[str, int]

WHAT = {
    "file-missing": "an env file is not there",
    "file-unreadable": "an env file is no regular file, or is not understood",
    "value-missing": "an env file does not set these variables",
    "value-differs": "an env file sets these variables to other values",
    "value-surplus": "a variable is set in a file it does not belong into, beside the one it does",
    "access": "owner, group or mode of an env file are others",
    "directory": "others may write to the directory of an env file",
    "process": "the running process has other values of these variables than its file",
    "stopped": "the service does not run",
    "drop-in": "the drop-in that names the env files is missing, or was changed",
    "daemon-reload": "systemd has not loaded what the unit says now",
    "copy": "a copy of an env file was left beside it",
    "alias": "a value, or another name of a credential, stands where nothing replaces it",
    "fence-behind": "the host has not been told of the generation it has to hold",
    "fence-ahead": "the host has been told of a newer generation, or by a newer lease",
}
"""Everything that can be found, and what it means."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that differs on a host: what, where, for which services, which variables; never a value."""

    what: str
    place: str
    services: list[str]
    names: list[str]
    detail: str
    next: str
    """The command, or the act of a person, that ends it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one host was found to be; `error` says why it, or a part of it, could not be asked."""

    host: str
    error: str
    findings: list[Drift] = field(default_factory=list)


def requests(catalogue: Catalogue, deliveries: Mapping[str, Request], kept: Iterable[Label]) -> dict[str, Request]:
    """A look at each host for what a deploy would bring there, and for `kept` values that are not newer than that."""
    kept = list(kept)
    return {host: _request(catalogue, host, delivery, kept) for host, delivery in deliveries.items()}


def _request(catalogue: Catalogue, host: str, delivery: Request, kept: list[Label]) -> Request:
    wanted: Mapping[str, int] = delivery["generations"]
    files = {file["path"]: file for file in delivery["files"]}
    return {
        "id": f"{PREFIX}{host}",
        "token": delivery["token"],
        "generations": dict(wanted),
        "concerned": {credential: _users(catalogue, host, credential) for credential in wanted},
        "files": [_file(catalogue, host, path, files) for path in _paths(catalogue, host)],
        "drop_ins": delivery["drop_ins"],
        "services": [{name: value for name, value in one.items() if name != "health"} for one in delivery["services"]],
        "kept": [
            {"credential": name, "generation": number, "value": {"$form": "<value>", "credential": name, "generation": number}}
            for name, number in kept
            if number <= wanted.get(name, 0)
        ],
    }


def _paths(catalogue: Catalogue, host: str) -> list[str]:
    """Every declared env file of a host, those with nothing of ours in them included: something may be left there."""
    services = [service for service in catalogue.services.values() if service.host == host]
    return list(dict.fromkeys(file.path for service in services for file in (service.env_file, *service.extra_env_files)))


def _file(catalogue: Catalogue, host: str, path: str, managed: Mapping[str, Request]) -> Request:
    found = managed.get(path, {"path": path, "readers": catalogue.readers(host, path), "entries": []})
    entries = [{name: entry[name] for name in ("name", "credential", "value")} for entry in found["entries"]]
    services = _readers_of(catalogue, host, path)
    places = {(name, catalogue.services[one].file_of(name).path) for one in services for name in _all_names(catalogue, one)}
    here = {name for name, place in places if place == path} | {entry["name"] for entry in entries}
    credentials = [credential for one in services for credential in _names(catalogue, one)]
    others = {name: credential for credential in credentials for name in _every_name(catalogue, credential) if name not in here}
    elsewhere = {name: place for name, place in sorted(places) if name not in here}
    return {**found, "entries": entries, "services": services, "elsewhere": elsewhere, "others": others}


def _readers_of(catalogue: Catalogue, host: str, path: str) -> list[str]:
    """The services that read an env file."""
    return [
        name
        for name, service in catalogue.services.items()
        if service.host == host and path in {file.path for file in (service.env_file, *service.extra_env_files)}
    ]


def _names(catalogue: Catalogue, service: str) -> dict[str, set[str]]:
    """By credential the variables in which a service has its value, its next one or the list of those it accepts."""
    found: dict[str, set[str]] = {}
    for credential, declared in catalogue.credentials.items():
        names = {name for consumer in declared.services if consumer.service == service for name in (*consumer.env, *consumer.next)}
        names |= set(declared.authority.accepts) if service in declared.authority.services else set()
        if names:
            found[credential] = names
    return found


def _all_names(catalogue: Catalogue, service: str) -> set[str]:
    return {name for names in _names(catalogue, service).values() for name in names}


def _every_name(catalogue: Catalogue, credential: str) -> list[str]:
    """The variables in which any service has something of a credential, in order."""
    return sorted({name for service in catalogue.services for name in _names(catalogue, service).get(credential, ())})


def _users(catalogue: Catalogue, host: str, credential: str) -> list[str]:
    return [name for name, one in catalogue.services.items() if one.host == host and credential in _names(catalogue, name)]


def looked(catalogue: Catalogue, host: str, reply: Reply | None, silence: str) -> Looked:
    """What a host answered; `silence` is what is known of one that did not."""
    if reply is None:
        return Looked(host, silence)
    if reply.error:
        return Looked(host, f"{host}: {printable(reply.error.get('message'))}")
    unseen = [printable(one) for one in _list(reply.data.get("unseen"))]
    told = [one for one in _list(reply.data.get("findings")) if isinstance(one, dict) and one.get("what") in WHAT]
    return Looked(host, f"{host}: {'; '.join(unseen)}" if unseen else "", [_drift(catalogue, host, one) for one in told])


def _drift(catalogue: Catalogue, host: str, told: Mapping[str, Any]) -> Drift:
    what, place, detail = str(told["what"]), printable(told.get("place")), printable(told.get("detail", ""))
    services = [str(one) for one in _list(told.get("services")) if one in catalogue.services]
    names = [printable(one) for one in _list(told.get("names"))]
    return Drift(what, place, services, names, detail, _next(catalogue, host, what, place, services, names))


def _list(told: object) -> list[Any]:
    return told[:MOST] if isinstance(told, list) else []


def _next(catalogue: Catalogue, host: str, what: str, place: str, services: list[str], names: list[str]) -> str:
    """What ends it: a deploy, unless that would leave it as it is, or refuse."""
    deploy = f"mycoops deploy --host {host}"
    declared = [catalogue.services[name] for name in services]
    if what in ("copy", "directory", "file-unreadable"):
        verb = {"copy": "remove", "directory": "take the right to write from others on"}.get(what, "mend")
        return f"{verb} {host}:{place}" + ("" if what == "copy" else f", then {deploy}")
    if what in ("alias", "value-surplus"):
        whom = ", ".join(names) or "that line"
        declare = " or declare it" if what == "alias" and names else ""
        return f"take {whom} out of {host}:{place}{declare}, then {deploy}"
    if what == "fence-ahead":
        return "bring this fleet directory up to date, then mycoops status"
    if what in ("stopped", "process") and any(service.applies == "none" for service in declared):
        return f"restart {', '.join(services)} on {host} by hand"
    if what == "daemon-reload" and not all(service.drop_in for service in declared):
        return f"systemctl daemon-reload on {host}, then {deploy}"
    return deploy
