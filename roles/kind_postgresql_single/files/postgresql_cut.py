"""The one password of a PostgreSQL role is replaced by verifier while a timer on the host stands ready to put the old one back."""

from __future__ import annotations

import hashlib
import re
import typing

import mycoops_postgresql as postgresql
import mycoops_way_back as way_back
from mycoops_postgresql import Request, Role
from mycoops_reply import Refusal

Reply = typing.Dict[str, typing.Any]


def run(request: Request) -> Reply:
    """Carry out one entry for the role of the principal."""
    return ENTRIES[request["entry"]](request)


def preflight(request: Request) -> Reply:
    """There is a password to replace, of a role that may log in, on a server that takes changes, and a timer that could undo it."""
    way_back.require_timers()
    version, role = postgresql.primary(request), _role(request)
    if not role["login"]:
        raise Refusal("no_login", "the role may not log in: ALTER ROLE … LOGIN first", principal=request["principal"])
    if role["verifier"] is None:
        raise Refusal("no_password", "the role has no password to rotate", principal=request["principal"])
    if role["expired"]:
        raise Refusal("role_expired", "VALID UNTIL of the role is past", principal=request["principal"])
    return {"done": True, "evidence": {"version": version, "sessions": str(role["sessions"])}}


def stage(request: Request) -> Reply:
    """Arm the way back: the old verifier in memory only, and a timer that sets it again unless it is called off."""
    role, back = _role(request), _way_back(request)
    if not request.get("check"):
        back.arm(_statement(request, role["verifier"]))
    return {"done": True, "changed": True, "evidence": {"unit": back.unit, "seconds": str(back.seconds)}}


def cutover(request: Request) -> Reply:
    """Set the new verifier; the timer is wound up first, so a repetition ends in the same place. Open sessions go on."""
    new, role, back = postgresql.verifier(request["value"]), _role(request), _way_back(request)
    if not request.get("check"):
        back.arm(_statement(request, role["verifier"]))
        postgresql.psql(request, _statement(request, new))
        if _role(request)["verifier"] != new:
            raise Refusal("not_set", "the catalog does not hold the new verifier", principal=request["principal"])
    return {"done": True, "changed": True, "evidence": {"principal": request["principal"], "unit": back.unit}}


def confirm(request: Request) -> Reply:
    """Call the timer off once the role holds the new verifier; on the way back (an abort) put the old one in force first."""
    if way_back.leads_back(request):
        return restore(request)
    back = _way_back(request)
    armed = back.armed()
    _in_force(request, "the role does not hold the new password: never set, or put back by the timer")
    if not request.get("check"):
        back.call_off()
        _in_force(request, "the timer put the old password back at this very moment")
    return {"done": True, "changed": armed, "evidence": {"principal": request["principal"], "timer": "off"}}


def restore(request: Request) -> Reply:
    """Put the old verifier back now instead of waiting for the timer."""
    candidate = postgresql.verifier(request["previous_value"] if way_back.leads_back(request) else request["value"])
    back, role = _way_back(request), _role(request)
    old = back.text()
    differs = bool(old) and old != _statement(request, role["verifier"])
    if request.get("check"):
        return {"done": True, "changed": bool(old), "evidence": {"principal": request["principal"]}}
    if differs:
        postgresql.psql(request, old)
    back.call_off()
    if _role(request)["verifier"] == candidate:
        raise Refusal("nothing_to_restore", "the role holds the new password and the old one is not kept", **_who(request))
    return {"done": True, "changed": bool(old), "evidence": {**_who(request), "restored": "yes" if differs else "not needed"}}


def persist(request: Request) -> Reply:
    """What pg_authid holds is what a restarted server will hold, and nothing on this host is about to put the old one back."""
    kept, armed = _role(request)["verifier"] == postgresql.verifier(request["value"]), _way_back(request).armed()
    evidence = {"catalog": "pg_authid", "new": "present" if kept else "absent", "timer": "armed" if armed else "off"}
    return {"done": True, "persisted": kept and not armed, "evidence": evidence}


ENTRIES: typing.Dict[str, typing.Callable[[Request], Reply]] = {
    "preflight": preflight,
    "stage": stage,
    "cutover": cutover,
    "confirm": confirm,
    "restore": restore,
    "persist": persist,
}


def _who(request: Request) -> typing.Dict[str, str]:
    return {"principal": str(request["principal"])}


def _role(request: Request) -> Role:
    return postgresql.role(request, request["principal"])


def _in_force(request: Request, otherwise: str) -> None:
    if _role(request)["verifier"] != postgresql.verifier(request["value"]):
        raise Refusal("not_in_force", otherwise, **_who(request))


def _statement(request: Request, verifier: typing.Optional[str]) -> str:
    """The one statement of this kind. A verifier the server made itself is put back as it was; so is no password at all."""
    text = "NULL" if verifier is None else postgresql.literal(verifier)
    return f"ALTER ROLE {postgresql.identifier(request['principal'])} PASSWORD {text};"


def _way_back(request: Request) -> way_back.WayBack:
    """One for each role and server of this host; a name that no unit can have is told by its digest."""
    name, options = str(request["principal"]), request["options"]
    plain = name if re.match(r"\w+\Z", name, re.ASCII) else hashlib.sha256(name.encode()).hexdigest()[:16]
    return way_back.WayBack(
        f"postgresql-{options.get('port', 5432)}-{plain}", postgresql.command(request), options.get("revert_seconds")
    )
