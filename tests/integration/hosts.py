"""Looks into a host of the lab from outside, through podman; never through mycoops or its ssh."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from restarts import PLACES

SERVICES = PLACES
"""Every service of the lab: its host and its unit; the one without a unit is a container."""
ENV_FILES = {
    "mindex": ("/home/mycosoft/mindex/.env", "/etc/mycosoft/mindex-tokens.env"),
    "mas": ("/home/mycosoft/mycosoft/mas/.env", "/etc/mycosoft/mas-agent.env"),
    "sandbox": ("/opt/mycosoft/website/.env", "/opt/mycosoft/.env"),
}
"""Where values lie on purpose."""


@dataclass(frozen=True)
class Host:
    """One container."""

    container: str

    def call(self, *argv: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a command in it; what goes in by stdin shows in no process list."""
        done = subprocess.run(["podman", "exec", "-i", self.container, *argv], input=stdin, capture_output=True, check=False)
        assert not check or done.returncode == 0, f"{self.container}: {' '.join(argv)}: {done.stderr.decode(errors='replace')}"
        return done

    def text(self, *argv: str) -> str:
        """What a command prints."""
        return self.call(*argv).stdout.decode(errors="replace").strip()

    def read(self, path: str) -> bytes:
        """A file, byte for byte."""
        return self.call("cat", path).stdout

    def write(self, path: str, content: bytes) -> None:
        """Replace what a file holds; owner and mode stay."""
        self.call("tee", path, stdin=content)

    def put(self, path: str, content: bytes, mode: str = "0644") -> None:
        """Make a file and what leads to it."""
        self.call("install", "-D", "-m", mode, "/dev/stdin", path, stdin=content)

    def systemctl(self, *arguments: str) -> None:
        """A systemctl command that must succeed."""
        self.call("systemctl", *arguments)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.text("systemctl", "show", "--value", "--property", name, unit)

    def environ(self, pid: str) -> dict[str, str]:
        """The environment a process was started with."""
        raw = self.read(f"/proc/{pid}/environ").decode()
        return dict(pair.split("=", 1) for pair in raw.split("\0") if "=" in pair)

    def sql(self, statement: str) -> str:
        """A query as the superuser, over the server's own socket."""
        argv = ("runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1")
        return self.call(*argv, stdin=statement.encode()).stdout.decode().strip()

    def pid_of(self, service: str) -> str:
        """The main process of a service."""
        unit = SERVICES[service][1]
        if unit:
            return self.show(unit, "MainPID")
        return self.text("podman", "inspect", "--format", "{{.State.Pid}}", service)
