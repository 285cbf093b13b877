"""SQL over a PostgreSQL server's own socket, as its own account; of an error only the SQLSTATE comes back, never the statement."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing

from mycoops_reply import Refusal


def text_of(text: str) -> str:
    """A text literal. Raises Refusal for a name that could end it."""
    return "'" + _clean(text).replace("'", "''") + "'"


def name_of(name: str) -> str:
    """A quoted identifier. Raises Refusal for a name that could end it."""
    return '"' + _clean(name).replace('"', '""') + '"'


def _clean(text: str) -> str:
    if not text.isprintable() or "\\" in text:
        raise Refusal("bad_name", "a role name holds a control character or a backslash")
    return text


def asked(request: dict, query: str) -> typing.Any:
    """The one JSON value a query gives; None where it gives no row."""
    answer = psql(request, query).strip()
    return json.loads(answer) if answer else None


def psql(request: dict, script: str) -> str:
    """Run SQL from stdin, as `os_user` where this process is root. Raises Refusal."""
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
