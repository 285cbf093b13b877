"""Two Redis users take turns: whoever tries the old one is seen by its name, while it is used and after it is off."""

from __future__ import annotations

import re
import time
import typing

from mycoops_redis import Connection, User, administrator, answered, connections, fit, hash_of, kept, user
from mycoops_reply import Refusal
from mycoops_sightings import Sightings

LOG_ENTRIES = "10000"
"""As many entries of ACL LOG as are asked for: more than a server keeps by default (128)."""
PERMISSIONS = ("commands", "keys", "channels", "selectors")


def run(request: dict) -> dict:
    """Carry out one entry at the authority, for the users `principal` and `previous_principal`."""
    if request["entry"] != "persist" and not request.get("has_admin"):
        raise Refusal("no_admin", "two users that take turns are changed by an administrator: name authority.admin")
    return answered(ENTRIES, request)


def preflight(request: dict) -> dict:
    """Both users exist and need a password, the free one is in nobody's use, and changes last."""
    old, new = request["previous_principal"], request["principal"]
    with administrator(request) as server:
        present, free = user(server, old), user(server, new)
        if "nopass" in (*present["flags"], *free["flags"]) or "off" in present["flags"]:
            raise Refusal("cannot_verify", "a user is off or needs no password", users=f"{old} {new}")
        _unused(server, new)
        configured = fit(request, server)
    kept(request, old)
    kept(request, new)
    return {"done": True, "evidence": {"aclfile": configured, "user": new, "in_use": "0"}}


def mint(request: dict) -> dict:
    """Switch the free user on with the new hash alone, and save; a repetition finds both done."""
    new, name = hash_of(request, "value"), request["principal"]
    with administrator(request) as server:
        live, saved = _ready(user(server, name), new), _is_on(kept(request, name), new)
        if not live:
            _unused(server, name)
        changed = not (live and saved)
        if changed and not request.get("check"):
            server("ACL", "SETUSER", name, "on", "resetpass", f"#{new}")
            server("ACL", "SAVE")
    return {"done": True, "changed": changed, "evidence": {"user": name}}


def parity(request: dict) -> dict:
    """Both users may do the same, and both are on."""
    with administrator(request) as server:
        old, new = user(server, request["previous_principal"]), user(server, request["principal"])
    names = [name for name in PERMISSIONS if old.get(name) != new.get(name)]
    names += [f"the {name} user is off" for name, one in (("new", new), ("old", old)) if "off" in one["flags"]]
    return {"done": True, "equal": not names, "evidence": {"differences": "; ".join(names)}}


def drain(request: dict) -> dict:
    """Connections of the old user, but for this one: it may be the administrator that is rotated."""
    with administrator(request) as server:
        lines = connections(server, request["previous_principal"])
    return {"done": True, "in_use": len(lines), "evidence": {"connections": str(len(lines)), "clients": _clients(lines)}}


def revoke(request: dict) -> dict:
    """Switch the old user off, without a password, save, and end its connections."""
    new, name = hash_of(request, "value"), request["previous_principal"]
    with administrator(request) as server:
        if not _ready(user(server, request["principal"]), new):
            raise Refusal("new_not_ready", "the new user cannot log in, the old one stays", user=request["principal"])
        old = user(server, name)
        alive = "on" in old["flags"] or bool(old["passwords"])
        if request.get("check"):
            return {"done": True, "changed": alive, "evidence": {"user": name}}
        server("ACL", "SETUSER", name, "off", "resetpass")
        server("ACL", "SAVE")
        killed = server("CLIENT", "KILL", "USER", name)
    return {"done": True, "changed": alive or bool(killed), "evidence": {"user": name, "killed": str(killed)}}


def persist(request: dict) -> dict:
    """What the aclfile holds is what a restarted server will hold."""
    new = _is_on(kept(request, request["principal"]), hash_of(request, "value"))
    words = kept(request, request["previous_principal"])
    gone = "off" in words and not any(word.startswith("#") or word == "nopass" for word in words)
    evidence = {
        "path": request["options"]["aclfile"],
        "new": "present" if new else "absent",
        "old": "absent" if gone else "present",
    }
    return {"done": True, "persisted": new and gone, "evidence": evidence}


def sightings(request: dict) -> dict:
    """Refused logins of the old user that ACL LOG still knows of.

    The server takes those of one user within a minute as one: it tells how many, and the address of the last."""
    found = Sightings(request)
    with administrator(request) as server:
        entries = [dict(zip(flat[::2], flat[1::2])) for flat in server("ACL", "LOG", LOG_ENTRIES)]  # noqa: B905
    asked = time.time()
    for entry in entries:
        if entry["reason"] == "auth" and entry["username"] == request["previous_principal"]:
            address = _address(str(entry["client-info"]))
            created = entry.get("timestamp-created")
            first = float(created) / 1000 if created else None
            found.add(address, asked - float(entry["age-seconds"]), int(entry["count"]), first)
    return {"done": True, "sightings": found.told(), "evidence": {"entries": str(len(entries))}}


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "preflight": preflight,
    "mint": mint,
    "parity": parity,
    "drain": drain,
    "revoke": revoke,
    "persist": persist,
    "sightings": sightings,
}


def _ready(one: User, value: str) -> bool:
    return "on" in one["flags"] and one["passwords"] == [value]


def _is_on(words: typing.Sequence[str], value: str) -> bool:
    return "on" in words and [word for word in words if word.startswith("#")] == [f"#{value}"]


def _unused(server: Connection, name: str) -> None:
    if lines := connections(server, name):
        clients = _clients(lines)
        raise Refusal("slot_in_use", f"the free user has {len(lines)} connections from {clients}", clients=clients)


def _clients(lines: typing.Sequence[str]) -> str:
    return " ".join(sorted({_address(line) for line in lines}))


def _address(line: str) -> str:
    """The address of a client, as CLIENT LIST and ACL LOG name it; a path for a socket."""
    found = re.search(r"(?:^| )addr=(\S+):(\d+)", line)
    if not found:
        return ""
    return "local" if found[1].startswith("/") else found[1].strip("[]")
