"""What each host has to hold now, as one request per host made of references; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.kinds import Kind
from mycoops.services import AnyFile, Health, Service

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Generations:
    """What the roles render: per consumer the effective generation, per authority service the accepted ones.

    `before` is what a rollback writes back; it has an entry only where a switch is under way. `dead` are the credentials
    whose old value was last seen refused: a service that still runs on it is ill, and the switch is its cure. `ahead` is the
    generation a consumer has as its next value, 0 for none, and `ahead_before` the one a rollback gives it back."""

    effective: Mapping[tuple[str, str], int]
    accepted: Mapping[tuple[str, str], tuple[int, ...]]
    before: Mapping[tuple[str, str], int]
    slots: Mapping[tuple[str, int], str]
    dead: frozenset[str] = frozenset()
    ahead: Mapping[tuple[str, str], int] = field(default_factory=dict)
    ahead_before: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Requests:
    """Builds delivery requests for a fleet."""

    def __init__(self, catalogue: Catalogue, kinds: Mapping[str, Kind], generations: Generations, token: int) -> None:
        self._catalogue = catalogue
        self._kinds = kinds
        self._generations = generations
        self._token = token

    def for_services(self, services: Iterable[str], *, rollback: Iterable[str] = ()) -> dict[str, Request]:
        """One request per host for these services and every variable of the env files they read."""
        hosts: dict[str, list[str]] = {}
        for name in services:
            hosts.setdefault(self._catalogue.services[name].host, []).append(name)
        place = {name: number for number, name in enumerate(self._catalogue.services)}
        return {host: self._host(host, sorted(set(names), key=place.__getitem__), tuple(rollback)) for host, names in hosts.items()}

    def _host(self, host: str, ordered: list[str], rollback: tuple[str, ...]) -> Request:
        files = self._files(host, ordered)
        return {
            "token": self._token,
            "check": False,
            "generations": self._fence(host, files),
            "before": self._fence(host, files, back=True),
            "rollback": list(rollback),
            "repair": self._repairs(files),
            "files": files,
            "drop_ins": [self._drop_in(self._catalogue.services[name]) for name in ordered if self._dropped_in(name)],
            "services": [self._service(name) for name in ordered],
        }

    def _repairs(self, files: list[dict[str, Any]]) -> bool:
        entries = [entry for file in files for entry in file["entries"]]
        return any(entry["previous"] is not None and entry["credential"] in self._generations.dead for entry in entries)

    def _files(self, host: str, names: list[str]) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name in names:
            service = self._catalogue.services[name]
            for file in service.all_files:
                found.setdefault(file.path, _file(file, self._readers[service.host, file.path]))
        for service_name, entry in self._of_host[host]:
            path = self._catalogue.services[service_name].file_of(entry["name"]).path
            if path in found:
                self._merge(found[path]["entries"], entry)
        return [file for file in found.values() if file["entries"]]

    @staticmethod
    def _merge(entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
        """Two services that share a file share its variables: the newer generation wins, of two alike the one that can go back."""
        for number, other in enumerate(entries):
            if other["name"] == entry["name"]:
                mine, its = _number(entry["value"]), _number(other["value"])
                if mine > its or (mine == its and other["previous"] is None):
                    entries[number] = entry
                return
        entries.append(entry)

    @cached_property
    def _readers(self) -> Mapping[tuple[str, str], list[str]]:
        """As Catalogue.readers tells them, of every env file at once."""
        found: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for service in self._catalogue.services.values():
            for file in service.all_files:
                found[service.host, file.path] |= dict.fromkeys(file.readers)
        return {key: list(readers) for key, readers in found.items()}

    @cached_property
    def _of_host(self) -> Mapping[str, list[tuple[str, dict[str, Any]]]]:
        """The variables of each host's services: gone through once for all hosts, for there may be many of both."""
        found: defaultdict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for service, entry in self._entries():
            found[self._catalogue.services[service].host].append((service, entry))
        return found

    def _entries(self) -> Iterable[tuple[str, dict[str, Any]]]:
        for credential, declared in self._catalogue.credentials.items():
            for consumer in declared.services:
                if (credential, consumer.service) in self._generations.effective:
                    for name, form in consumer.env.items():
                        yield consumer.service, self._entry(credential, consumer.service, name, form)
                    for name, form in consumer.next.items():
                        yield consumer.service, self._next(credential, consumer.service, name, form)
            for service in declared.authority.services:
                if (credential, service) in self._generations.accepted:
                    for name, form in declared.authority.accepts.items():
                        yield service, self._list(credential, service, name, form)

    def _entry(self, credential: str, service: str, name: str, form: str) -> dict[str, Any]:
        number = self._generations.effective[credential, service]
        before = self._generations.before.get((credential, service))
        previous = self._reference(credential, before, form) if before is not None else None
        return {"name": name, "credential": credential, "value": self._reference(credential, number, form), "previous": previous}

    def _next(self, credential: str, service: str, name: str, form: str) -> dict[str, Any]:
        """The next value's variable is always there, and empty where there is none: so a process can be seen to hold none."""
        number, before = (of.get((credential, service)) for of in (self._generations.ahead, self._generations.ahead_before))
        value = self._reference(credential, number, form) if number else ""
        previous = self._reference(credential, before, form) if before else None if before is None else ""
        return {"name": name, "credential": credential, "value": value, "previous": previous}

    def _list(self, credential: str, service: str, name: str, form: str) -> dict[str, Any]:
        numbers = list(self._generations.accepted[credential, service])
        value = {"$form": form, "credential": credential, "generations": numbers}
        return {"name": name, "credential": credential, "value": value, "previous": None}

    def _reference(self, credential: str, generation: int, form: str) -> dict[str, Any]:
        declared = self._catalogue.credentials[credential]
        slot = self._generations.slots.get((credential, generation), "")
        principal = self._kinds[declared.kind].principal(declared.principal, slot)
        return {"$form": form, "credential": credential, "generation": generation, "principal": principal}

    def _fence(self, host: str, files: list[dict[str, Any]], *, back: bool = False) -> dict[str, int]:
        """Per credential the newest generation the host has to know of, in these files or any other; `back`: after a rollback."""
        named = {entry["credential"] for file in files for entry in file["entries"]}
        fence: dict[str, int] = {}
        for _, entry in self._of_host[host]:
            name = entry["credential"]
            if name in named:
                shown = entry["previous"] if back and entry["previous"] is not None else entry["value"]
                fence[name] = max(_number(shown), fence.get(name, 0))
        return fence

    def _dropped_in(self, name: str) -> bool:
        service = self._catalogue.services[name]
        return bool(service.unit) and service.drop_in and bool(service.env_file or any(file.credential for file in service.files))

    @staticmethod
    def _drop_in(service: Service) -> dict[str, Any]:
        files = [file for file in service.env_files if file is service.env_file or not file.reload]
        handed = {file.credential: file.path for file in service.files if file.credential}
        return {"unit": service.unit, "env_files": [file.path for file in files], **({"credentials": handed} if handed else {})}

    def _service(self, name: str) -> dict[str, Any]:
        service = self._catalogue.services[name]
        managed = [variable for variable in self._managed(name) if service.file_of(variable) in service.env_files]
        started = [variable for variable in managed if not service.file_of(variable).reload]
        command = bool(service.job and service.job.command)
        reloaded = [file.path for file in (*service.extra_env_files, *service.files) if file.reload or command]
        return {
            "name": name,
            **_program(service),
            "apply": service.applies,
            "holds": [{"file": service.file_of(variable).path, "name": variable} for variable in started],
            "env_file": service.env_file.path if service.env_file else "",
            "reload_files": reloaded,
            **({"files": opened} if (opened := [file.path for file in service.files if file.path not in reloaded]) else {}),
            **({"credentials": handed} if (handed := {f.credential: f.path for f in service.files if f.credential}) else {}),
            "health": _health(service.health),
        }

    def _managed(self, name: str) -> list[str]:
        host = self._catalogue.services[name].host
        return [entry["name"] for service, entry in self._of_host[host] if service == name]


def _number(value: Any) -> int:
    """The newest generation that a reference names; 0 for a next value that is not there."""
    return max(value.get("generations") or [value.get("generation", 0)]) if value else 0


def _file(file: AnyFile, readers: list[str]) -> dict[str, Any]:
    return {"path": file.path, "owner": file.owner, "group": file.group, "mode": file.mode, "readers": readers, "entries": []}


def _program(service: Service) -> dict[str, Any]:
    if service.unit:
        return {"unit": service.unit}
    ran = service.container or service.job
    return {"container" if service.container else "job": ran.model_dump(mode="json") if ran else {}}


def _health(health: Health | None) -> dict[str, Any] | None:
    return health.model_dump(mode="json", by_alias=True) if health else None
