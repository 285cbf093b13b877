"""Asks every authority of the lab with clients of its own what a value is worth: `accepted`, or the word of the refusal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import io
import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
import psycopg

from tests.integration import providers
from tests.integration.lab import Lab
from tests.integration.providers import ACCEPTED
from tests.integration.values import Value

DATABASES = {
    "postgresql_mindex_api": "mindex",
    "postgresql_mas": "mas",
    "postgresql_website": "website",
    "postgresql_reports": "website",
}
ONE_ROLE = "postgresql_reports"
"""The login that keeps its role: its password alone is replaced."""
REFUSED = {
    **dict.fromkeys(DATABASES, "28P01"),
    **dict.fromkeys(("redis_mindex", "redis_mas", "redis_admin"), "WRONGPASS"),
    **dict.fromkeys(("jwt_mas", "mindex_service_token"), "401"),
    **dict.fromkeys(("ssh_password_mindex", "ssh_password_mas", "ssh_password_sandbox"), "password refused"),
    "ssh_key_rotator": "publickey refused",
    **providers.REFUSED,
}
"""How each authority says no: the refusal of the authentication itself, not of the path to it."""


def ask(lab: Lab, value: Value, text: str = "") -> list[str]:
    """Log in once with a value, or with `text` in its place; one answer from each of its authorities."""
    text = text or value.text
    name = value.credential
    if name in DATABASES:
        return [postgresql(lab.port(5432), value.principal, text, DATABASES[name])]
    if name.startswith("redis_"):
        return [redis(lab.port(6379), value.principal, text)]
    if name == "jwt_mas":
        return [status(lab.port(8001), "/whoami", {"Authorization": f"Bearer {token(text)}"})]
    if name == "mindex_service_token":
        return [status(lab.port(8000), "/api/mindex/items", {"X-Service-Token": text})]
    if name in providers.REFUSED:
        return [providers.ask(lab, value, text)]
    if name == "ssh_key_rotator":
        return [ssh_key(lab, host, value.principal, text) for host in lab.hosts]
    return [ssh_password(lab, name.removeprefix("ssh_password_"), value.principal, text)]


def random_for(value: Value) -> str:
    """A fresh value of the same shape that nobody knows."""
    if value.credential in providers.REFUSED:
        return providers.random_for(value)
    if value.credential != "ssh_key_rotator":
        return secrets.token_urlsafe(32)
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    how = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return Ed25519PrivateKey.generate().private_bytes(*how).decode()


def postgresql(port: int, user: str, password: str, database: str) -> str:
    """A login over TCP. libpq passes no SQLSTATE of a failed login on; only 28P01 has this text."""
    try:
        with psycopg.connect(
            host="127.0.0.1", port=port, user=user, password=password, dbname=database, connect_timeout=5
        ) as open_:
            open_.execute("SELECT count(*) FROM items")
        return ACCEPTED
    except psycopg.OperationalError as error:
        wrong = f'FATAL:  password authentication failed for user "{user}"'
        return "28P01" if wrong in str(error) else f"something else: {type(error).__name__}"


def redis(port: int, user: str, password: str) -> str:
    """AUTH on a new connection; the server's own word."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
        words = ("AUTH", user, password)
        stream.sendall(f"*{len(words)}\r\n".encode() + b"".join(f"${len(word)}\r\n{word}\r\n".encode() for word in words))
        answer = stream.makefile("rb").readline().decode().split()[0]
    return ACCEPTED if answer == "+OK" else answer.lstrip("-")


def token(key: str, *, algorithm: str = "HS256") -> str:
    """A JSON web token made here; with algorithm `none` it has no signature."""
    parts = ({"alg": algorithm, "typ": "JWT"}, {"sub": "test", "exp": int(time.time()) + 60})
    message = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    signature = _base64(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()) if algorithm == "HS256" else ""
    return f"{message}.{signature}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def status(port: int, path: str, headers: dict[str, str]) -> str:
    """`accepted` for 200, else the status of an answer, or the name of what kept it from coming."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answered = connection.getresponse().status
        return ACCEPTED if answered == 200 else str(answered)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


@contextmanager
def _transport(lab: Lab, host: str) -> Iterator[paramiko.Transport]:
    known = paramiko.HostKeys(str(lab.state / "known_hosts"))
    port = lab.ssh_port(host)
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.start_client(timeout=10)
        assert known.check(f"[127.0.0.1]:{port}", transport.get_remote_server_key()), f"{host}: another host key"
        yield transport
    finally:
        transport.close()


def ssh_key(lab: Lab, host: str, user: str, text: str) -> str:
    """A login with this key and nothing else."""
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    with _transport(lab, host) as transport:
        try:
            transport.auth_publickey(user, key)
        except paramiko.BadAuthenticationType:
            return "publickey not offered"
        except paramiko.AuthenticationException:
            return "publickey refused"
        return ACCEPTED if _runs(transport) else "no session"


def ssh_password(lab: Lab, host: str, user: str, text: str) -> str:
    """A login with this password and nothing else; sshd must offer the method, else a refusal means nothing."""
    with _transport(lab, host) as transport:
        try:
            transport.auth_none(user)
        except paramiko.BadAuthenticationType as offered:
            if "password" not in offered.allowed_types:
                return "password not offered"
        try:
            transport.auth_password(user, text, fallback=False)
        except paramiko.AuthenticationException:
            return "password refused"
        return ACCEPTED if _runs(transport) else "no session"


def _runs(transport: paramiko.Transport) -> bool:
    channel = transport.open_session()
    channel.exec_command("true")
    return channel.recv_exit_status() == 0
