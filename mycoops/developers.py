"""What developers are asked to hold, and what they say they hold: small sealed files in the fleet directory, one writer each.

The control node writes `developers/NAME.asked`, the developer's machine `developers/NAME.holds`; version control carries them
there and back. Both are sealed with the vault password: whoever can make one could read the values anyway. They hold numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mycoops import account, durable
from mycoops.consumer import Consumer
from mycoops.model import Reached
from mycoops.vault import Store

DIRECTORY = "developers"
Held = dict[str, dict[str, Any]]
"""By consumer and credential, as `developer:ann/db`: the generation, when it was written, and on which machine."""


def _path(fleet: Path, developer: str, what: str) -> Path:
    return fleet / DIRECTORY / f"{developer}.{what}"


def _key(consumer: Consumer, credential: str) -> str:
    return f"{consumer.name}/{credential}"


def _note(fleet: Path, store: Store, developer: str, what: str) -> Held:
    """One of the two files; empty where there is none, or where it was sealed under another password."""
    path = _path(fleet, developer, what)
    note = store.unsealed(path.read_bytes()) if path.exists() else None
    return note if note and note.pop("about", "") == f"{developer}.{what}" else {}


def _keep(fleet: Path, store: Store, developer: str, what: str, note: Held) -> None:
    about = {"about": f"{developer}.{what}"}
    durable.replace(_path(fleet, developer, what), store.sealed({**note, **about}), 0o644)


def ask(fleet: Path, store: Store, consumer: Consumer, credential: str, generation: int) -> Reached:
    """Ask a developer to hold this generation; done once that machine has said so. Asking again changes nothing."""
    name, key = consumer.developer, _key(consumer, credential)
    asked = _note(fleet, store, name, "asked")
    if asked.get(key, {}).get("generation") != generation:
        _keep(fleet, store, name, "asked", {**asked, key: {"generation": generation}})
    held = _note(fleet, store, name, "holds").get(key, {})
    if held.get("generation") != generation:
        return Reached(person=True)
    evidence = {"by": str(held.get("by", "")), "written": str(held.get("time", ""))}
    return Reached(mark=str(generation), evidence=evidence)


def wanted(fleet: Path, store: Store, consumer: Consumer, credential: str) -> int:
    """The generation a developer has to hold: what was asked for while it is kept, else the current one; 0 where there is none."""
    meta = store.meta(credential)
    current = meta.generation if meta else 0
    asked = _note(fleet, store, consumer.developer, "asked").get(_key(consumer, credential), {}).get("generation", 0)
    return int(asked) if asked in (current, *store.pending(credential)) else current


def holds(fleet: Path, store: Store, developer: str, written: dict[tuple[str, str], int]) -> Path:
    """Say what was written on this machine, by consumer's name and credential. Raises NotWritten."""
    now, by = datetime.now(UTC).isoformat(timespec="seconds"), account.here()
    held = _note(fleet, store, developer, "holds")
    for (consumer, credential), generation in written.items():
        key = f"{consumer}/{credential}"
        if held.get(key, {}).get("generation") != generation:
            held[key] = {"generation": generation, "time": now, "by": by}
    _keep(fleet, store, developer, "holds", held)
    return _path(fleet, developer, "holds")
