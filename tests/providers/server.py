"""The provider server as a process of its own, and a client that speaks HTTP with it; nothing of it is imported."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "lab" / "providers"


@dataclass(frozen=True)
class Answer:
    """A reply: its status, its headers by lower-case name, and its body, decoded where it is JSON."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    reason: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Lost(Exception):
    """The connection ended without a reply, or none came in time."""


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(value: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {value}"}


class Base:
    """A base URL to make requests below, each over a connection of its own."""

    def __init__(self, url: str, ca_file: Path | None = None, host: str = "") -> None:
        self.parts, self.host = urlsplit(url), host
        self._context = ssl.create_default_context(cafile=ca_file) if self.parts.scheme == "https" else None

    def __call__(
        self, method: str, path: str, headers: dict[str, str] | None = None, *,
        body: Any = None, form: dict[str, str] | None = None, timeout: float = 10,
    ) -> Answer:  # fmt: skip
        """One request with a JSON body or a form; raises Lost where no answer comes."""
        sent, data = dict(headers or {}), None
        if form is not None:
            data, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        if self.host:
            sent["Host"] = self.host
        connection = self._connect(timeout)
        try:
            connection.request(method, self.parts.path + path, body=data, headers=sent)
            reply = connection.getresponse()
            found = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, found, reply.read().decode(), reply.reason)
        except ssl.SSLError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise Lost(type(error).__name__) from error
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        address = (self.parts.hostname or "", self.parts.port)
        if self._context is None:
            return http.client.HTTPConnection(*address, timeout=timeout)
        return http.client.HTTPSConnection(*address, timeout=timeout, context=self._context)


class Providers:
    """A running server, and its control API; with a file for its certificate it speaks TLS."""

    def __init__(self, *options: str, ca_file: Path | None = None) -> None:
        self.ca_file = ca_file
        options = (*options, "--tls", "--ca-file", str(ca_file)) if ca_file else options
        # What it says goes to files: a pipe that nobody reads would fill.
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-X", "dev", str(PROGRAM), *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd="/"
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        told = json.loads(line)
        self.url, self.control = told["url"], Base(told["control"])

    def stop(self) -> str:
        """End it; returns all it said since its first line."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, err
        return out + err

    def at(self, path: str) -> Base:
        """The base URL of a provider, or of one of its places."""
        return Base(f"{self.url}/{path}", self.ca_file)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Something of the control API that must succeed."""
        answer = self.control(method, path, body={} if body is None and method == "POST" else body)
        assert answer.status == 200, answer.text
        return answer.json if "json" in answer.headers["content-type"] else answer.text

    def step(self, provider: str, name: str, /, **given: Any) -> Any:
        """A step of a person."""
        return self.ask("POST", f"/{provider}/console/{name}", given)

    def switch(self, provider: str, switch: str, /, **given: Any) -> None:
        self.ask("POST", f"/{provider}/switches", {"switch": switch, **given})

    def later(self, seconds: float) -> None:
        """Let the server's time pass."""
        self.ask("POST", "/clock", {"seconds": seconds})

    def settings(self, provider: str, **given: Any) -> None:
        self.ask("PATCH", f"/{provider}/settings", given)

    def calls(self, provider: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"/{provider}/calls")
        return found
