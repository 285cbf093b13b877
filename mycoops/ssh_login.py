"""One fresh SSH login with one method, precise about how it was refused; no value goes to an unknown host key."""

from __future__ import annotations

import io
import os
import re
import shlex
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import paramiko

Reply = dict[str, Any]
KEYS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def known_hosts_of(variables: Mapping[str, Any]) -> list[Path]:
    """The files ssh itself would trust: those of the ssh arguments in force, else the user's and the system's."""
    texts = [*map(variables.get, ("ansible_ssh_common_args", "ansible_ssh_extra_args")), os.environ.get("ANSIBLE_SSH_ARGS")]
    words = [word for text in texts for word in _words(text)]
    named = [match[1] for word in words if (match := re.fullmatch(r"(?:-o)?UserKnownHostsFile=(.+)", word))]
    return [Path(name).expanduser() for name in named or ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")]


def _words(text: object) -> list[str]:
    return shlex.split(text) if isinstance(text, str) and "{{" not in text else []


def attempt(request: Mapping[str, Any], known: Sequence[Path]) -> Reply:
    """Return {"outcome": accepted | refused | unreachable, "methods": still offered}, or an error `unknown_host_key`."""
    host, port, seconds = str(request["host"]), int(request["port"]), float(request.get("timeout") or 15)
    try:
        connection = socket.create_connection((host, port), timeout=seconds)
    except OSError as error:
        return _unreachable(error)
    with connection:
        transport = paramiko.Transport(connection)
        transport.banner_timeout = transport.auth_timeout = seconds
        try:
            _prefer_known(transport, known, host, port)
            transport.start_client(timeout=seconds)
            if not _is_known(transport.get_remote_server_key(), known, host, port):
                message = f"the host key of {host}:{port} is not the known one; nothing was sent"
                return {"error": {"code": "unknown_host_key", "message": message}}
            return _log_in(transport, request)
        except (paramiko.SSHException, OSError, EOFError) as error:
            return _unreachable(error)
        finally:
            transport.close()


def _log_in(transport: paramiko.Transport, request: Mapping[str, Any]) -> Reply:
    user, methods = str(request["user"]), []
    try:
        transport.auth_none(user)
        return {"outcome": "accepted", "methods": [], "evidence": {"method": "none"}}
    except paramiko.BadAuthenticationType as offered:
        methods = list(offered.allowed_types)
    except paramiko.AuthenticationException:
        return {"outcome": "forbidden", "methods": [], "evidence": {"method": "none offered"}}
    method = "password" if request.get("password") else "publickey"
    if method not in methods:
        return {"outcome": "forbidden", "methods": methods, "evidence": {"method": f"{method} is not offered"}}
    try:
        rest = _authenticate(transport, user, request)
    except paramiko.AuthenticationException:
        return {"outcome": "refused", "methods": methods, "evidence": {"method": method}}
    if rest or not transport.is_authenticated():
        return {"outcome": "forbidden", "methods": list(rest), "evidence": {"method": f"{method} alone is not enough"}}
    return {"outcome": "accepted", "methods": methods, "evidence": {"method": method}}


def _authenticate(transport: paramiko.Transport, user: str, request: Mapping[str, Any]) -> Sequence[str]:
    if request.get("password"):
        return transport.auth_password(user, str(request["password"]), fallback=False)
    for kind in KEYS:
        try:
            key = kind.from_private_key(io.StringIO(str(request["private_key"])))
        except (paramiko.SSHException, ValueError):
            continue
        return transport.auth_publickey(user, key)
    raise paramiko.AuthenticationException("no usable private key")


def _entries(known: Sequence[Path], host: str, port: int) -> Mapping[str, paramiko.PKey]:
    keys = paramiko.HostKeys()
    for path in known:
        if path.exists():
            keys.load(str(path))
    return keys.lookup(host if port == 22 else f"[{host}]:{port}") or {}


def _prefer_known(transport: paramiko.Transport, known: Sequence[Path], host: str, port: int) -> None:
    """Ask the server for a key of a type we know, as OpenSSH does."""
    options = transport.get_security_options()
    types = set(_entries(known, host, port))
    types |= {"rsa-sha2-512", "rsa-sha2-256"} if "ssh-rsa" in types else set()
    first = [name for name in options.key_types if name in types]
    options.key_types = [*first, *(name for name in options.key_types if name not in first)]


def _is_known(key: paramiko.PKey, known: Sequence[Path], host: str, port: int) -> bool:
    entry = _entries(known, host, port)
    return key.get_name() in entry and entry[key.get_name()].asbytes() == key.asbytes()


def _unreachable(error: Exception) -> Reply:
    return {"outcome": "unreachable", "methods": [], "evidence": {"error": type(error).__name__}}
