"""HTTP as it comes and goes: a request, a reply, and a server that can also drop a connection; nothing of a request is logged."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LONGEST_BODY = 1 << 20
IDLE_SECONDS = 30


class BadBody(ValueError):
    """The body is not what its content type says."""


@dataclass(slots=True)
class Request:
    """One request; `path` is what follows the provider's base URL, still percent-encoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes = b""
    client: str = ""
    place: str = ""
    credential: str = ""
    """The id of the credential that was accepted, once one was."""

    def header(self, name: str) -> str:
        return str(self.headers.get(name) or "").strip()

    def bearer(self, scheme: str = "Bearer") -> str:
        """What stands behind the scheme in the Authorization header; empty where there is no such header."""
        given, _, value = self.header("Authorization").partition(" ")
        return value.strip() if given.lower() == scheme.lower() else ""

    def basic(self) -> tuple[str, str]:
        """Name and password of a Basic Authorization header; two empty texts where there is none."""
        try:
            name, _, password = base64.b64decode(self.bearer("Basic"), validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return name, password

    def json(self) -> Any:
        """The JSON object in the body, an empty one where there is no body; raises BadBody."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError as error:
            raise BadBody("not JSON") from error
        if not isinstance(found, dict):
            raise BadBody("not an object")
        return found

    def number(self, name: str, otherwise: int) -> int:
        """A number of the query; raises BadBody where it is none."""
        text = self.query.get(name, str(otherwise))
        if not text.isdecimal():
            raise BadBody(f"{name} is no number")
        return int(text)

    def form(self) -> dict[str, str]:
        """The fields of a form; of a repeated one the last."""
        return one_each(self.body.decode(errors="replace"))

    def fields(self) -> dict[str, Any]:
        """The body as JSON or as a form, as its content type says."""
        if "json" in self.header("Content-Type"):
            return dict(self.json())
        return dict(self.form())


@dataclass(slots=True)
class Reply:
    """One answer: a dict or list goes out as JSON, a text as it is, None as no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    def encoded(self) -> tuple[bytes, str]:
        """The bytes of the body and their content type."""
        if self.body is None:
            return b"", ""
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


class Refused(Exception):
    """A reply that ends the handling of a request where it is raised."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Lost(Exception):
    """There is no answer: after some seconds of silence the connection ends."""

    def __init__(self, seconds: float) -> None:
        super().__init__("lost")
        self.seconds = seconds


Answer = Callable[[Request], Reply]


def one_each(query: str) -> dict[str, str]:
    """The last value of each name of a query or a form."""
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}


def broken(error: BaseException) -> None:
    """Tell a mistake by its type and place; its message could hold a value."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    print(f"{type(error).__name__} in {place.name}, {Path(place.filename).name}:{place.lineno}", file=sys.stderr, flush=True)


def decoded(text: str) -> str:
    return unquote(text)


class Handler(BaseHTTPRequestHandler):
    """Reads one request, gets its answer, and sends it."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "providers", ""
    timeout = IDLE_SECONDS
    wbufsize = 1 << 16  # One segment for head and body: two would wait for each other.
    server: Server

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(Reply(413, {"error": "the body is too long, or of unknown length"}))
            return
        request = Request(
            self.command, parts.path, one_each(parts.query), self.headers, self.rfile.read(length), self.client_address[0]
        )
        try:
            self._send(self.server.answer(request))
        except Lost as lost:
            time.sleep(lost.seconds)
            self.close_connection = True
        except OSError:  # The client is gone.
            self.close_connection = True
        except Exception as error:
            # A mistake of this server must not pass for a fault that somebody asked for.
            broken(error)
            self._send(Reply(500, {"error": f"a mistake of the provider server: {type(error).__name__}"}))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _send(self, reply: Reply) -> None:
        data, content_type = reply.encoded()
        headers: Mapping[str, str] = {"Content-Type": content_type, **reply.headers} if content_type else reply.headers
        self.send_response(reply.status, reply.reason or None)
        for name, value in headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        """Requests are not logged: a path, a query or a header may hold a value."""


class Server(ThreadingHTTPServer):
    """Answers with one function, over TLS where it is given a context; a slow handshake holds up nobody else."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], answer: Answer, context: ssl.SSLContext | None = None) -> None:
        super().__init__(address, Handler)
        self.answer, self.context = answer, context

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(IDLE_SECONDS)
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is the client's affair; anything else is told, without what it was about."""
        error = sys.exc_info()[1]
        if error and not isinstance(error, OSError):
            broken(error)

    def server_bind(self) -> None:
        # Without the look-up of a name that http.server makes.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
