"""A service is done when its running process holds the values, stays up and says it is healthy."""

from __future__ import annotations

import hmac
import re
import time
import typing

import mycoops_health as health
import mycoops_jobs as jobs
import mycoops_ports as ports
import mycoops_process as process
import mycoops_writer as writer
from mycoops_delivery_files import under
from mycoops_reply import Refusal

Wanted = typing.Dict[typing.Tuple[str, str], str]
APPLY = ("restart", "reload", "recreate", "next-run", "none")
DEFAULT_SECONDS = 20.0
CALM_SECONDS = 60.0
"""How long a process that was started again by itself has to run until its service counts as well."""
NOT_HELD = "its process does not hold the values"


class Service:
    """One unit, container or job of the request."""

    def __init__(self, spec: typing.Mapping[str, typing.Any], root: str) -> None:
        self.spec, self.root = spec, root
        self.name, self.apply = str(spec["name"]), str(spec.get("apply") or "restart")
        self.unit: str = str(spec.get("unit") or "")
        self.container: typing.Mapping[str, typing.Any] = spec.get("container") or {}
        self.job: typing.Mapping[str, typing.Any] = spec.get("job") or {}
        self.files = [str(path) for path in spec.get("files") or ()]
        self.credentials: typing.Mapping[str, str] = spec.get("credentials") or {}
        self.health: typing.Mapping[str, typing.Any] = spec.get("health") or {}
        own = str(spec.get("env_file") or "")
        self.holds = [
            (own, one) if isinstance(one, str) else (str(one["file"]), str(one["name"])) for one in spec.get("holds") or ()
        ]
        self.reload_files = [str(path) for path in self.spec.get("reload_files") or ()]
        if self.apply == "reload" and not self.reload_files:
            self.reload_files = list(dict.fromkeys([path for path, _ in self.holds] + ([own] if own else [])))
        if self.job and self.apply == "reload":
            self.reload_files = list(dict.fromkeys([*self.reload_files, *self.files, *([own] if own else [])]))
        self.seconds = float(
            self.health.get("timeout_seconds") or spec.get("timeout_seconds") or self.job.get("timeout_seconds") or DEFAULT_SECONDS
        )
        self.steady = float(spec.get("steady_seconds") or (0.5 if self.health else 0.0 if self.job else 2.0))
        self._refuse_nonsense()

    def _refuse_nonsense(self) -> None:
        if self.apply not in APPLY or sum(map(bool, (self.unit, self.container, self.job))) != 1:
            raise Refusal("invalid_request", f"{self.name}: needs a unit, a container or a job, and one of {', '.join(APPLY)}")
        if self.job and self.apply not in ("next-run", "reload"):
            raise Refusal("invalid_request", f"{self.name}: a job has no process to {self.apply}")
        if self.container and self.apply in ("restart", "reload"):
            raise Refusal("plain_restart", f"{self.name}: a restarted container keeps its old environment; recreate it")
        if self.unit and self.apply == "recreate":
            raise Refusal("invalid_request", f"{self.name}: a unit is restarted, not recreated")

    def start_files(self) -> typing.List[str]:
        """Return the files it reads when it starts, as far as the request tells."""
        told = [*(self.container.get("env_files") or ()), *([self.spec["env_file"]] if self.spec.get("env_file") else ())]
        return [path for path in dict.fromkeys(told + [path for path, _ in self.holds]) if path not in self.reload_files]

    def state(self) -> process.State:
        """Look at it now."""
        if self.unit:
            return process.unit_state(self.unit)
        if self.job:
            running = jobs.pids(str(self.job.get("program") or ""))
            return process.State(exists=True, running=True, crashing=False, pid=(running or [0])[0], restarts=0, oneshot=True)
        return process.container_state(str(self.container.get("engine") or "podman"), str(self.container["name"]))

    def held(self, state: process.State, wanted: Wanted) -> bool:
        """Whether the running process was started with every value it must hold; reloaded files are not seen there.

        What runs from time to time holds what its files say, unless a run from before their last change is under way."""
        if self.apply == "next-run" or self.job:
            running = jobs.pids(str(self.job.get("program") or "")) if self.job else [state.pid] if state.pid else []
            return not jobs.before(running, [under(self.root, path) for path in self.opened()])
        if not self.handed(state.pid):
            return False
        started = [(path, name) for path, name in self.holds if path not in self.reload_files]
        expected = {name: wanted[path, name] for path, name in started if (path, name) in wanted}
        return len(expected) == len(started) and all(process.holds(state.pid, expected).values())

    def opened(self) -> typing.List[str]:
        """Return every file it reads, as far as the request tells."""
        return list(dict.fromkeys([*self.start_files(), *self.reload_files, *self.files]))

    def handed(self, pid: int) -> bool:
        """Whether systemd's copies of its credentials, as its process sees them, are what the files say."""
        for name, path in self.credentials.items():
            own = process.credential(pid, self.unit, name)
            if own is None or not hmac.compare_digest(own, writer.read(under(self.root, path)).raw or b""):
                return False
        return True

    def unhealthy(self) -> str:
        """Say why it is already in trouble before anything is touched, or an empty string."""
        state = self.state()
        if self.unit and not state.exists:
            return "systemd does not know the unit"
        if state.crashing and state.exists:
            return "it has failed or keeps restarting"
        if state.restarts and state.starting:
            return f"it keeps restarting: {state.restarts} times by itself, and it is starting again"
        alive = process.age(state.pid)
        if state.restarts and state.running and alive < CALM_SECONDS:
            return f"it keeps restarting: {state.restarts} times by itself, the last time {alive:.0f} s ago"
        return health.wait(self.health, min(2.0, self.seconds)) if state.running and self.health else ""

    def act(self, verb: str) -> str:
        """Restart, reload or recreate; return what went wrong, or an empty string."""
        if verb == "recreate":
            return self._recreate()
        if self.job:
            status, _ = process.command([str(word) for word in self.job.get("command") or ()])
            return f"{self.job['command'][0]} failed" if status else ""
        if verb == "restart":
            process.command(["systemctl", "reset-failed", "--", self.unit])
        status, _ = process.command(["systemctl", verb, "--", self.unit])
        return f"systemctl {verb} failed" if status else ""

    def _recreate(self) -> str:
        engine, name = str(self.container.get("engine") or "podman"), str(self.container["name"])
        process.command([engine, "rm", "--force", name])
        files = [word for path in self.start_files() for word in ("--env-file", under(self.root, path))]
        arguments, tail = list(self.container.get("arguments") or ()), list(self.container.get("command") or ())
        status, _ = process.command([engine, "run", "--detach", "--name", name, *files, *arguments, self.container["image"], *tail])
        return f"{engine} run failed" if status else ""

    def check_container(self, readers: typing.Mapping[str, typing.Collection[str]], values: typing.Collection[str]) -> None:
        """Refuse what would leak or be misread, before the old container is gone."""
        if not self.container:
            return
        engine = str(self.container.get("engine") or "podman")
        arguments = [str(word) for word in self.container.get("arguments") or ()]
        words = arguments + [str(word) for word in self.container.get("command") or ()]
        for path in self.start_files():
            if path in readers and not set(readers[path]) & set(process.ENGINES):
                raise Refusal("wrong_reader", f"{self.name}: {path} must be written for the reader {engine}", service=self.name)
        if any(value in word for value in values for word in words if len(value) >= 8):
            raise Refusal("value_in_arguments", f"{self.name}: an argument of the container holds a value", service=self.name)
        names = "|".join(re.escape(name) for _, name in self.holds)
        if names and any(re.match(rf"(?:-e|--env)?[= ]?(?:{names})(?:=|\Z)", word) for word in arguments):
            raise Refusal("shadowed", f"{self.name}: an argument overrides a variable of the env file", service=self.name)
        status, _ = process.command([engine, "image", "inspect", "--format", "{{.Id}}", str(self.container["image"])])
        if status:
            raise Refusal("missing_image", f"{self.name}: the image is not on this host", service=self.name)

    def check_ports(self, state: process.State) -> None:
        """Refuse to start a container where another program serves its port, and a unit where a container does."""
        if state.running:
            return
        told = [str(word) for word in self.container.get("arguments") or ()]
        for port in ports.published(told) if self.container else [ports.of_url(str(self.health.get("url") or ""))]:
            holder = ports.holder(port) if port else None
            if holder and (self.container or (self.unit and holder.engine)):
                message = f"{self.name}: {holder} serves port {port} already: stop one of the two"
                raise Refusal("port_taken", message, service=self.name, port=port)

    def settle(self, wanted: Wanted) -> str:
        """Wait until it runs, stays the same process, holds the values and is healthy; else say why not."""
        deadline, start = time.monotonic() + self.seconds, self.state()
        seen, since = start[:5], time.monotonic()
        while True:
            state = self.state()
            if state.crashing or state.restarts > start.restarts:
                return "it fails to start" if state.crashing else "it restarts by itself"
            if state[:5] != seen:
                seen, since = state[:5], time.monotonic()
            steady = time.monotonic() - since
            problem = self.look(wanted, state)
            if not problem and steady >= self.steady:
                return ""
            if time.monotonic() > deadline or (problem == NOT_HELD and steady > 5.0):
                return problem or "it does not stay the same process"
            time.sleep(0.1)

    def wait(self, wanted: Wanted) -> str:
        """Wait until no run from before the change is left; what is wrong at the end of that time, or an empty string."""
        deadline = time.monotonic() + self.seconds
        while True:
            problem = self.look(wanted)
            if problem != jobs.UNDER_WAY or time.monotonic() > deadline:
                return problem
            time.sleep(0.2)

    def look(self, wanted: Wanted, state: typing.Optional[process.State] = None) -> str:
        """Look once; return what is wrong, or an empty string."""
        state = state or self.state()
        if self.apply == "next-run" and state.exists and not self.held(state, wanted):
            return jobs.UNDER_WAY
        if self.apply == "next-run" and state.exists and not state.crashing:
            return health.problem(self.health) if self.health else ""
        if not state.running or not (state.pid or state.oneshot):
            return "it does not run"
        if not self.held(state, wanted):
            return jobs.UNDER_WAY if self.apply == "next-run" or self.job else NOT_HELD
        return health.problem(self.health) if self.health else ""
