"""One RESP2 connection to a Redis server, its administrator, a user as the server and its aclfile know it."""

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
User = typing.Dict[str, typing.Any]


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


def administrator(request: dict) -> Connection:
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


def user(server: Connection, name: str) -> User:
    """A user as the server has it. Raises Refusal `unknown_user`."""
    flat = server("ACL", "GETUSER", name)
    if flat is None:
        raise Refusal("unknown_user", f"the server has no user {name}", user=name)
    return dict(zip(flat[::2], flat[1::2]))  # noqa: B905 - Python 3.9 has no strict


def fit(request: dict, server: Connection) -> str:
    """The aclfile of a primary that keeps its users in the one declared. Raises Refusal for any other server."""
    role = re.search(r"^role:(\w+)", server("INFO", "replication"), re.M)
    configured, wanted = server("CONFIG", "GET", "aclfile")[1], request["options"]["aclfile"]
    if role and role.group(1) != "master":
        raise Refusal("standby", "this server is a replica: users are changed on the primary")
    if not configured:
        raise Refusal("no_persistence", "the server has no aclfile: a restart would bring the old password back")
    if configured != wanted:
        raise Refusal(
            "other_aclfile", f"the server writes {configured}, not the aclfile declared", declared=wanted, configured=configured
        )
    return str(configured)


def connections(server: Connection, name: str) -> typing.List[str]:
    """The lines of CLIENT LIST of a user, but for this connection."""
    own = f"id={server('CLIENT', 'ID')} "
    lines = str(server("CLIENT", "LIST")).splitlines()
    return [line for line in lines if f" user={name} " in f"{line} " and not line.startswith(own)]


def kept(request: dict, name: str) -> typing.List[str]:
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


def hash_of(request: dict, key: str) -> str:
    """The SHA-256 that a request holds. Raises Refusal for anything else."""
    if not HASH.match(request[key] or ""):
        raise Refusal("no_hash", "the authority takes a SHA-256, never a password")
    return str(request[key])


def answered(entries: typing.Mapping[str, typing.Callable[[dict], dict]], request: dict) -> dict:
    """Carry out one entry; what the server or the way to it declines becomes a Refusal."""
    try:
        return entries[request["entry"]](request)
    except ServerError as error:
        raise Refusal("command_failed", f"the server declined a command with {error.code}", error=error.code) from None
    except (OSError, EOFError) as error:
        raise Refusal("authority_unreachable", "the server cannot be asked", error=type(error).__name__) from None
