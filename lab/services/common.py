"""What the services share: strict settings, pooled connections, JSON over HTTP, a graceful stop; no value is ever logged."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2

from mycoops.dual import Dual

EX_CONFIG = 78
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Before the first thread: blocked in every one, so that none but the waiting one gets them.
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
Reply = tuple[int, dict[str, Any]]


def log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def setting(*names: str) -> str:
    """The first of the names that is set and not empty, as production's loaders do; else the service does not start."""
    for name in names:
        if os.environ.get(name):
            return os.environ[name]
    log(f"not configured: {' or '.join(names)} is not set")
    raise SystemExit(EX_CONFIG)


def wrong_password(error: Exception) -> bool:
    """The refusal itself: libpq passes no SQLSTATE of a failed login on, and only 28P01 has this text."""
    return isinstance(error, psycopg2.OperationalError) and "password authentication failed" in str(error)


class Database:
    """A few PostgreSQL connections, opened at start and kept: they outlive a change of the password.

    With a `dual` password every new connection is opened with the one that the server takes."""

    def __init__(self, dsn: str, size: int = 2, dual: Dual | None = None, **parameters: str) -> None:
        self._dsn, self._dual, self._parameters = dsn, dual, parameters
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        self._slots = threading.BoundedSemaphore(8)
        threading.Thread(target=self._warm_up, args=(size,), daemon=True).start()

    def connect(self) -> Any:
        if self._dual:
            connection = self._dual.attempt(lambda value: self._open(password=value), refused=wrong_password)
        else:
            connection = self._open()
        connection.autocommit = True
        return connection

    def _open(self, **more: str) -> Any:
        return psycopg2.connect(self._dsn, connect_timeout=3, **self._parameters, **more)

    def _warm_up(self, size: int) -> None:
        try:
            for _ in range(size):
                self._idle.put(self.connect())
        except psycopg2.Error as error:
            log(f"postgresql: cannot connect ({type(error).__name__})")

    @contextlib.contextmanager
    def _borrowed(self, fresh: bool) -> Iterator[Any]:
        with self._slots:
            try:
                connection = self.connect() if fresh else self._idle.get_nowait()
            except queue.Empty:
                connection = self.connect()
            try:
                yield connection
            except psycopg2.Error:
                connection.close()
                raise
            if fresh:
                connection.close()
            else:
                self._idle.put(connection)

    def rows(self, statement: str, *, fresh: bool = False) -> list[Any]:
        """The rows of a statement; when the server has ended a pooled connection, the pool is emptied and filled anew."""
        try:
            return self._rows(statement, fresh)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if fresh:
                raise
            self._discard_idle()
            return self._rows(statement, False)

    def _discard_idle(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _rows(self, statement: str, fresh: bool) -> list[Any]:
        with self._borrowed(fresh) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def items(self, *, fresh: bool = False) -> list[dict[str, Any]]:
        return [{"id": row[0], "name": row[1]} for row in self.rows("SELECT id, name FROM items ORDER BY id", fresh=fresh)]


class Cache:
    """Redis behind a pool; `fresh` opens and authenticates a new connection."""

    def __init__(self, url: str) -> None:
        import redis

        self._url, self._redis = url, redis
        self._pooled = self._client()

    def _client(self) -> Any:
        return self._redis.Redis.from_url(self._url, socket_connect_timeout=3, socket_timeout=3)

    def ping(self, *, fresh: bool = False) -> bool:
        if not fresh:
            return bool(self._pooled.ping())
        client = self._client()
        try:
            return bool(client.ping())
        finally:
            client.close()
            client.connection_pool.disconnect()


def call(url: str, token: str) -> Any:
    """GET a JSON document with a service token."""
    request = urllib.request.Request(url, headers={"X-Service-Token": token})
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)


def state(check: Callable[[], object]) -> str:
    """`ok` or `down`: the outcome of a check that raises; the journal gets the class of the error, never its text."""
    try:
        check()
    except Exception as error:
        log(f"check failed: {type(error).__name__}")
        return "down"
    return "ok"


class Request:
    """A request, as far as the services need it."""

    def __init__(self, path: str, headers: Any) -> None:
        parts = urlsplit(path)
        self.path, self.headers = parts.path, headers
        self.fresh = parse_qs(parts.query).get("fresh") == ["1"]


def answer(routes: dict[str, Callable[[Request], Reply]], request: Request) -> Reply:
    if request.path not in routes:
        return 404, {"error": "not found"}
    try:
        return routes[request.path](request)
    except urllib.error.HTTPError as error:
        log(f"{request.path}: upstream answered {error.code}")
        return 502, {"error": "upstream", "status": error.code}
    except Exception as error:
        log(f"{request.path}: {type(error).__name__}")
        return 503, {"error": type(error).__name__}


class Server(ThreadingHTTPServer):
    """Stops on SIGTERM once every request it has accepted, or had waiting in the backlog, is answered."""

    daemon_threads = False
    request_queue_size = 32
    allow_reuse_address = True

    def drain(self) -> None:
        for _ in range(self.request_queue_size):  # no more than the backlog holds: under load it never gets empty
            if not select.select([self.socket], [], [], 0)[0]:
                break
            self._handle_request_noblock()  # type: ignore[attr-defined]
        self.server_close()


def serve(name: str, port: int, routes: dict[str, Callable[[Request], Reply]], on_hangup: Callable[[], None] | None = None) -> None:
    """Serve the routes on every address until SIGTERM; SIGHUP calls `on_hangup`, if there is one."""

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = name, ""
        timeout = 15

        def do_GET(self) -> None:
            status, body = answer(routes, Request(self.path, self.headers))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            """Requests are not logged: a query or a header may hold a value."""

    server = Server(("", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    log(f"{name} listens on port {port}")
    while signal.sigwait(SIGNALS) == signal.SIGHUP and on_hangup:
        on_hangup()
    server.shutdown()
    server.drain()
    log(f"{name} has stopped")
    sys.stderr.flush()
    os._exit(0)
