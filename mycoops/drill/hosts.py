"""Hosts of a scripted world: env files, processes with the environment they were started with, and the fence.

The order of things and the error codes are those of plugins/host_programs/deliver.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mycoops.drill.authorities import Refused

Env = dict[str, str]


@dataclass
class Machine:
    """One host."""

    name: str
    files: dict[str, Env] = field(default_factory=dict)
    processes: dict[str, Env] = field(default_factory=dict)
    fence: dict[str, int] = field(default_factory=dict)
    token: int = 0
    up: bool = True
    malformed: set[str] = field(default_factory=set)
    full: set[str] = field(default_factory=set)
    """Files that turn out not to be writable when it is their turn."""


class Delivery:
    """One delivery on one machine; `sick` says whether a service's environment makes it unhealthy; `note` hears of each effect."""

    def __init__(self, machine: Machine, request: dict[str, Any], sick: Callable[[str, Env], str], note: Callable[[str], None]):
        self.machine, self.request, self.sick, self.note = machine, request, sick, note
        self.rollback = set(request["rollback"])
        self.values = {file["path"]: {e["name"]: e["value"] for e in file["entries"]} for file in request["files"]}
        self.previous = {
            file["path"]: {e["name"]: e["previous"] for e in file["entries"] if e["previous"] is not None}
            for file in request["files"]
        }
        self.credentials = {file["path"]: {e["credential"] for e in file["entries"]} for file in request["files"]}
        self.before = {path: dict(machine.files.get(path, {})) for path in self.values}
        self.written: set[str] = set()

    def run(self, *, check: bool) -> dict[str, Any]:
        """Carry it out; returns the reply."""
        try:
            self._fence()
            for path in self.values:
                if path in self.machine.malformed:
                    raise Malformed(path)
            for service in self.request["services"]:
                if self._verb(service):
                    self._pre_check(service)
        except Malformed as error:
            return {"error": {"code": "malformed_env_file", "message": "a quote is not closed", "path": error.path, "line": 3}}
        except Refused as error:
            return {"error": {"code": error.code, "message": error.message, **error.__dict__.get("facts", {})}}
        reply: dict[str, Any] = {"changed": any(map(self._changed, self.values)), "files": self._files_told(), "services": []}
        try:
            self._serve_all(reply, check=check)
        except Refused as error:
            reply["error"] = {"code": error.code, "message": error.message, **error.__dict__.get("facts", {})}
        return reply

    def _serve_all(self, reply: dict[str, Any], *, check: bool) -> None:
        for service in self.request["services"]:
            reply["services"].append(self._told(service, self._verb(service)) if check else self._serve(service, reply))
            if "error" in reply:
                return
        if not check:
            self.machine.fence.update(self.request["generations"])

    def _fence(self) -> None:
        token = self.request["token"]
        if token < self.machine.token:
            raise Refused("stale_token")
        for name, number in self.request["generations"].items():
            if number < self.machine.fence.get(name, 0) and name not in self.rollback:
                raise Refused("stale_generation", f"{name}: {number} is older than {self.machine.fence[name]}")

    def _changed(self, path: str) -> bool:
        now = self.machine.files.get(path, {})
        return any(now.get(name) != value for name, value in self.values[path].items())

    def _files_told(self) -> list[dict[str, Any]]:
        told = []
        for path, values in self.values.items():
            now = self.machine.files.get(path, {})
            told.append({"path": path, "changed": self._changed(path), "names": [n for n, v in values.items() if now.get(n) != v]})
        return told

    def _files(self, service: dict[str, Any]) -> list[str]:
        named = {service["env_file"], *service["reload_files"], *(hold["file"] for hold in service["holds"])}
        return [path for path in self.values if path in named]

    def _verb(self, service: dict[str, Any]) -> str:
        if service["apply"] == "none":
            return ""
        if service.get("force") or not self._holds(service):
            return "restart"
        running = self.machine.processes[service["name"]]
        stale = any(
            running.get(name) != value
            for path in service["reload_files"]
            if path in self.values
            for name, value in self.values[path].items()
        )
        return "reload" if stale else ""

    def _holds(self, service: dict[str, Any], values: dict[str, Env] | None = None) -> bool:
        running, wanted = self.machine.processes[service["name"]], self.values if values is None else values
        return all(
            running.get(hold["name"]) == wanted.get(hold["file"], self.machine.files.get(hold["file"], {})).get(hold["name"])
            for hold in service["holds"]
        )

    def _pre_check(self, service: dict[str, Any]) -> None:
        mine = [path for path in self._files(service) if self._changed(path)]
        repairs = self.request.get("repair") or any(self.credentials[path] & self.rollback for path in mine)
        problem = self.sick(service["name"], self.machine.processes[service["name"]])
        if mine and not repairs and problem:
            error = Refused("already_unhealthy", f"{service['name']}: {problem}; nothing was touched")
            error.facts = {"service": service["name"]}  # type: ignore[attr-defined]
            raise error

    def _write(self, paths: list[str]) -> None:
        due = [path for path in paths if path not in self.written]
        for path in due:
            if path in self.machine.full and self._changed(path):
                error = Refused("write_failed", f"{path} cannot be written")
                error.facts = {"path": path}  # type: ignore[attr-defined]
                raise error
        for path in due:
            self.machine.files.setdefault(path, {}).update(self.values[path])
            self.written.add(path)
            self.note(f"wrote {path}")
        self.machine.token = max(self.machine.token, self.request["token"])
        names = {name for path in self.written for name in self.credentials[path]}
        self.machine.fence.update({name: number for name, number in self.request["generations"].items() if name in names})

    def _start(self, service: dict[str, Any], verb: str) -> None:
        paths = service["reload_files"] if verb == "reload" else [service["env_file"], *service["reload_files"]]
        for path in paths:
            self.machine.processes[service["name"]].update(self.machine.files.get(path, {}))
        self.note(f"{verb} {service['name']}")

    def _serve(self, service: dict[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
        self._write(self._files(service))
        verb = self._verb(service)
        name = service["name"]
        if service["apply"] == "none":
            fine = self._holds(service) and not self.sick(name, self.machine.processes[name])
            return self._told(service, "", healthy=fine)
        if verb:
            self._start(service, verb)
        problem = self.sick(name, self.machine.processes[name])
        if problem:
            reply["error"] = self._roll_back(service, verb, problem)
        return self._told(service, verb, healthy=not problem)

    def _roll_back(self, service: dict[str, Any], verb: str, problem: str) -> dict[str, Any]:
        name = service["name"]
        back = {path: {**self.before[path], **self.previous[path]} for path in self._files(service)}
        back = {path: env for path, env in back.items() if env != self.machine.files[path]}
        if not back:
            return {"code": "unhealthy", "message": f"{name}: {problem}", "service": name}
        for path, env in back.items():
            self.machine.files[path] = env
            self.note(f"put back {path}")
        self._start(service, verb or "restart")
        kept = {n for path in self.written - set(back) for n in self.credentials[path]}
        self.machine.fence.update({n: number for n, number in self.request["before"].items() if n not in kept})
        again = self.sick(name, self.machine.processes[name])
        code = "unhealthy_rollback_failed" if again else "unhealthy_rolled_back"
        return {"code": code, "message": f"{name}: {problem}", "service": name}

    def _told(self, service: dict[str, Any], verb: str, *, healthy: bool = True) -> dict[str, Any]:
        return {
            "name": service["name"],
            "restarted": verb == "restart",
            "reloaded": verb == "reload",
            "holds": self._holds(service),
            "pid": 1,
            "restarts": 0,
            "healthy": healthy,
            "seconds": 0.1,
        }


class Malformed(Exception):
    """A file that no reader reads as it is meant."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path
