"""A host in a temporary directory: its systemd and its container engine are fakes that start real processes."""

from __future__ import annotations

import http.server
import json
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "plugins" / "module_utils"), str(REPOSITORY / "plugins" / "host_programs")]

import mycoops_envfile as envfile  # noqa: E402
import mycoops_process as process  # noqa: E402


def fresh() -> str:
    """A value made for this test only."""
    return secrets.token_urlsafe(32)


class Unit:
    """A fake unit: starting it reads its env file as systemd does and runs a real process with it."""

    def __init__(self, env_file: Path, rejects: set[str]) -> None:
        self.env_file, self.rejects = env_file, rejects
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts, self.starts, self.reloads, self.failed = 0, 0, 0, False
        self.needs_reload = "no"
        self.kind = "simple"
        self.active = ""

    def start(self) -> None:
        self.stop()
        self.starts += 1
        values = envfile.read_as("systemd", self.env_file.read_bytes()) if self.env_file.exists() else {}
        self.failed = any(value in self.rejects for value in values.values())
        if not self.failed:
            self.process = subprocess.Popen(["/usr/bin/sleep", "600"], env=values)
            while process.environment(self.process.pid) != values:
                time.sleep(0.002)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def show(self) -> str:
        active = self.active or ("failed" if self.failed else "active" if self.process else "inactive")
        pid = self.process.pid if self.process else 0
        return (
            f"LoadState=loaded\nActiveState={active}\nSubState=x\nType={self.kind}\nMainPID={pid}\n"
            f"NRestarts={self.restarts}\nNeedDaemonReload={self.needs_reload}\n"
        )


class Host:
    """What the delivery program sees: a root directory, units, containers, and every command that was run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.units: dict[str, Unit] = {}
        self.containers: dict[str, Unit] = {}
        self.images = {"localhost/relay:1"}
        self.commands: list[list[str]] = []

    def unit(self, name: str, path: str, rejects: set[str] | None = None) -> Unit:
        self.units[name] = Unit(self.at(path), rejects or set())
        return self.units[name]

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def put(self, path: str, text: str | bytes) -> Path:
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        place.chmod(0o600)
        return place

    def command(self, argv: list[str], seconds: float = 0) -> tuple[int, str]:
        self.commands.append([str(word) for word in argv])
        return self.systemctl(argv[1:]) if argv[0] == "systemctl" else self.engine(argv[1:])

    def systemctl(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "daemon-reload":
            for unit in self.units.values():
                unit.needs_reload = "no"
            return 0, ""
        unit = self.units.get(words[-1])
        if unit is None:
            return 0, "LoadState=not-found\nActiveState=inactive\n"
        if words[0] == "show":
            return 0, unit.show()
        if words[0] == "restart":
            unit.start()
        if words[0] == "reload":
            unit.reloads += 1
        return 0, ""

    def engine(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "image":
            return int(words[-1] not in self.images), ""
        if words[0] == "inspect":
            unit = self.containers.get(words[-1])
            if unit is None:
                return 1, ""
            return 0, f"{'true' if unit.process else 'false'} {unit.process.pid if unit.process else 0} {unit.restarts}"
        name = words[words.index("--name") + 1] if "--name" in words else words[-1]
        if words[0] == "rm":
            if name in self.containers:
                self.containers.pop(name).stop()
            return 0, ""
        self.containers[name] = Unit(Path(words[words.index("--env-file") + 1]), set())
        self.containers[name].start()
        return 0, ""

    def verbs(self) -> list[str]:
        """The commands that change something, in order."""
        quiet = ("show", "inspect", "image")
        return [" ".join([*words[1:2], words[-1]]) for words in self.commands if words[1] not in quiet]


class Health:
    """An HTTP endpoint whose answer the test chooses."""

    def __init__(self) -> None:
        self.status, self.body, self.seen = 200, b"{}", []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.path, dict(self.headers)))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer.body() if callable(outer.body) else outer.body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/health"

    def says(self, data: Any, status: int = 200) -> None:
        self.status, self.body = status, json.dumps(data).encode()
