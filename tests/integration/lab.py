"""The lab of the test session, and mycoops as a person runs it there: a process with arguments, streams and a status."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

from tests.integration import processes
from tests.integration.hosts import Host
from tests.integration.values import Value, Values

MYCOOPS = Path(sys.executable).with_name("mycoops")
AS = 'echo "$1" > /proc/self/loginuid && shift && exec "$@"'
"""Lets a process descend from a login of this account, as pam_loginuid does."""
LOAD = Path(__file__).resolve().parents[2] / "lab" / "load"
TRAFFIC, PERSON = LOAD / "traffic.py", LOAD / "person.py"


@dataclass(frozen=True)
class Done:
    """How a command ended. It goes into every message of a failed assertion: it must hold no value."""

    arguments: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def told(self) -> str:
        """The whole of it, as on a terminal."""
        head = f"$ mycoops {' '.join(self.arguments)}  (status {self.status}, {self.seconds:.1f} s)"
        return f"\n{head}\n{self.stdout}\n{self.stderr}"

    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.stdout)


class Running:
    """A command under way in a process group of its own; its standard error is read line by line."""

    def __init__(self, lab: Lab, command: list[str], arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self._lab, self._arguments, self._began = lab, arguments, time.monotonic()
        self._lines: list[str] = []
        self._out: list[str] = []
        self._news = threading.Condition()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        streams = ((self.process.stderr, self._lines), (self.process.stdout, self._out))
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in streams]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], into: list[str]) -> None:
        for line in stream:
            with self._news:
                into.append(line)
                self._news.notify_all()

    def until(self, text: str, seconds: float = 240) -> None:
        """Wait for a line of standard error with this text."""

        def there() -> bool:
            return any(text in line for line in self._lines) or self.process.poll() is not None

        with self._news:
            self._news.wait_for(there, seconds)
        assert any(text in line for line in self._lines), f"{text!r} was not said: {self.end().told}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let it wait within the block, from the moment it has the lease on: it has started nothing on a host by then."""
        lease, deadline = self._lab.state / "lease.json", time.monotonic() + 60
        while not (lease.exists() and json.loads(lease.read_text())["pid"] == self.process.pid):
            assert time.monotonic() < deadline, "it has no lease"
            time.sleep(0.005)
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> Done:
        """SIGKILL to the whole process group: the machine's power, as far as this program is concerned."""
        os.killpg(self.process.pid, signal.SIGKILL)
        return self.end()

    def end(self, seconds: float = 420) -> Done:
        """Wait for its end."""
        status = self.process.wait(timeout=seconds)
        for reader in self._readers:
            reader.join(timeout=2)
        done = Done(self._arguments, status, "".join(self._out), "".join(self._lines), time.monotonic() - self._began)
        self._lab.said.append(done)
        self._lab.remember()
        return done


@dataclass
class Lab:
    """One fleet of containers, its directories, and everything that was seen of it so far."""

    fleet: Path
    state_root: Path
    home: Path
    said: list[Done] = field(default_factory=list)
    values: Values = field(init=False)
    sampler: processes.Sampler = field(default_factory=processes.Sampler)
    spoilt: set[tuple[str, int]] = field(default_factory=set)
    """The generations that a test has put where they must not be."""

    def __post_init__(self) -> None:
        self.name = self.fleet.name
        self.state = self.state_root / self.name
        self.values = Values(self.fleet, self.state / "vault-password")
        self._inventory = yaml.safe_load((self.fleet / "hosts.yml").read_text())["all"]
        self.hosts = {name: Host(f"mycoops-{self.name}-{name}") for name in self._inventory["hosts"]}

    def port(self, inside: int) -> int:
        """Where a port of a host is published on this machine."""
        published = [host["lab_publish"] for host in self._inventory["hosts"].values()]
        return next(int(ports[str(inside)]) for ports in published if str(inside) in ports)

    def ssh_port(self, host: str) -> int:
        """Where the sshd of a host is published."""
        return int(self._inventory["hosts"][host]["ansible_port"])

    def environment(self, fleet: Path | None = None, state: Path | None = None) -> dict[str, str]:
        """What a person's shell would hold."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        own = {"HOME": str(self.home), "MYCOOPS_FLEET": str(fleet or self.fleet), "MYCOOPS_STATE": str(state or self.state_root)}
        return {**kept, **own, "XDG_CACHE_HOME": cache}

    def begin(self, *arguments: str, fleet: Path | None = None, state: Path | None = None, login: str = "", **more: str) -> Running:
        """Start `mycoops` with these arguments, for another copy of the fleet or from another control node where one is named;
        `login` is the account that somebody came in with, before sudo, `more` are variables of the environment."""
        before = ["sh", "-c", AS, "sh", str(pwd.getpwnam(login).pw_uid)] if login else []
        return Running(self, [*before, str(MYCOOPS), *arguments], arguments, {**self.environment(fleet, state), **more})

    def begin_under_traffic(self, report: Path, *arguments: str) -> Running:
        """The same while every service is asked all the time, and somebody sits there who answers and does what is left."""
        load = [sys.executable, str(TRAFFIC), "--fleet", str(self.fleet), "--json", str(report), "--"]
        return Running(self, [*load, *self._attended(*arguments)], arguments, self.environment())

    def begin_attended(self, *arguments: str) -> Running:
        """Somebody sits there: brings what is asked for, or, without a command, what `mycoops todo` lists."""
        return Running(self, self._attended(*arguments), arguments or ("todo", "played"), self.environment())

    def _attended(self, *arguments: str) -> list[str]:
        command = ["--", str(MYCOOPS), *arguments] if arguments else []
        return [sys.executable, str(PERSON), "--fleet", str(self.fleet), *command]

    def run(
        self, *arguments: str, status: int | None = 0, fleet: Path | None = None, state: Path | None = None, login: str = ""
    ) -> Done:
        """Run `mycoops` to its end; the status is asserted unless it is None."""
        with self.sampler.sampling():
            done = self.begin(*arguments, fleet=fleet, state=state, login=login).end()
        assert status is None or done.status == status, done.told
        return done

    def state_of(self, credential: str) -> str:
        """What `mycoops status` says of a credential."""
        return next(one["state"] for one in self.run("status", "--json").json() if one["credential"] == credential)

    def remember(self) -> None:
        """Keep every value there is now, to know all of them in the end."""
        self.values.remember()

    def current(self) -> dict[str, Value]:
        """The values of the vault, as of now."""
        return self.values.current()
