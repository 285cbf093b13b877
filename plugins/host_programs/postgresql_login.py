"""One fresh PostgreSQL login ends accepted or refused by the authentication itself; any other failure is told apart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import socket
import ssl
import struct
import typing
import unicodedata

from mycoops_reply import Refusal

SSL_REQUEST = struct.pack("!II", 8, 80877103)
PROTOCOL_3 = 196608
PROBE = "mycoops-probe"
LARGEST_MESSAGE = 1 << 20
Login = typing.Dict[str, str]


class ServerError(Exception):
    """The server's ErrorResponse: its SQLSTATE and the routine that raised it (neither depends on the language)."""

    def __init__(self, fields: Login) -> None:
        super().__init__(fields.get("C", ""))
        self.sqlstate, self.routine = fields.get("C", ""), fields.get("R", "")


def run(request: dict) -> dict:
    """Log in once with the value of the subject; in `preflight`, refuse a path on which a random value is not refused."""
    options = request["options"]
    evidence = {"address": f"{options['address']}:{options.get('port', 5432)}", "auth": "none", "sqlstate": ""}
    outcome = _outcome(request, options, evidence)
    if request["entry"] != "preflight":
        return {"outcome": outcome, "evidence": evidence}
    if evidence["sqlstate"] == "28P01" or (outcome == "forbidden" and request.get("at_authority")):
        return {"done": True, "evidence": evidence}
    code = "unreachable" if outcome == "unreachable" else "cannot_verify"
    raise Refusal(code, "a random password is not refused with 28P01 on this path", outcome=outcome, **evidence)


def _outcome(request: dict, options: dict, evidence: Login) -> str:
    old = request.get("subject") == "old" and request.get("previous_principal")
    user = str(request["previous_principal"] if old else request["principal"])
    try:
        with _connect(options, evidence) as stream:
            _authenticate(stream, user, request["value"], options, evidence)
            _wait_ready(stream)
            stream.sendall(b"X" + struct.pack("!I", 4))
    except ServerError as error:
        evidence["sqlstate"], evidence["routine"] = error.sqlstate, error.routine
        return _judge(error)
    except (OSError, EOFError, KeyError, ValueError) as error:
        evidence["error"] = type(error).__name__
        return "unreachable"
    evidence["sqlstate"] = "00000"
    return "accepted"


def _judge(error: ServerError) -> str:
    if error.sqlstate == "42501" or (error.sqlstate == "28000" and error.routine == "ClientAuthentication"):
        return "forbidden"  # no CONNECT privilege, or pg_hba.conf rejects the path whatever the password
    return "refused" if error.sqlstate in ("28P01", "28000") else "unreachable"


def _connect(options: dict, evidence: Login) -> socket.socket:
    timeout = float(options.get("timeout_seconds", 8))
    stream = socket.create_connection((options["address"], int(options.get("port", 5432))), timeout)
    evidence["server"] = stream.getpeername()[0]
    if options.get("tls", "off") == "off":
        return stream
    stream.sendall(SSL_REQUEST)
    if stream.recv(1) != b"S":
        stream.close()
        raise ConnectionError("no TLS")
    context = ssl.create_default_context(cafile=options.get("ca_file"))
    if options["tls"] == "unverified":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    evidence["tls"] = options["tls"]
    return context.wrap_socket(stream, server_hostname=options["address"])


def _authenticate(stream: socket.socket, user: str, value: str, options: dict, evidence: Login) -> None:
    startup = ("user", user, "database", str(options["database"]), "application_name", PROBE, "client_encoding", "UTF8")
    body = b"".join(text.encode() + b"\0" for text in startup) + b"\0"
    stream.sendall(struct.pack("!II", len(body) + 8, PROTOCOL_3) + body)
    method, data = _authentication(stream)
    if method == 10:
        evidence["auth"] = "scram-sha-256"
        return _scram(stream, value)
    if method == 5:
        evidence["auth"] = "md5"
        inner = hashlib.md5(value.encode() + user.encode()).hexdigest()  # noqa: S324 - the protocol's own
        answer = hashlib.md5(inner.encode() + data).hexdigest()  # noqa: S324
        _send(stream, f"md5{answer}".encode() + b"\0")
    elif method == 3:
        evidence["auth"] = "password"
        if not isinstance(stream, ssl.SSLSocket) and not ipaddress.ip_address(evidence["server"]).is_loopback:
            raise Refusal("insecure_path", "the server asks for the password in clear without TLS", **evidence)
        _send(stream, value.encode() + b"\0")
    elif method != 0:
        evidence["auth"] = f"method {method}"
        raise Refusal("cannot_verify", "the server asks for a method that is no password", **evidence)
    return _finish(stream) if method else None


def _scram(stream: socket.socket, value: str) -> None:
    """RFC 5802 with SHA-256, the server's own signature checked: an impostor that accepts anything is not `accepted`."""
    nonce = base64.b64encode(secrets.token_bytes(18)).decode()
    first = f"n=,r={nonce}"
    opening = f"n,,{first}".encode()
    _send(stream, b"SCRAM-SHA-256\0" + struct.pack("!I", len(opening)) + opening)
    challenge = _authentication(stream)[1].decode()
    parts = dict(part.split("=", 1) for part in challenge.split(","))
    if not parts["r"].startswith(nonce):
        raise ConnectionError("nonce")
    password = value if value.isascii() else unicodedata.normalize("NFKC", value)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    key = _mac(salted, b"Client Key")
    bare = f"c=biws,r={parts['r']}"
    message = f"{first},{challenge},{bare}".encode()
    signature = _mac(hashlib.sha256(key).digest(), message)
    proof = bytes(left ^ right for left, right in zip(key, signature))  # noqa: B905 - equal lengths; Python 3.9 has no strict
    _send(stream, f"{bare},p={base64.b64encode(proof).decode()}".encode())
    final = _authentication(stream)[1].decode()
    expected = base64.b64encode(_mac(_mac(salted, b"Server Key"), message)).decode()
    if not hmac.compare_digest(final, f"v={expected}"):
        raise ConnectionError("server signature")
    _finish(stream)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _finish(stream: socket.socket) -> None:
    if _authentication(stream)[0] != 0:
        raise ConnectionError("authentication goes on")


def _send(stream: socket.socket, body: bytes) -> None:
    stream.sendall(b"p" + struct.pack("!I", len(body) + 4) + body)


def _authentication(stream: socket.socket) -> typing.Tuple[int, bytes]:
    kind, body = _message(stream)
    if kind != b"R":
        raise ConnectionError("protocol")
    return int.from_bytes(body[:4], "big"), body[4:]


def _wait_ready(stream: socket.socket) -> None:
    while _message(stream)[0] != b"Z":
        pass


def _message(stream: socket.socket) -> typing.Tuple[bytes, bytes]:
    head = _exactly(stream, 5)
    length = struct.unpack("!I", head[1:])[0] - 4
    if not 0 <= length <= LARGEST_MESSAGE:
        raise ConnectionError("message length")
    body = _exactly(stream, length)
    if head[:1] == b"E":
        raise ServerError({part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part})
    return head[:1], body


def _exactly(stream: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = stream.recv(count - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found
