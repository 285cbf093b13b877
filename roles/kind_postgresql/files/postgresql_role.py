"""Login roles are changed and compared through the server's own socket; of a value only the verifier arrives here."""

from __future__ import annotations

import time
import typing

import mycoops_postgresql as postgresql
from mycoops_postgresql import Role
from mycoops_reply import Refusal

MEMBER = "SELECT to_json(count(*)) FROM pg_roles WHERE rolname = {owner} AND pg_has_role({name}, oid, 'MEMBER');"
TERMINATE = """
SELECT json_build_object('ended', count(*) FILTER (WHERE pg_terminate_backend(pid)), 'left', count(*))
FROM pg_stat_activity WHERE usename = {name};"""
PARITY = """
WITH slots AS (
  SELECT n.oid AS new, o.oid AS old FROM pg_roles n, pg_roles o WHERE n.rolname = {new} AND o.rolname = {old}),
objects AS (
  SELECT 'relation ' || c.oid::regclass AS name, p AS privilege,
         has_table_privilege(new, c.oid, p) AS n, has_table_privilege(old, c.oid, p) AS o
  FROM slots, pg_class c, unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER']) p
  WHERE c.relkind IN ('r','p','v','m','f') AND c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%'
  UNION ALL
  SELECT 'sequence ' || c.oid::regclass, p, has_sequence_privilege(new, c.oid, p), has_sequence_privilege(old, c.oid, p)
  FROM slots, pg_class c, unnest(ARRAY['USAGE','SELECT','UPDATE']) p WHERE c.relkind = 'S'
  UNION ALL
  SELECT 'schema ' || s.nspname, p, has_schema_privilege(new, s.oid, p), has_schema_privilege(old, s.oid, p)
  FROM slots, pg_namespace s, unnest(ARRAY['USAGE','CREATE']) p WHERE s.nspname NOT LIKE 'pg\\_%'
  UNION ALL
  SELECT 'function ' || f.oid::regprocedure, p, has_function_privilege(new, f.oid, p), has_function_privilege(old, f.oid, p)
  FROM slots, pg_proc f, unnest(ARRAY['EXECUTE']) p WHERE f.pronamespace::regnamespace::text NOT LIKE 'pg\\_%'
  UNION ALL
  SELECT 'database ' || d.datname, p, has_database_privilege(new, d.oid, p), has_database_privilege(old, d.oid, p)
  FROM slots, pg_database d, unnest(ARRAY['CONNECT','CREATE','TEMPORARY']) p
  UNION ALL
  SELECT 'member of ' || g.rolname, p, pg_has_role(new, g.oid, p), pg_has_role(old, g.oid, p)
  FROM slots, pg_roles g, unnest(ARRAY['MEMBER','USAGE']) p WHERE g.oid NOT IN (new, old)),
ignored AS (SELECT ARRAY['rolname','oid','rolcanlogin','rolpassword','rolconfig','rolvaliduntil'] AS keys),
facts AS (
  SELECT 'attributes' AS name, to_jsonb(n) - keys AS n, to_jsonb(o) - keys AS o
  FROM ignored, slots JOIN pg_roles n ON n.oid = new JOIN pg_roles o ON o.oid = old
  UNION ALL
  SELECT 'settings', (SELECT jsonb_object_agg(setdatabase, setconfig) FROM pg_db_role_setting WHERE setrole = new),
         (SELECT jsonb_object_agg(setdatabase, setconfig) FROM pg_db_role_setting WHERE setrole = old) FROM slots),
owned AS (
  SELECT 'owned by ' || r.rolname || ' itself' AS name, count(*) FROM slots, pg_shdepend d, pg_roles r
  WHERE r.oid = d.refobjid AND d.refobjid IN (new, old) AND d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
  GROUP BY 1),
found AS (
  SELECT name || ' ' || privilege AS name FROM objects WHERE n IS DISTINCT FROM o
  UNION ALL SELECT name FROM facts WHERE n IS DISTINCT FROM o
  UNION ALL SELECT name FROM owned)
SELECT json_build_object('compared', (SELECT count(*) FROM objects),
                         'differences', coalesce((SELECT json_agg(name ORDER BY name) FROM found), '[]'::json));"""


def run(request: dict) -> dict:
    """Carry out one entry on the authority's host."""
    return ENTRIES[request["entry"]](request)


def preflight(request: dict) -> dict:
    new = _new(request)
    version = postgresql.primary(request)
    if request.get("previous_principal"):
        postgresql.role(request, request["previous_principal"])
    if new["sessions"]:
        raise _in_use(new)
    if new["expired"]:
        raise Refusal("slot_expired", "VALID UNTIL of the free slot is past")
    return {"done": True, "evidence": {"version": version, "owner": _owner(request, new), "slot_sessions": "0"}}


def mint(request: dict) -> dict:
    """Give the new slot its verifier and its owner role; the same verifier again changes nothing."""
    new, verifier = _new(request), postgresql.verifier(request["value"])
    owner = _owner(request, new)
    same = new["login"] and new["verifier"] == verifier
    if new["sessions"] and not same:
        raise _in_use(new)
    statements = (
        [f"ALTER ROLE {postgresql.identifier(request['principal'])} SET role = {postgresql.literal(owner)};"]
        if new["set_role"] != owner
        else []
    )
    if not same:
        statements.append(
            f"ALTER ROLE {postgresql.identifier(request['principal'])} LOGIN PASSWORD {postgresql.literal(verifier)};"
        )
    if statements and not request.get("check"):
        postgresql.psql(request, "BEGIN;" + "".join(statements) + "COMMIT;")
    return {"done": True, "changed": bool(statements), "evidence": {"principal": request["principal"], "owner": owner}}


def parity(request: dict) -> dict:
    if not request.get("previous_principal"):
        return {"done": True, "equal": True, "evidence": {"compared": "0"}}
    new, old = postgresql.literal(request["principal"]), postgresql.literal(request["previous_principal"])
    found = postgresql.answer(request, PARITY.format(new=new, old=old))
    differences = found["differences"]
    evidence = {"compared": str(found["compared"]), "differences": "; ".join(differences[:10])}
    return {"done": True, "equal": not differences, "evidence": evidence}


def drain(request: dict) -> dict:
    old = postgresql.role(request, request["previous_principal"])
    return {
        "done": True,
        "in_use": old["sessions"],
        "evidence": {"sessions": str(old["sessions"]), "clients": old["clients"] or ""},
    }


def revoke(request: dict) -> dict:
    """Take login and password from the old slot, then end its sessions until none is left."""
    old = _other(request)
    new = _new(request)
    if not (new["login"] and new["verifier"]):
        raise Refusal("new_not_ready", "the new slot cannot log in, the old one stays", principal=request["principal"])
    alive = old["login"] or old["verifier"] is not None
    if request.get("check"):
        return {"done": True, "changed": alive, "evidence": {"sessions": str(old["sessions"])}}
    if alive:
        postgresql.psql(request, f"ALTER ROLE {postgresql.identifier(request['previous_principal'])} NOLOGIN PASSWORD NULL;")
    ended = _terminate(request)
    return {
        "done": True,
        "changed": bool(alive or ended),
        "evidence": {"principal": request["previous_principal"], "terminated": str(ended)},
    }


def _terminate(request: dict) -> int:
    query = TERMINATE.format(name=postgresql.literal(request["previous_principal"]))
    limit = time.monotonic() + float(request["options"].get("terminate_seconds", 30))
    ended = 0
    while True:
        found = postgresql.answer(request, query)
        if not found["left"]:
            return ended
        ended += found["ended"]
        if time.monotonic() > limit:
            raise Refusal("sessions_remain", f"{found['left']} sessions of the old slot do not end", sessions=found["left"])
        time.sleep(0.2)


def persist(request: dict) -> dict:
    """What pg_authid holds is what a restarted server will hold."""
    new = _new(request)
    kept = new["login"] and new["verifier"] == postgresql.verifier(request["value"])
    gone = True
    if request.get("previous_principal"):
        old = _other(request)
        gone = not old["login"] and old["verifier"] is None
    evidence = {"catalog": "pg_authid", "new": "present" if kept else "absent", "old": "absent" if gone else "present"}
    return {"done": True, "persisted": bool(kept and gone), "evidence": evidence}


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "preflight": preflight,
    "mint": mint,
    "parity": parity,
    "drain": drain,
    "revoke": revoke,
    "persist": persist,
}


def _in_use(slot: Role) -> Refusal:
    clients = slot["clients"] or ""
    return Refusal("slot_in_use", f"the free slot has {slot['sessions']} sessions from {clients}", clients=clients)


def _new(request: dict) -> Role:
    return postgresql.role(request, request["principal"])


def _other(request: dict) -> Role:
    if request["previous_principal"] == request["principal"]:
        raise Refusal("same_slot", "old and new name the same role", principal=request["principal"])
    return postgresql.role(request, request["previous_principal"])


def _owner(request: dict, new: Role) -> str:
    """The role that owns what the slots make: the option, else what a slot is set to."""
    owner = request["options"].get("owner") or new["set_role"]
    if not owner and request.get("previous_principal"):
        owner = postgresql.role(request, request["previous_principal"])["set_role"]
    if not owner:
        raise Refusal("no_owner_role", "neither slot has `SET role`: name the option owner", principal=request["principal"])
    member = MEMBER.format(owner=postgresql.literal(owner), name=postgresql.literal(request["principal"]))
    if not postgresql.answer(request, member):
        raise Refusal("not_a_member", f"{request['principal']} is no member of {owner}", owner=owner)
    return str(owner)
