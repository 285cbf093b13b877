"""Search one host for values that it holds anyhow: where they must not be. The places are told, never what stands there."""

from __future__ import annotations

import os
import pathlib
import pwd
import time
import typing

import mycoops_journald as journald
from mycoops_haystack import Haystack
from mycoops_needles import Needles

PROC = "/proc"
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - they are what is searched
LOGS = "/var/log"
Reply = typing.Dict[str, typing.Any]


def run(request: typing.Mapping[str, typing.Any]) -> Reply:
    """Search with the request's `needles`; `seconds` is how long ago the run began, `excluded` are files that hold values."""
    began = time.monotonic()
    forms = {(str(one["credential"]), int(one["generation"])): _bytes(one["forms"]) for one in request["needles"]}
    excluded = ["/var/log/journal", *request.get("excluded", ())]
    haystack = Haystack(Needles(forms), excluded)
    since = time.time() - float(request["seconds"])
    root = str(request.get("root") or "").rstrip("/")
    for place in (*TEMPORARY, *_homes()):
        haystack.tree(root + place, since, show=place)
    haystack.tree(root + LOGS, since, show=LOGS, changed=True)
    _journal(haystack, since)
    _processes(haystack)
    found = [{"credential": name, "generation": number, "place": place} for (name, number), place in haystack.found]
    return {"found": found, "skipped": haystack.skipped, "seconds": round(time.monotonic() - began, 2)}


def _bytes(texts: typing.Iterable[str]) -> typing.List[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in texts]


def _homes() -> typing.List[str]:
    """Where Ansible leaves files: in the home of root, of the account this runs as, and of the one that logged in."""
    accounts = [pwd.getpwuid(0), pwd.getpwuid(os.geteuid())]
    login = os.environ.get("SUDO_USER", "")
    accounts += [one for one in pwd.getpwall() if one.pw_name == login]
    return list(dict.fromkeys(f"{one.pw_dir.rstrip('/')}/{name}" for one in accounts for name in (".ansible", ".ansible_async")))


def _journal(haystack: Haystack, since: float) -> None:
    data, missing = journald.export(since)
    if missing:
        haystack.skipped.append(missing)
    if haystack.needles.labels(data):
        for name, entry in journald.entries(data):
            haystack.data(f"journald: {name}", entry)


def _processes(haystack: Haystack) -> None:
    """What any account of the host can read of a process: its arguments, as they are now."""
    for path in pathlib.Path(PROC).glob("[0-9]*"):
        try:
            arguments, name = (path / "cmdline").read_bytes(), (path / "comm").read_text(errors="replace").strip()
        except OSError:
            continue
        haystack.data(f"the arguments of {name} (process {path.name})", arguments)
