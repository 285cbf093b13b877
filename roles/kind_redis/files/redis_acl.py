"""A Redis user holds two password hashes during the overlap, and what the aclfile does not hold is not believed."""

from __future__ import annotations

import time
import typing

from mycoops_redis import Connection, ServerError, administrator, answered, connections, fit, hash_of, kept, user
from mycoops_reply import Refusal

SHORT_SECONDS = 0.5
"""How long a connection may take that asks one thing and goes."""


def run(request: dict) -> dict:
    """Carry out one entry; `check_path` is the part of the preflight that a consumer's host can do."""
    apart = request["entry"] == "preflight" and not request.get("at_authority")
    return answered(ENTRIES, {**request, "entry": "check_path"} if apart else request)


def probe(request: dict) -> dict:
    """One fresh AUTH; a random value counts as accepted too where the server answers without any AUTH."""
    old = request.get("subject") == "old" and request.get("previous_principal")
    name = str(request["previous_principal"] if old else request["principal"])
    evidence = {"address": f"{request['options']['address']}:{request['options'].get('port', 6379)}", "error": ""}
    outcome = "accepted"
    try:
        with Connection(request["options"]) as server:
            evidence["server"] = server.server
            if request.get("subject") == "random" and _open(server):
                evidence["auth"] = "none"
                return {"outcome": "accepted", "evidence": evidence}
            server("AUTH", name, request["value"])
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
    with administrator(request) as server:
        found = user(server, request["principal"])
        if "nopass" in found["flags"] or "off" in found["flags"]:
            raise Refusal("cannot_verify", "the user is off or needs no password", flags=" ".join(found["flags"]))
        configured = fit(request, server)
    kept(request, request["principal"])
    return {"done": True, "evidence": {"aclfile": configured, "passwords": str(len(found["passwords"]))}}


def mint(request: dict) -> dict:
    """Add the hash and save; a repetition finds both done."""
    new, name = hash_of(request, "value"), request["principal"]
    with administrator(request) as server:
        saved = f"#{new}" in kept(request, name)
        changed = not saved or new not in user(server, request["principal"])["passwords"]
        if changed and not request.get("check"):
            server("ACL", "SETUSER", name, f"#{new}")
            server("ACL", "SAVE")
    return {"done": True, "changed": changed, "evidence": {"user": name}}


def parity(request: dict) -> dict:
    """Old and new are two passwords of one user: its permissions are the same by construction."""
    wanted = [hash_of(request, key) for key in ("value", "previous_value") if request.get(key)]
    with administrator(request) as server:
        found = user(server, request["principal"])
    equal = all(one in found["passwords"] for one in wanted) and "on" in found["flags"]
    return {"done": True, "equal": equal, "evidence": {"user": request["principal"], "passwords": str(len(found["passwords"]))}}


def revoke(request: dict) -> dict:
    """Remove the old hash, save, and end the connections opened before: the consumers hold the new value by now."""
    new, old, name = hash_of(request, "value"), hash_of(request, "previous_value"), request["principal"]
    with administrator(request) as server:
        passwords = user(server, request["principal"])["passwords"]
        if new not in passwords or new == old:
            raise Refusal("new_not_ready", "the user does not hold the new password, the old one stays", user=name)
        if request.get("check"):
            return {"done": True, "changed": old in passwords, "evidence": {"user": name}}
        connections(server, name)  # an administrator that may not is told so while nothing is changed
        if old in passwords:
            server("ACL", "SETUSER", name, f"!{old}")
        server("ACL", "SAVE")
        killed = _end(server, name) if _forward(request) else 0
        left = len(user(server, request["principal"])["passwords"])
    return {"done": True, "changed": old in passwords, "evidence": {"user": name, "killed": str(killed), "passwords": str(left)}}


def _end(server: Connection, name: str) -> int:
    """End every connection that may have come by the old password, and return how many there were.

    One that is opened by now has come by the new one and is left alone; one that asks its question and goes is let go, so
    that nobody is cut off in the middle of a request."""
    before = [line.split()[0] for line in connections(server, name)]
    time.sleep(SHORT_SECONDS)
    still = {line.split()[0] for line in connections(server, name)}
    return sum(int(server("CLIENT", "KILL", "ID", one.partition("=")[2])) for one in before if one in still)


def _forward(request: dict) -> bool:
    """On the way back the consumers still hold the value that stays: their connections are left alone."""
    return int(request.get("generation") or 0) >= int(request.get("previous") or 0)


def persist(request: dict) -> dict:
    """What the aclfile holds is what a restarted server will hold."""
    words = kept(request, request["principal"])
    there = f"#{hash_of(request, 'value')}" in words
    gone = not request.get("previous_value") or f"#{hash_of(request, 'previous_value')}" not in words
    evidence = {
        "path": request["options"]["aclfile"],
        "new": "present" if there else "absent",
        "old": "absent" if gone else "present",
    }
    return {"done": True, "persisted": there and gone, "evidence": evidence}


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "probe": probe,
    "check_path": check_path,
    "preflight": preflight,
    "mint": mint,
    "parity": parity,
    "revoke": revoke,
    "persist": persist,
}
