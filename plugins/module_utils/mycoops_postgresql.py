"""Asks and changes roles through the server's own socket; of a value only the verifier arrives here, and none comes back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing

from mycoops_reply import Refusal

VERIFIER = re.compile(r"SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+\Z")
PRIMARY = "SELECT json_build_object('standby', pg_is_in_recovery(), 'version', current_setting('server_version'));"
ROLE = """
SELECT json_build_object(
  'login', r.rolcanlogin, 'verifier', a.rolpassword, 'expired', coalesce(r.rolvaliduntil < now(), false),
  'set_role', (SELECT split_part(c, '=', 2) FROM pg_db_role_setting s, unnest(s.setconfig) c
               WHERE s.setrole = r.oid AND s.setdatabase = 0 AND c LIKE 'role=%'),
  'sessions', (SELECT count(*) FROM pg_stat_activity p WHERE p.usesysid = r.oid AND p.application_name <> 'mycoops-probe'),
  'clients', (SELECT string_agg(DISTINCT coalesce(host(client_addr), 'socket'), ' ') FROM pg_stat_activity p
              WHERE p.usesysid = r.oid))
FROM pg_roles r JOIN pg_authid a ON a.oid = r.oid WHERE r.rolname = {name};"""
Request = typing.Mapping[str, typing.Any]
Role = typing.Dict[str, typing.Any]


def primary(request: Request) -> str:
    """Return the server's version. Raises Refusal `standby` where roles cannot be changed."""
    state = answer(request, PRIMARY)
    if state["standby"]:
        raise Refusal("standby", "this server is a standby: roles are changed on the primary")
    return str(state["version"])


def role(request: Request, name: str) -> Role:
    """What the catalog says of a role. Raises Refusal `unknown_role`."""
    found = answer(request, ROLE.format(name=literal(name)))
    if not found:
        raise Refusal("unknown_role", f"the server has no role {name}", principal=name)
    return dict(found)


def verifier(text: str) -> str:
    """A SCRAM-SHA-256 verifier, as it is. Raises Refusal `no_verifier` for anything else, above all a password."""
    if not VERIFIER.match(text):
        raise Refusal("no_verifier", "this host takes a SCRAM-SHA-256 verifier, never a password")
    return text


def literal(text: str) -> str:
    """A text for SQL. Raises Refusal `bad_name`."""
    return "'" + _clean(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name for SQL. Raises Refusal `bad_name`."""
    return '"' + _clean(name).replace('"', '""') + '"'


def _clean(text: str) -> str:
    if not text.isprintable() or "\\" in text:
        raise Refusal("bad_name", "a role name holds a control character or a backslash")
    return text


def answer(request: Request, query: str) -> typing.Any:
    """The JSON a query returns; None where it returns no row."""
    found = psql(request, query).strip()
    return json.loads(found) if found else None


def command(request: Request) -> typing.List[str]:
    """The program that runs SQL from its standard input as the server's own account; of an error it says the SQLSTATE alone."""
    options = request["options"]
    words = ["psql", "-X", "-q", "-A", "-t", "-w"]
    for setting in ("ON_ERROR_STOP=1", "VERBOSITY=sqlstate", "SHOW_CONTEXT=never"):
        words += ["-v", setting]
    words += ["-p", str(options.get("port", 5432)), "-d", str(options["database"])]
    words += ["-h", str(options["socket"])] if options.get("socket") else []
    return ["runuser", "-u", str(options.get("os_user", "postgres")), "--", *words] if os.geteuid() == 0 else words


def psql(request: Request, script: str) -> str:
    """Run SQL and return what it prints. Raises Refusal `authority_unreachable` or `statement_failed`, never with the statement."""
    environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}
    done = subprocess.run(command(request), input=script, capture_output=True, text=True, timeout=60, cwd="/", env=environment)
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 2 or "connection to server" in done.stderr:
        raise Refusal("authority_unreachable", "psql does not reach the server's socket", rc=done.returncode)
    state = re.search(r"ERROR:\s+([0-9A-Z]{5})", done.stderr)
    raise Refusal(
        "statement_failed", "the server declined a statement", sqlstate=state.group(1) if state else "", rc=done.returncode
    )
