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
    kept, declared = list(kept), _Names(catalogue)
    return {host: _request(declared, host, delivery, kept) for host, delivery in deliveries.items()}


class _Names:
    """The variables in which services have a value, their next one or the list of those they accept, looked up once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.of_service: dict[str, dict[str, set[str]]] = {name: {} for name in catalogue.services}
        self.of_credential: dict[str, set[str]] = {}
        for credential, declared in catalogue.credentials.items():
            for consumer in declared.services:
                self._add(consumer.service, credential, [*consumer.env, *consumer.next])
            for service in declared.authority.services:
                self._add(service, credential, declared.authority.accepts)

    def _add(self, service: str, credential: str, names: Iterable[str]) -> None:
        for known in (self.of_service[service].setdefault(credential, set()), self.of_credential.setdefault(credential, set())):
            known.update(names)

    def on(self, host: str) -> list[str]:
        """The services of a host, in order."""
        return [name for name, service in self.catalogue.services.items() if service.host == host]

    def places(self, service: str) -> set[tuple[str, str]]:
        """Each variable of ours that a service reads, and the file it belongs into."""
        names = {name for found in self.of_service[service].values() for name in found}
        return {(name, self.catalogue.services[service].file_of(name).path) for name in names}


def _request(declared: _Names, host: str, delivery: Request, kept: list[Label]) -> Request:
    wanted: Mapping[str, int] = delivery["generations"]
    on, files = declared.on(host), {file["path"]: file for file in delivery["files"]}
    return {
        "id": f"{PREFIX}{host}",
        "token": delivery["token"],
        "generations": dict(wanted),
        "concerned": {credential: [name for name in on if credential in declared.of_service[name]] for credential in wanted},
        "files": [_file(declared, host, path, readers, files) for path, readers in _readers(declared.catalogue, on).items()],
        "drop_ins": delivery["drop_ins"],
        "services": [{name: value for name, value in one.items() if name != "health"} for one in delivery["services"]],
        "kept": [
            {"credential": name, "generation": number, "value": {"$form": "<value>", "credential": name, "generation": number}}
            for name, number in kept
            if number <= wanted.get(name, 0)
        ],
    }


def _readers(catalogue: Catalogue, services: list[str]) -> dict[str, list[str]]:
    """By path every declared env file of these services, with those that read it; also one with nothing of ours in it: something
    may be left there."""
    found: dict[str, list[str]] = {}
    for name in services:
        service = catalogue.services[name]
        for path in dict.fromkeys(file.path for file in service.all_files):
            found.setdefault(path, []).append(name)
    return found


def _file(declared: _Names, host: str, path: str, services: list[str], managed: Mapping[str, Request]) -> Request:
    found = managed.get(path) or {"path": path, "readers": declared.catalogue.readers(host, path), "entries": []}
    entries = [{name: entry[name] for name in ("name", "credential", "value")} for entry in found["entries"]]
    places = {place for one in services for place in declared.places(one)}
    here = {name for name, place in places if place == path} | {entry["name"] for entry in entries}
    credentials = [credential for one in services for credential in declared.of_service[one]]
    others = {name: credential for credential in credentials for name in sorted(declared.of_credential[credential] - here)}
    elsewhere = {name: place for name, place in sorted(places) if name not in here}
    return {**found, "entries": entries, "services": services, "elsewhere": elsewhere, "others": others}


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
