"""A Redis user holds two password hashes during the overlap, and what the aclfile does not hold is not believed."""

from __future__ import annotations

import pathlib
import re
import socket
import ssl
import typing

from mycoops_reply import Refusal

HASH = re.compile(r"[0-9a-f]{64}\Z")
LARGEST_REPLY = 1 << 20
Answer = typing.Any


class ServerError(Exception):
    """An error reply; `code` is its first word, the only part that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.code = text.split(" ", 1)[0]


class Connection:
    """One RESP2 connection; commands go out as arrays, so no value is ever part of a line."""

    def __init__(self, options: dict) -> None:
        timeout = float(options.get("timeout_seconds", 8))
        stream = socket.create_connection((options["address"], int(options.get("port", 6379))), timeout)
        self.server = stream.getpeername()[0]
        if options.get("tls", "off") != "off":
            context = ssl.create_default_context(cafile=options.get("ca_file"))
            if options["tls"] == "unverified":
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            stream = context.wrap_socket(stream, server_hostname=options["address"])
        self.stream = stream
        self.file = stream.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.stream.close()

    def __call__(self, *words: str) -> Answer:
        parts = [word.encode() for word in words]
        self.stream.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self._answer()

    def _answer(self) -> Answer:
        line = self.file.readline(LARGEST_REPLY)
        if not line.endswith(b"\r\n"):
            raise EOFError
        kind, text = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"-":
            raise ServerError(text)
        if kind == b"+":
            return text
        if kind not in b":$*" or not 0 <= int(text) + 1 <= LARGEST_REPLY:
            raise ConnectionError("protocol")
        if kind == b":":
            return int(text)
        if int(text) < 0:
            return None
        if kind == b"*":
            return [self._answer() for _ in range(int(text))]
        return self.file.read(int(text) + 2)[:-2].decode(errors="replace")


def run(request: dict) -> dict:
    """Carry out one entry; `check_path` is the part of the preflight that a consumer's host can do."""
    entry = request["entry"]
    if entry == "preflight" and not request.get("at_authority"):
        entry = "check_path"
    try:
        return ENTRIES[entry](request)
    except ServerError as error:
        raise Refusal("command_failed", f"the server declined a command with {error.code}", error=error.code) from None
    except (OSError, EOFError) as error:
        raise Refusal("authority_unreachable", "the server cannot be asked", error=type(error).__name__) from None


def probe(request: dict) -> dict:
    """One fresh AUTH; a random value counts as accepted too where the server answers without any AUTH."""
    old = request.get("subject") == "old" and request.get("previous_principal")
    user = str(request["previous_principal"] if old else request["principal"])
    evidence = {"address": f"{request['options']['address']}:{request['options'].get('port', 6379)}", "error": ""}
    outcome = "accepted"
    try:
        with Connection(request["options"]) as server:
            evidence["server"] = server.server
            if request.get("subject") == "random" and _open(server):
                evidence["auth"] = "none"
                return {"outcome": "accepted", "evidence": evidence}
            server("AUTH", user, request["value"])
            evidence["whoami"] = _whoami(server)
    except ServerError as error:
        evidence["error"] = error.code
        outcome = "refused" if error.code == "WRONGPASS" else "unreachable"
    except (OSError, EOFError, ValueError) as error:
        evidence["error"], outcome = type(error).__name__, "unreachable"
    return {"outcome": outcome, "evidence": evidence}


def _open(server: Connection) -> bool:
    try:
        return bool(server("PING"))
    except ServerError as error:
        if error.code in ("NOAUTH", "NOPERM"):
            return False
        raise


def _whoami(server: Connection) -> str:
    try:
        return str(server("ACL", "WHOAMI"))
    except ServerError as error:
        return error.code


def check_path(request: dict) -> dict:
    reply = probe({**request, "subject": "random"})
    if reply["outcome"] == "refused":
        return {"done": True, "evidence": reply["evidence"]}
    if reply["outcome"] == "unreachable":
        message = f"redis at {reply['evidence']['address']} gives no answer to go by: {reply['evidence']['error']}"
        raise Refusal("unreachable", message, **reply["evidence"])
    raise Refusal("cannot_verify", "a random password is not refused with WRONGPASS on this path", **reply["evidence"])


def preflight(request: dict) -> dict:
    """The path, the administrator, the user and the file that makes a change last."""
    check_path(request)
    with _administrator(request) as server:
        user = _user(server, request)
        role = re.search(r"^role:(\w+)", server("INFO", "replication"), re.M)
        configured = server("CONFIG", "GET", "aclfile")[1]
    if "nopass" in user["flags"] or "off" in user["flags"]:
        raise Refusal("cannot_verify", "the user is off or needs no password", flags=" ".join(user["flags"]))
    if role and role.group(1) != "master":
        raise Refusal("standby", "this server is a replica: users are changed on the primary")
    wanted = request["options"]["aclfile"]
    if not configured:
        raise Refusal("no_persistence", "the server has no aclfile: a restart would bring the old password back")
    if configured != wanted:
        raise Refusal(
            "other_aclfile", f"the server writes {configured}, not the aclfile declared", declared=wanted, configured=configured
        )
    _kept(request, request["principal"])
    return {"done": True, "evidence": {"aclfile": configured, "passwords": str(len(user["passwords"]))}}


def mint(request: dict) -> dict:
    """Add the hash and save; a repetition finds both done."""
    new, name = _hash(request, "value"), request["principal"]
    with _administrator(request) as server:
        saved = f"#{new}" in _kept(request, name)
        changed = not saved or new not in _user(server, request)["passwords"]
        if changed and not request.get("check"):
            server("ACL", "SETUSER", name, f"#{new}")
            server("ACL", "SAVE")
    return {"done": True, "changed": changed, "evidence": {"user": name}}


def parity(request: dict) -> dict:
    """Old and new are two passwords of one user: its permissions are the same by construction."""
    wanted = [_hash(request, key) for key in ("value", "previous_value") if request.get(key)]
    with _administrator(request) as server:
        user = _user(server, request)
    equal = all(one in user["passwords"] for one in wanted) and "on" in user["flags"]
    return {"done": True, "equal": equal, "evidence": {"user": request["principal"], "passwords": str(len(user["passwords"]))}}


def revoke(request: dict) -> dict:
    """Remove the old hash, save, and end the user's connections, because the consumers hold the new value by now."""
    new, old, name = _hash(request, "value"), _hash(request, "previous_value"), request["principal"]
    with _administrator(request) as server:
        passwords = _user(server, request)["passwords"]
        if new not in passwords or new == old:
            raise Refusal("new_not_ready", "the user does not hold the new password, the old one stays", user=name)
        if request.get("check"):
            return {"done": True, "changed": old in passwords, "evidence": {"user": name}}
        if old in passwords:
            server("ACL", "SETUSER", name, f"!{old}")
        server("ACL", "SAVE")
        killed = server("CLIENT", "KILL", "USER", name) if _forward(request) else 0
        left = len(_user(server, request)["passwords"])
    return {"done": True, "changed": old in passwords, "evidence": {"user": name, "killed": str(killed), "passwords": str(left)}}


def _forward(request: dict) -> bool:
    """On the way back the consumers still hold the value that stays: their connections are left alone."""
    return int(request.get("generation") or 0) >= int(request.get("previous") or 0)


def persist(request: dict) -> dict:
    """What the aclfile holds is what a restarted server will hold."""
    words = _kept(request, request["principal"])
    kept = f"#{_hash(request, 'value')}" in words
    gone = not request.get("previous_value") or f"#{_hash(request, 'previous_value')}" not in words
    evidence = {
        "path": request["options"]["aclfile"],
        "new": "present" if kept else "absent",
        "old": "absent" if gone else "present",
    }
    return {"done": True, "persisted": kept and gone, "evidence": evidence}


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "probe": probe,
    "check_path": check_path,
    "preflight": preflight,
    "mint": mint,
    "parity": parity,
    "revoke": revoke,
    "persist": persist,
}


def _administrator(request: dict) -> Connection:
    """A connection as administrator; the first of `admin_values` that the server takes (two where that very user is rotated)."""
    server = Connection(request["options"])
    for value in [value for value in request["admin_values"] if value]:
        try:
            server("AUTH", request["admin_principal"], value)
            return server
        except ServerError as error:
            if error.code != "WRONGPASS":
                raise
    server.stream.close()
    raise Refusal("admin_refused", "the server refuses its administrator", user=request["admin_principal"])


def _user(server: Connection, request: dict) -> typing.Dict[str, typing.List[str]]:
    flat = server("ACL", "GETUSER", request["principal"])
    if flat is None:
        raise Refusal("unknown_user", f"the server has no user {request['principal']}", user=request["principal"])
    found = dict(zip(flat[::2], flat[1::2]))  # noqa: B905 - Python 3.9 has no strict
    return {"flags": found["flags"], "passwords": found["passwords"]}


def _kept(request: dict, name: str) -> typing.List[str]:
    """The words of the user's line in the aclfile. Raises Refusal `no_persistence` where it has none."""
    path = pathlib.Path(request["options"]["aclfile"])
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise Refusal("no_persistence", "the aclfile cannot be read", path=str(path), error=type(error).__name__) from None
    found = [line.split() for line in lines if line.split()[:2] == ["user", name]]
    if not found:
        raise Refusal("no_persistence", "the aclfile does not hold the user", path=str(path), user=name)
    return found[-1]


def _hash(request: dict, key: str) -> str:
    if not HASH.match(request[key] or ""):
        raise Refusal("no_hash", "the authority takes a SHA-256, never a password")
    return str(request[key])
