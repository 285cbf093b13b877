"""A service against its files: what its unit names, whether systemd has loaded that, and what the running process holds."""

from __future__ import annotations

import hmac
import pathlib
import typing

import mycoops_delivery_units as units
import mycoops_process as process
from mycoops_delivery_services import Service
from mycoops_digests import Digests
from mycoops_drift_files import File
from mycoops_drift_found import Found
from mycoops_fence import Fence
from mycoops_reply import Refusal

Files = typing.Mapping[str, File]
Spec = typing.Mapping[str, typing.Any]
AS_INTENDED = "it holds what is intended"
HANDED = "systemd's copy of the credential is another one"
NOT_READ = "not seen to have read it since it changed"


class Look(typing.NamedTuple):
    """What a service is compared with, and where it is noted."""

    root: str
    files: Files
    drop_ins: typing.Sequence[Spec]
    fence: Fence
    digests: Digests
    found: Found

    def service(self, spec: Spec) -> None:
        """Note everything that differs about one service. Raises Refusal where it cannot be looked at."""
        service = Service(spec, self.root)
        state, place = service.state(), _place(service)
        if not state.exists:
            self.found.add("stopped", place, [service.name], detail="the host does not know it")
            return
        mine = [one for one in self.drop_ins if service.unit and one["unit"] == service.unit]
        for one in mine:
            self._drop_in(service, one)
        if state.needs_reload:
            self.found.add("daemon-reload", place, [service.name], detail="systemd runs on an older version of its unit")
        if service.job or service.apply == "next-run":
            self._read_since(service, service.reload_files)
        elif state.running and state.pid:
            self._environment(service, state.pid)
            if not service.handed(state.pid):
                self.found.add("process", place, [service.name], sorted(service.credentials), HANDED)
            self._read_since(service, _paths(service, mine))
        elif not state.oneshot:
            self.found.add("stopped", place, [service.name], detail="it does not run")

    def _drop_in(self, service: Service, spec: Spec) -> None:
        named = [*(spec.get("env_files") or ()), *(spec.get("credentials") or {}).values()]
        planned = units.plan(spec, self.root, {*self.files, *named})
        if planned.changed:
            there = pathlib.Path(planned.place).exists()
            place = f"/etc/systemd/system/{service.unit}.d/{pathlib.PurePath(planned.place).name}"
            self.found.add("drop-in", place, [service.name], detail="changed" if there else "missing")

    def _environment(self, service: Service, pid: int) -> None:
        """The environment the process was started with against what its files say now, variable by variable."""
        now, reader = process.environment(pid), "podman" if service.container else "systemd"
        if not now:
            raise Refusal("gone", f"{service.name}: its process ended while it was looked at")
        holds = [(self.files[path], name) for path, name in service.holds if path not in service.reload_files and self._there(path)]
        differing = [name for file, name in holds if not _same(now.get(name), file.view(reader).get(name))]
        if differing:
            intended = all(self.digests.same(now.get(name), file.wanted.get(name, "")) for file, name in holds)
            self.found.add("process", _place(service), [service.name], differing, AS_INTENDED if intended else "")

    def _there(self, path: str) -> bool:
        return path in self.files and self.files[path].raw is not None

    def _read_since(self, service: Service, paths: typing.Sequence[str]) -> None:
        """Files that the program reads itself: by the digest that the host keeps of what it read last."""
        some = [self.files[path] for path in paths if self._there(path) and self.files[path].wanted]
        for reloaded in (False, True):
            read = [file for file in some if (file.path in service.reload_files) is reloaded]
            values = {f"{file.path} {name}": file.view(file.readers[0]).get(name, "") for file in read for name in file.wanted}
            if values and not self.fence.reloaded(f"{service.name} {'reload' if reloaded else 'start'}", values):
                names = [name for file in read for name in file.wanted]
                self.found.add("process", _place(service), [service.name], names, NOT_READ)


def _place(service: Service) -> str:
    return service.unit or (f"container {service.container['name']}" if service.container else f"job {service.name}")


def _same(left: typing.Optional[str], right: typing.Optional[str]) -> bool:
    if left is None or right is None:
        return left is right
    return hmac.compare_digest(left.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape"))


def _paths(service: Service, drop_ins: typing.Sequence[Spec]) -> typing.List[str]:
    """The files it reads, of which its environment tells nothing."""
    named = [path for spec in drop_ins for path in spec.get("env_files") or ()]
    told = {path for path, _ in service.holds if path not in service.reload_files}
    return [path for path in dict.fromkeys([*service.opened(), *named]) if path not in told]
