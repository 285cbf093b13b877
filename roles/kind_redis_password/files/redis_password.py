"""The one password of a Redis server without users: replaced by its hash; the line that holds it in clear goes."""

from __future__ import annotations

import pathlib
import re
import typing

from mycoops_redis import Connection, ServerError, administrator, answered, hash_of, user
from mycoops_reply import Refusal

USER = "default"
CLEAR = re.compile(r"^\s*(requirepass|masterauth)\s", re.MULTILINE | re.IGNORECASE)


def run(request: dict) -> dict:
    """Carry out one entry; on a consumer's host the preflight is the path alone."""
    apart = request["entry"] == "preflight" and not request.get("at_authority")
    return answered(ENTRIES, {**request, "entry": "check_path"} if apart else request)


def probe(request: dict) -> dict:
    """One fresh AUTH with a password alone; a random one counts as accepted too where the server answers without any."""
    options = request["options"]
    evidence = {"address": f"{options['address']}:{options.get('port', 6379)}", "error": ""}
    try:
        with Connection(options) as server:
            if request.get("subject") == "random" and _open(server):
                return {"outcome": "accepted", "evidence": {**evidence, "auth": "none"}}
            server("AUTH", request["value"])
            return {"outcome": "accepted", "evidence": evidence}
    except ServerError as error:
        return {"outcome": "refused" if error.code == "WRONGPASS" else "unreachable", "evidence": {**evidence, "error": error.code}}
    except (OSError, EOFError, ValueError) as error:
        return {"outcome": "unreachable", "evidence": {**evidence, "error": type(error).__name__}}


def _open(server: Connection) -> bool:
    try:
        return bool(server("PING"))
    except ServerError as error:
        if error.code in ("NOAUTH", "NOPERM"):
            return False
        raise


def check_path(request: dict) -> dict:
    """Raises Refusal `cannot_verify` where a random password is not refused."""
    reply = probe({**request, "subject": "random"})
    if reply["outcome"] == "refused":
        return {"done": True, "evidence": reply["evidence"]}
    if reply["outcome"] == "unreachable":
        raise Refusal("unreachable", f"redis at {reply['evidence']['address']} gives no answer to go by", **reply["evidence"])
    raise Refusal("cannot_verify", "a random password is not refused with WRONGPASS on this path", **reply["evidence"])


def preflight(request: dict) -> dict:
    """The path, the password in force, and a file that CONFIG REWRITE can make last."""
    check_path(request)
    with administrator(request) as server:
        path = _file(server)
        users = [line for line in server("ACL", "LIST") if not line.startswith(f"user {USER} ")]
    clear = "yes" if CLEAR.search(_text(path)) else "no"
    return {"done": True, "evidence": {"config": path, "clear line": clear, "other users": str(len(users))}}


def cutover(request: dict) -> dict:
    """Set the new hash in one transaction, and write the file. A repetition ends in the same place."""
    new = hash_of(request, "value")
    with administrator(request) as server:
        path = _file(server)
        changed = user(server, USER)["passwords"] != [new] or bool(CLEAR.search(_text(path)))
        if changed and not request.get("check"):
            # The empty requirepass alone would let everybody in: nobody sees the one without the other.
            server("MULTI")
            server("CONFIG", "SET", "requirepass", "")
            server("ACL", "SETUSER", USER, "resetpass", f"#{new}")
            server("EXEC")
            server("CONFIG", "REWRITE")
            if user(server, USER)["passwords"] != [new] or "nopass" in user(server, USER)["flags"]:
                raise Refusal("not_set", "the server does not hold the new hash alone")
    return {"done": True, "changed": changed, "evidence": {"config": path}}


def persist(request: dict) -> dict:
    """The file holds the new hash, not the old one, and no password in clear: so would a restarted server."""
    path = str(request["options"]["config"])
    text = _text(path)
    words = next((line.split() for line in reversed(text.splitlines()) if line.split()[:2] == ["user", USER]), [])
    there, clear = f"#{hash_of(request, 'value')}" in words, bool(CLEAR.search(text))
    gone = not request.get("previous_value") or f"#{hash_of(request, 'previous_value')}" not in words
    evidence = {"path": path, "new": "present" if there else "absent", "old": "absent" if gone else "present"}
    return {
        "done": True,
        "persisted": there and gone and not clear,
        "evidence": {**evidence, "clear line": "yes" if clear else "no"},
    }


def _file(server: Connection) -> str:
    """The file of a server that keeps its password in it. Raises Refusal for any other server."""
    found = dict(re.findall(r"^(role|connected_slaves|config_file):(.*?)\r?$", server("INFO", "everything"), re.MULTILINE))
    if found.get("role") != "master" or found.get("connected_slaves") != "0":
        raise Refusal("replicated", "replicas log in with this very password: give them a user of their own, with kind redis")
    if server("CONFIG", "GET", "aclfile")[1]:
        raise Refusal("has_aclfile", "this server keeps its users in an aclfile: use the kind redis")
    if not found.get("config_file"):
        raise Refusal("no_persistence", "the server was started without a file: a restart would bring the old password back")
    return str(found["config_file"])


def _text(path: str) -> str:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refusal("no_persistence", "the server's file cannot be read", path=path, error=type(error).__name__) from None


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "probe": probe,
    "check_path": check_path,
    "preflight": preflight,
    "cutover": cutover,
    "persist": persist,
}
