"""Login roles are changed and compared through the server's own socket; of a value only the verifier arrives here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import typing

from mycoops_reply import Refusal

VERIFIER = re.compile(r"SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+\Z")
ROLE = """
SELECT json_build_object(
  'login', r.rolcanlogin, 'verifier', a.rolpassword, 'expired', coalesce(r.rolvaliduntil < now(), false),
  'set_role', (SELECT split_part(c, '=', 2) FROM pg_db_role_setting s, unnest(s.setconfig) c
               WHERE s.setrole = r.oid AND s.setdatabase = 0 AND c LIKE 'role=%'),
  'sessions', (SELECT count(*) FROM pg_stat_activity p WHERE p.usesysid = r.oid AND p.application_name <> 'mycoops-probe'),
  'clients', (SELECT string_agg(DISTINCT coalesce(host(client_addr), 'socket'), ' ') FROM pg_stat_activity p
              WHERE p.usesysid = r.oid))
FROM pg_roles r JOIN pg_authid a ON a.oid = r.oid WHERE r.rolname = {name};"""
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
Role = typing.Dict[str, typing.Any]


def run(request: dict) -> dict:
    """Carry out one entry on the authority's host."""
    return ENTRIES[request["entry"]](request)


def preflight(request: dict) -> dict:
    new = _new(request)
    state = _json(
        request, "SELECT json_build_object('standby', pg_is_in_recovery(), 'version', current_setting('server_version'));"
    )
    if state["standby"]:
        raise Refusal("standby", "this server is a standby: roles are changed on the primary")
    if request.get("previous_principal"):
        _role(request, request["previous_principal"])
    if new["sessions"]:
        raise _in_use(new)
    if new["expired"]:
        raise Refusal("slot_expired", "VALID UNTIL of the free slot is past")
    return {"done": True, "evidence": {"version": state["version"], "owner": _owner(request, new), "slot_sessions": "0"}}


def mint(request: dict) -> dict:
    """Give the new slot its verifier and its owner role; the same verifier again changes nothing."""
    new, verifier = _new(request), _verifier(request)
    owner = _owner(request, new)
    same = new["login"] and new["verifier"] == verifier
    if new["sessions"] and not same:
        raise _in_use(new)
    statements = [f"ALTER ROLE {_name(request['principal'])} SET role = {_text(owner)};"] if new["set_role"] != owner else []
    if not same:
        statements.append(f"ALTER ROLE {_name(request['principal'])} LOGIN PASSWORD {_text(verifier)};")
    if statements and not request.get("check"):
        _psql(request, "BEGIN;" + "".join(statements) + "COMMIT;")
    return {"done": True, "changed": bool(statements), "evidence": {"principal": request["principal"], "owner": owner}}


def parity(request: dict) -> dict:
    if not request.get("previous_principal"):
        return {"done": True, "equal": True, "evidence": {"compared": "0"}}
    new, old = _text(request["principal"]), _text(request["previous_principal"])
    found = _json(request, PARITY.format(new=new, old=old))
    differences = found["differences"]
    evidence = {"compared": str(found["compared"]), "differences": "; ".join(differences[:10])}
    return {"done": True, "equal": not differences, "evidence": evidence}


def drain(request: dict) -> dict:
    old = _role(request, request["previous_principal"])
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
        _psql(request, f"ALTER ROLE {_name(request['previous_principal'])} NOLOGIN PASSWORD NULL;")
    ended = _terminate(request)
    return {
        "done": True,
        "changed": bool(alive or ended),
        "evidence": {"principal": request["previous_principal"], "terminated": str(ended)},
    }


def _terminate(request: dict) -> int:
    query = TERMINATE.format(name=_text(request["previous_principal"]))
    limit = time.monotonic() + float(request["options"].get("terminate_seconds", 30))
    ended = 0
    while True:
        found = _json(request, query)
        if not found["left"]:
            return ended
        ended += found["ended"]
        if time.monotonic() > limit:
            raise Refusal("sessions_remain", f"{found['left']} sessions of the old slot do not end", sessions=found["left"])
        time.sleep(0.2)


def persist(request: dict) -> dict:
    """What pg_authid holds is what a restarted server will hold."""
    new = _new(request)
    kept = new["login"] and new["verifier"] == _verifier(request)
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
    return _role(request, request["principal"])


def _other(request: dict) -> Role:
    if request["previous_principal"] == request["principal"]:
        raise Refusal("same_slot", "old and new name the same role", principal=request["principal"])
    return _role(request, request["previous_principal"])


def _role(request: dict, name: str) -> Role:
    found = _json(request, ROLE.format(name=_text(name)))
    if not found:
        raise Refusal("unknown_role", f"the server has no role {name}", principal=name)
    return found


def _owner(request: dict, new: Role) -> str:
    """The role that owns what the slots make: the option, else what a slot is set to."""
    owner = request["options"].get("owner") or new["set_role"]
    if not owner and request.get("previous_principal"):
        owner = _role(request, request["previous_principal"])["set_role"]
    if not owner:
        raise Refusal("no_owner_role", "neither slot has `SET role`: name the option owner", principal=request["principal"])
    member = MEMBER.format(owner=_text(owner), name=_text(request["principal"]))
    if not _json(request, member):
        raise Refusal("not_a_member", f"{request['principal']} is no member of {owner}", owner=owner)
    return str(owner)


def _verifier(request: dict) -> str:
    verifier = request["value"]
    if not VERIFIER.match(verifier):
        raise Refusal("no_verifier", "mint takes a SCRAM-SHA-256 verifier, never a password")
    return str(verifier)


def _text(text: str) -> str:
    return "'" + _clean(text).replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + _clean(name).replace('"', '""') + '"'


def _clean(text: str) -> str:
    if not text.isprintable() or "\\" in text:
        raise Refusal("bad_name", "a role name holds a control character or a backslash")
    return text


def _json(request: dict, query: str) -> typing.Any:
    answer = _psql(request, query).strip()
    return json.loads(answer) if answer else None


def _psql(request: dict, script: str) -> str:
    """Run SQL from stdin as the server's own account; of an error only the SQLSTATE comes back, never the statement."""
    options = request["options"]
    command = [
        "psql",
        "-X",
        "-q",
        "-A",
        "-t",
        "-w",
        "-v",
        "ON_ERROR_STOP=1",
        "-v",
        "VERBOSITY=sqlstate",
        "-v",
        "SHOW_CONTEXT=never",
    ]
    command += ["-p", str(options.get("port", 5432)), "-d", str(options["database"])]
    command += ["-h", str(options["socket"])] if options.get("socket") else []
    if os.geteuid() == 0:
        command = ["runuser", "-u", str(options.get("os_user", "postgres")), "--", *command]
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"},
    )
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 2 or "connection to server" in done.stderr:
        raise Refusal("authority_unreachable", "psql does not reach the server's socket", rc=done.returncode)
    state = re.search(r"ERROR:\s+([0-9A-Z]{5})", done.stderr)
    raise Refusal(
        "statement_failed", "the server declined a statement", sqlstate=state.group(1) if state else "", rc=done.returncode
    )
