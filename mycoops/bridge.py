"""The controller's side of every mycoops action: bundle code, resolve references in memory, read one masked reply.

Nothing here touches Ansible; the action plugins hand over `send`, which runs a command with bytes on its standard input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mycoops.errors import MycoopsError
from mycoops.masking import Masker
from mycoops.secret import Secret
from mycoops.values import Values, resolve
from mycoops.vault import Store, vault_path

MARK = "MYCOOPS-REPLY "
BOOTSTRAP = (
    "import json,sys;b=json.load(sys.stdin);g={'__name__':'mycoops_loader'};"
    "exec(compile(b['modules']['mycoops_loader'],'mycoops_loader.py','exec'),g);g['main'](b)"
)
IMPORT = re.compile(r"^\s*(?:import|from)\s+(mycoops_\w+)", re.MULTILINE)

EFFECTS = frozenset({"mint", "refresh", "revoke", "stage", "cutover", "confirm", "restore"})
"""The entries of a kind that change something: a host does one at a time, and none of an older lease than it has seen."""
HOST_STATE = "/var/lib/mycoops"
"""Where a host keeps its lock and the latest lease it has seen."""

Send = Callable[[str, bytes], tuple[int, str]]
"""Runs a command on the host with bytes on its standard input; returns its status and standard output."""
Reply = dict[str, Any]

_opened: dict[tuple[str, float, float], Store] = {}


def open_store(fleet: Path, secrets: Sequence[tuple[str, Any]]) -> Store:
    """Open the store once per process and state of its files; Ansible's workers inherit what their parent has opened."""
    vault, pending = vault_path(fleet), fleet / "pending"
    stamps = [path.stat().st_mtime if path.exists() else 0.0 for path in (vault, pending)]
    key = (str(fleet), stamps[0], stamps[1])
    if key not in _opened:
        _opened[key] = Store.open(fleet, secrets)
    return _opened[key]


class Used:
    """Stands in for the store while a request is resolved, and remembers what it gave out."""

    def __init__(self, store: Callable[[], Values]) -> None:
        self._store = store
        self.values: list[str] = []

    def secret(self, credential: str, generation: int) -> Secret:
        """As Store.secret."""
        secret = self._store().secret(credential, generation)
        self.values.append(secret.reveal())
        return secret


def rendered(request: Any, resolved: Any) -> list[str]:
    """The texts that references turned into: they are masked as a whole too."""
    if isinstance(request, Mapping):
        if "$form" in request:
            return [str(resolved)]
        return [text for key in request for text in rendered(request[key], resolved[key])]
    if isinstance(request, list | tuple):
        return [text for one, other in zip(request, resolved, strict=True) for text in rendered(one, other)]
    return []


def numbered(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A delivery with the generations that its references name, where it does not say others: without them no host fences."""
    named: dict[str, int] = {}
    for file in request.get("files") or ():
        for entry in file.get("entries") or ():
            value = entry.get("value")
            if entry.get("credential") and isinstance(value, Mapping) and "$form" in value:
                numbers = [int(number) for number in (value.get("generation"), *(value.get("generations") or ())) if number]
                named[entry["credential"]] = max([*numbers, named.get(entry["credential"], 0)])
    return {**request, "generations": {**named, **(request.get("generations") or {})}} if named else request


def name_of(program: Path) -> str:
    """The module name a program gets on the host: one that no library there has."""
    return f"mycoops_program_{program.stem}"


@cache
def bundle(program: Path, modules: Path, *others: str) -> dict[str, str]:
    """Read a program and, through its imports, the shared modules it needs, and others; the loader is always one of them."""
    sources = {name_of(program): program.read_text(encoding="utf-8")}
    wanted = ["mycoops_loader", *others, *IMPORT.findall(sources[name_of(program)])]
    while wanted:
        name = wanted.pop()
        if name not in sources:
            sources[name] = (modules / f"{name}.py").read_text(encoding="utf-8")
            wanted += IMPORT.findall(sources[name])
    return sources


def python(interpreter: object) -> str:
    """The interpreter of the host: the inventory's if it is a plain absolute path, else the first on the PATH."""
    named = str(interpreter or "")
    return named if re.fullmatch(r"/[\w./-]+", named) else "python3"


def call(
    program: Path,
    modules: Path,
    request: Mapping[str, Any],
    store: Callable[[], Values],
    send: Send,
    interpreter: str,
    fence: Mapping[str, Any] | None = None,
    prepare: Callable[[Any], Any] = lambda resolved: resolved,
) -> Reply:
    """Run a host program with the request and return its reply, masked. Never raises for the host's faults.

    With a `fence` the host first makes sure that the order is of no older lease than it has seen. `prepare` makes of the
    resolved request what is sent."""

    def over_the_wire(resolved: Any) -> Reply:
        sources = bundle(program, modules, *(["mycoops_fence"] if fence else []))
        payload = {"modules": sources, "program": name_of(program), "request": prepare(resolved), "fence": fence}
        return read_reply(*send(f"{interpreter} -I -c {_quoted(BOOTSTRAP)}", json.dumps(payload).encode()))

    return here(numbered(request), store, over_the_wire)


def here(request: Mapping[str, Any], store: Callable[[], Values], perform: Callable[[Any], Reply]) -> Reply:
    """Resolve, hand the resolved request to `perform`, and mask what it returns."""
    used = Used(store)
    try:
        resolved = resolve(request, used)
    except (MycoopsError, KeyError, TypeError, ValueError) as error:
        return failure("unresolved", error.message if isinstance(error, MycoopsError) else "a reference is incomplete")
    masker = Masker([*used.values, *rendered(request, resolved)])
    return dict(masker.scrub(perform(resolved)))


def read_reply(status: int, text: str) -> Reply:
    """Find the one reply line; anything else the host printed is dropped unread."""
    lines = [line for line in text.splitlines() if line.startswith(MARK)]
    try:
        reply = json.loads(lines[-1][len(MARK) :]) if lines else None
    except ValueError:
        reply = None
    if isinstance(reply, dict):
        return reply
    hint = {126: "the interpreter may not be run", 127: "there is no such interpreter on the host"}.get(
        status, "nothing was understood"
    )
    return failure("no_reply", f"the host ended with status {status} and no reply: {hint}")


def failure(code: str, message: str) -> Reply:
    """A reply that says what went wrong on this side."""
    return {"error": {"code": code, "message": message}}


def result(reply: Reply, item: str, host: str, *, fail: bool) -> dict[str, Any]:
    """The task result around a reply: an item's error is for the engine to judge, a role's fails the task."""
    body: dict[str, Any] = {
        "changed": bool(reply.get("changed")),
        "failed": False,
        "mycoops": {**reply, "item": item, "host": host},
    }
    error = reply.get("error")
    if error and fail:
        body |= {"failed": True, "msg": f"{error.get('code')}: {error.get('message')}"}
    return body


def _quoted(text: str) -> str:
    return '"' + text + '"'


def fence_of(task_vars: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fence of the item under way: its lease's token and the host's state directory, where it changes something."""
    item = task_vars.get("mycoops_item")
    if not isinstance(item, Mapping) or item.get("entry") not in EFFECTS or not item.get("token"):
        return None
    return {"token": int(item["token"]), "state": HOST_STATE}


def inner(task_vars: Mapping[str, Any]) -> str:
    """The id of the item under way, or an empty string outside a kind."""
    item = task_vars.get("mycoops_item")
    return str(item.get("id", "")) if isinstance(item, Mapping) else ""
