"""Bring one host to the requested values: files, then processes, or back to the previous ones."""

from __future__ import annotations

import contextlib
import time
import typing

import mycoops_delivery_files as files
import mycoops_delivery_units as units
import mycoops_envfile as envfile
import mycoops_writer as writer
from mycoops_delivery_services import Service, Wanted
from mycoops_fence import LOCK_SECONDS, Fence, locked
from mycoops_reply import Refusal

STATE = "/var/lib/mycoops"
Reply = typing.Dict[str, typing.Any]


def run(request: typing.Mapping[str, typing.Any]) -> Reply:
    """Deliver under the host's lock; check mode writes nothing, not even the lock."""
    root, check = str(request.get("root") or "/"), bool(request.get("check"))
    state = files.under(root, STATE)
    lock = contextlib.nullcontext() if check else locked(state, float(request.get("lock_seconds") or LOCK_SECONDS))
    with lock:
        return Delivery(request, root, Fence(state), check).run()


class Delivery:
    """One request on one host: plan, pre-check, write, then service by service."""

    def __init__(self, request: typing.Mapping[str, typing.Any], root: str, fence: Fence, check: bool) -> None:
        self.request, self.root, self.fence, self.check = request, root, fence, check
        self.generations = {str(name): int(number) for name, number in (request.get("generations") or {}).items()}
        self.token, self.rollback = int(request.get("token") or 0), set(request.get("rollback") or ())
        fence.check(self.token, self.generations, self.rollback)
        self.recorded = {name: fence.generations[name] for name in self.generations if name in fence.generations}
        self.files = [files.plan(spec, root) for spec in request.get("files") or ()]
        coming = {file.path for file in self.files}
        if len(coming) != len(self.files):
            raise Refusal("invalid_request", "a file is named twice")
        self.drop_ins = [units.plan(spec, root, coming) for spec in request.get("drop_ins") or ()]
        self.services = [Service(spec, root) for spec in request.get("services") or ()]
        self.wanted = self._wanted()
        self.written: typing.Set[str] = set()
        self.forced: typing.Set[str] = set()

    def run(self) -> Reply:
        """Return the reply; an error before the first write is raised as Refusal."""
        due = [service for service in self.services if self._due(service) or self._comes_due(service)]
        for service in due:
            self._pre_check(service)
        reply: Reply = {
            "changed": bool(due) or any(one.changed for one in [*self.files, *self.drop_ins]),
            "files": [file.report() for file in self.files],
            "services": [],
        }
        if reply["changed"] or not self.check:
            self.fence.room()
            files.room(self.files)
        if not self.check:
            self._write(self._unread(), self._unclaimed())
        try:
            self._serve_all(reply)
        except Refusal as refusal:
            reply["error"] = refusal.error()
        return reply

    def _comes_due(self, service: Service) -> bool:
        """Whether the next run of what runs from time to time gets something new."""
        return service.apply == "next-run" and any(file.changed for file in self._files_of(service))

    def _serve_all(self, reply: Reply) -> None:
        """Service by service; whatever stops in between, the reply says of those before it what they run on now."""
        for service in self.services:
            if self.check:
                reply["services"].append(self._tell(service))
                continue
            self._write(self._files_of(service), self._drop_ins_of(service))
            self._serve(service, reply)
            if "error" in reply:
                return
        if not self.check:
            self.fence.record(self.token, self.generations)

    def _unread(self) -> typing.List[files.Planned]:
        """The files that no service of the request reads: nothing has to wait for them."""
        read = {file.path for service in self.services for file in self._files_of(service)}
        return [file for file in self.files if file.path not in read]

    def _unclaimed(self) -> typing.List[units.DropIn]:
        """The drop-ins of units that are no service of the request: they are installed, and nothing is restarted."""
        claimed = {service.unit for service in self.services}
        return [one for one in self.drop_ins if one.unit not in claimed]

    def _wanted(self) -> Wanted:
        wanted = {(file.path, name): value for file in self.files for name, value in file.values.items()}
        for service in self.services:
            for path, name in service.holds:
                if (path, name) not in wanted:
                    wanted[path, name] = self._on_disk(service, path, name)
        return wanted

    def _on_disk(self, service: Service, path: str, name: str) -> str:
        reader = "podman" if service.container else "systemd"
        raw = next((file.raw for file in self.files if file.path == path), None)
        raw = writer.read(files.under(self.root, path)).raw if raw is None else raw
        found = envfile.read_as(reader, raw or b"").get(name)
        if found is None:
            raise Refusal("missing_variable", f"{path} does not set {name}", path=path, service=service.name)
        return found

    def _files_of(self, service: Service) -> typing.List[files.Planned]:
        paths = set(service.opened())
        for spec in self.request.get("drop_ins") or ():
            paths |= set(spec.get("env_files") or ()) if spec["unit"] == service.unit else set()
        return [file for file in self.files if file.path in paths]

    def _due(self, service: Service) -> str:
        """Return what has to be done to the service as it runs now: a verb, or an empty string."""
        if service.apply in ("none", "next-run"):
            return ""
        state = service.state()
        if service.job:
            read = [file for file in self._files_of(service) if file.values]
            return "reload" if read and not self._fresh(service, read) else ""
        start = "recreate" if service.container else "restart"
        if service.spec.get("force") and service.name not in self.forced:
            return start
        if not state.running or not service.held(state, self.wanted) or any(one.changed for one in self._drop_ins_of(service)):
            return start
        unseen = [file for file in self._files_of(service) if file.values and self._unseen(service, file)]
        mine = [file for file in unseen if file.path not in service.reload_files]
        if mine and not self._fresh(service, mine):
            return start
        again = [file for file in unseen if file.path in service.reload_files]
        return "reload" if again and not self._fresh(service, again) else ""

    def _drop_ins_of(self, service: Service) -> typing.List[units.DropIn]:
        return [one for one in self.drop_ins if one.unit == service.unit]

    @staticmethod
    def _unseen(service: Service, file: files.Planned) -> bool:
        """Whether the process's environment tells nothing about the file."""
        return file.path in service.reload_files or file.path not in {path for path, _ in service.holds}

    def _fresh(self, service: Service, some: typing.Sequence[files.Planned]) -> bool:
        """Whether the service last read these files with these values, by the digest of that moment."""
        key = self._key(service, some[0].path in service.reload_files)
        return not any(file.changed for file in some) and self.fence.reloaded(key, _values(some))

    @staticmethod
    def _key(service: Service, reloaded: bool) -> str:
        return f"{service.name} {'reload' if reloaded else 'start'}"

    def _remember(self, service: Service) -> None:
        unseen = [file for file in self._files_of(service) if file.values and self._unseen(service, file)]
        for reloaded in (False, True):
            some = [file for file in unseen if (file.path in service.reload_files) is reloaded]
            if some:
                self.fence.record_reload(self._key(service, reloaded), _values(some))

    def _pre_check(self, service: Service) -> None:
        """Refuse to touch what is already broken, unless this request repairs: files already new, or a rollback."""
        service.check_container({file.path: file.readers for file in self.files}, list(self.wanted.values()))
        state = service.state()
        service.check_ports(state)
        if service.unit and state.oneshot and service.apply != "next-run" and (service.holds or service.credentials):
            message = f"{service.name}: a oneshot unit has no process to compare; declare apply: next-run"
            raise Refusal("cannot_attest", message, service=service.name)
        if service.unit and service.apply == "next-run" and state.exists and not state.oneshot:
            message = f"{service.name}: its unit is not oneshot: it runs all the time, and has no next run"
            raise Refusal("not_oneshot", message, service=service.name)
        if state.needs_reload and service.unit not in {one.unit for one in self.drop_ins}:
            raise Refusal(
                "needs_daemon_reload", f"{service.name}: someone changed its unit without daemon-reload", service=service.name
            )
        mine = [file for file in self._files_of(service) if file.changed]
        repairs = bool(self.request.get("repair")) or any(set(file.credentials) & self.rollback for file in mine)
        trouble = service.unhealthy() if mine and not repairs else ""
        if trouble:
            raise Refusal("already_unhealthy", f"{service.name}: {trouble}; nothing was touched", service=service.name)

    def _write(self, some: typing.Sequence[files.Planned], drop_ins: typing.Sequence[units.DropIn] = ()) -> None:
        """Write what one service reads just before it is its turn, so that a failure before it leaves it untouched."""
        due = [file for file in some if file.path not in self.written]
        changed = {file.path for file in due if file.changed}
        touched = [service for service in self.services if any(file.path in changed for file in self._files_of(service))]
        self.fence.forget_reloads(self._key(service, reloaded) for service in touched for reloaded in (False, True))
        files.write_all(due)
        names = {name for file in due for name in file.credentials}
        try:
            units.install(drop_ins)
            self.fence.record(self.token, {name: number for name, number in self.generations.items() if name in names})
        except Refusal as refusal:
            files.put_back([file for file in due if file.changed], refusal)
            raise
        self.written |= {file.path for file in due}

    def _tell(self, service: Service, verb: typing.Optional[str] = None, seconds: float = 0.0, healthy: bool = True) -> Reply:
        due = self._due(service) if verb is None else verb
        state = service.state()
        held = service.held(state, self.wanted)
        return {
            "name": service.name,
            "restarted": due in ("restart", "recreate"),
            "reloaded": due == "reload",
            "holds": held,
            "pid": state.pid,
            "restarts": state.restarts,
            "healthy": healthy and (state.running or (service.apply == "next-run" and state.exists and not state.crashing)),
            "seconds": round(seconds, 2),
        }

    def _serve(self, service: Service, reply: Reply) -> None:
        """Bring the process to its values, or back, and tell what it runs on."""
        verb, start = self._due(service), time.monotonic()
        if service.apply == "next-run":
            problem = service.wait(self.wanted)
            reply["services"].append(self._tell(service, "", time.monotonic() - start, not problem))
            return
        if not verb and not service.look(self.wanted):
            reply["services"].append(self._tell(service, ""))
            return
        if service.apply == "none":
            reply["services"].append(self._tell(service, "", healthy=False))
            return
        problem = self._apply(service, verb)
        self.forced.add(service.name)
        seconds = time.monotonic() - start
        if problem:
            reply["error"] = self._roll_back(service, verb, problem)
        reply["services"].append(self._tell(service, verb, seconds, not problem))
        if verb and not problem:
            self._remember(service)

    def _apply(self, service: Service, verb: str) -> str:
        """Restart it if it has to be, and wait until it is well; what went wrong, or an empty string."""
        try:
            return (service.act(verb) if verb else "") or service.settle(self.wanted)
        except Refusal as refusal:
            return refusal.message

    def _roll_back(self, service: Service, verb: str, problem: str) -> Reply:
        """Restore the previous values of this service's files, apply them the same way, and say which of the two worked."""
        facts: Reply = {"service": service.name, "problem": problem}
        try:
            restored = files.restore_all(self._files_of(service))
            if not restored and not verb:
                return Refusal("unhealthy", f"{service.name}: {problem}", **facts).error()
            if not restored:
                raise Refusal("nothing_to_restore", "there are no other values to go back to")
            replaced = {(file.path, name) for file in self.files if file.path in restored for name in file.values}
            kept = {key: value for key, value in self.wanted.items() if key not in replaced}
            before = {(path, name): value for path, values in restored.items() for name, value in values.items()}
            again = service.act(verb or service.apply) or service.settle({**kept, **before})
            self._lower_fence(restored)
        except Refusal as refusal:
            again = refusal.message
        if again:
            message = f"{service.name}: {problem}; and on the previous values: {again}"
            return Refusal("unhealthy_rollback_failed", message, **facts).error()
        message = f"{service.name}: {problem}; it runs on the previous values again"
        return Refusal("unhealthy_rolled_back", message, **facts).error()

    def _lower_fence(self, restored: typing.Collection[str]) -> None:
        """Let the previous generation in again: by the request's word, because a run that died may have recorded the new one."""
        kept = {name for file in self.files if file.path in self.written - set(restored) for name in file.credentials}
        told = self.request.get("before") or {}
        back = {name: int(told.get(name, self.recorded.get(name, 0))) for name in self.generations if name not in kept}
        self.fence.record(self.token, back)


def _values(some: typing.Iterable[files.Planned]) -> typing.Dict[str, str]:
    return {f"{file.path} {name}": value for file in some for name, value in file.values.items()}
