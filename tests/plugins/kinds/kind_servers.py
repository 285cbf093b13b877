"""PostgreSQL, Redis and an HTTP server that a test starts, fills and throws away."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HBA = """local all all peer
hostnossl all encrypted all reject
host all trusting_a all trust
host all trusting_b all trust
host all md5_login all md5
host all clear_login all password
host all unlisted all reject
host all all all scram-sha-256
"""


def binary(name: str, pattern: str = "") -> str:
    """Where a server's program lies; the test fails, it is not skipped, where there is none."""
    found = [str(path) for path in sorted(Path("/").glob(pattern))[-1:]] if pattern else [shutil.which(name)]
    if not found or not found[0]:
        pytest.fail(f"{name} is not installed: apt-get install postgresql redis-server", pytrace=False)
    return found[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A PostgreSQL cluster with slots `app_a`, `app_b` in the owner `app_owner` of the database `app`."""

    def __init__(self) -> None:
        self.bin = Path(binary("postgres", "usr/lib/postgresql/*/bin/postgres")).parent
        self.home = Path(tempfile.mkdtemp(prefix="mycoops-pg-"))
        self.port = free_port()
        self.account = "postgres" if os.geteuid() == 0 else ""
        if self.account:
            shutil.chown(self.home, self.account, self.account)

    def _run(self, *command: str, stdin: str = "") -> str:
        prefix = ["runuser", "-u", self.account, "--"] if self.account else []
        done = subprocess.run([*prefix, *command], input=stdin, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, f"{Path(command[0]).name}: {done.stderr}"
        return done.stdout.strip()

    def start(self) -> Postgres:
        data = self.home / "data"
        self._run(str(self.bin / "initdb"), "-D", str(data), "-A", "peer", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        self._write(data / "pg_hba.conf", HBA)
        self._certificate(data)
        settings = f"port={self.port}\nunix_socket_directories='{self.home}'\nlisten_addresses='127.0.0.1'\nfsync=off\nssl=on\n"
        settings += "log_statement=ddl\nmax_connections=40\nlog_line_prefix='%m [%p] %q%u@%d %h '\n"
        self._write(data / "postgresql.auto.conf", settings)
        self._run(str(self.bin / "pg_ctl"), "-D", str(data), "-l", str(self.home / "log"), "-w", "start")
        self.sql("CREATE ROLE app_owner NOLOGIN; CREATE DATABASE app OWNER app_owner;", "postgres")
        self.slots("app")
        return self

    def slots(self, name: str, owner: str = "app_owner") -> None:
        """Two empty slots, as if never used."""
        for slot in (f"{name}_a", f"{name}_b"):
            self.sql(
                f"DROP ROLE IF EXISTS {slot}; CREATE ROLE {slot} NOLOGIN IN ROLE {owner}; ALTER ROLE {slot} SET role = '{owner}';"
            )

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)
        if self.account:
            shutil.chown(path, self.account, self.account)

    def _certificate(self, data: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        pem = serialization.Encoding.PEM
        self._write(data / "server.crt", builder.sign(key, hashes.SHA256()).public_bytes(pem).decode())
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        self._write(data / "server.key", private)

    @property
    def certificate(self) -> str:
        return str(self.home / "data" / "server.crt")

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def sql(self, script: str, database: str = "app") -> str:
        psql = ("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.home), "-p", str(self.port), "-d", database)
        return self._run(*psql, stdin=script)

    def options(self, **more: object) -> dict[str, object]:
        return {"address": "127.0.0.1", "port": self.port, "database": "app", "socket": str(self.home), **more}

    def stop(self) -> None:
        with contextlib.suppress(AssertionError):
            self._run(str(self.bin / "pg_ctl"), "-D", str(self.home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.home, ignore_errors=True)


class Redis:
    """A Redis server, with an aclfile or with the users of a plain redis.conf."""

    def __init__(self) -> None:
        self.binary = binary("redis-server")
        self.home = Path(tempfile.mkdtemp(prefix="mycoops-redis-"))
        self.port = free_port()
        self.aclfile = self.home / "users.acl"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, acl: str) -> Redis:
        self.aclfile.write_text(acl)
        (self.home / "redis.conf").write_text(f"aclfile {self.aclfile}\n")
        return self.restart()

    def start_without_aclfile(self, users: str) -> Redis:
        (self.home / "redis.conf").write_text(users)
        return self.restart()

    def restart(self) -> Redis:
        self.stop(keep=True)
        base = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.home)]
        self.process = subprocess.Popen([self.binary, str(self.home / "redis.conf"), *base], stdout=subprocess.DEVNULL)
        limit = time.monotonic() + 5
        while time.monotonic() < limit:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as stream:
                stream.sendall(b"PING\r\n")
                if stream.recv(16):
                    return self
            time.sleep(0.02)
        raise AssertionError("redis-server does not answer")

    def options(self, **more: object) -> dict[str, object]:
        return {"address": "127.0.0.1", "port": self.port, "aclfile": str(self.aclfile), **more}

    def stop(self, keep: bool = False) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        if not keep:
            shutil.rmtree(self.home, ignore_errors=True)


class WebServer:
    """An HTTP server whose answers a test decides: `answer(headers) -> status`."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, str]], int] = lambda headers: 401
        self.seen: list[dict[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = dict(self.headers.items())
                owner.seen.append(headers)
                status = owner.answer(headers)
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", owner.url.replace("/check", "/elsewhere"))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/check"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
