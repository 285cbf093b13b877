"""Finds a fleet directory that is older than what was done with it: its journals, its vault and its catalogue belong together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mycoops import durable, journal, settings
from mycoops.catalogue import catalogue_path
from mycoops.errors import Finding, Invalid
from mycoops.ledger import Run, Standing
from mycoops.model import State
from mycoops.session import Fleet
from mycoops.vault import Store, vault_path

FIX = "Bring the fleet directory up to date from version control or the newest backup."
NAME = "journals.json"
HEAD_DIGITS = 16


def remember(fleet: Fleet) -> None:
    """Keep, beside the lease, how far the journals have come: an older copy of the fleet directory does not know."""
    key, known = settings.install_key(fleet.settings), remembered(fleet)
    for path in journal.paths(fleet.settings.journals):
        records, _ = journal.read(path, key)
        if records:
            known[path.name] = str(records[-1]["mac"])[:HEAD_DIGITS]
    durable.replace(fleet.settings.state / NAME, json.dumps(known, indent=1, sort_keys=True).encode())


def forget(fleet: Fleet) -> None:
    """The journals were removed on purpose."""
    durable.remove(fleet.settings.state / NAME)


def remembered(fleet: Fleet) -> dict[str, str]:
    """By the names of journals, the heads of their chains when this control node last wrote to them."""
    path = fleet.settings.state / NAME
    try:
        return {str(name): str(head) for name, head in json.loads(path.read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def findings(fleet: Fleet, store: Store) -> list[Finding]:
    """What is older here than the rest. Raises JournalError for a journal that cannot be trusted."""
    found, runs = list(journals(fleet)), fleet.runs()
    for path, run in runs.items():
        found += _declared(fleet, path, run)
    return found + list(_values(fleet, store, runs))


def refuse(fleet: Fleet, store: Store | None = None) -> None:
    """Raise Invalid where a record of the present would be written behind one of yesterday, and first of all JournalError.

    Without a store only the journals are looked at."""
    if store:
        found = findings(fleet, store)
    else:
        fleet.runs()
        found = list(journals(fleet))
    if found:
        raise Invalid(found)


def journals(fleet: Fleet) -> Iterator[Finding]:
    """The journals that this control node has written, or has written more of, than is here."""
    key = settings.install_key(fleet.settings)
    for name, head in remembered(fleet).items():
        path = fleet.settings.journals / name
        if not path.exists():
            yield Finding(str(path), "this control node has written this journal, and it is not here", FIX)
        elif not any(str(record["mac"]).startswith(head) for record in journal.read(path, key)[0]):
            yield Finding(str(path), "this control node has written more of this journal than is here", FIX)


def _declared(fleet: Fleet, path: Path, run: Run) -> Iterator[Finding]:
    """Whether the catalogue still has what an open rotation is about."""
    declared, where = fleet.catalogue, str(catalogue_path(fleet.settings.fleet))
    left = {name for name, standing in run.rotations.items() if standing.open}
    for entry in run.plan["rotations"]:
        name = entry["credential"]
        if name in left and (name not in declared.credentials or declared.credentials[name].kind != entry["kind"]):
            yield Finding(where, f"{name}, a {entry['kind']}, is not declared, and {path.name} has an open rotation of it", FIX)
    services = {service for move in run.plan["moves"] if left & {*move["credentials"]} for service in move["services"]}
    for service in sorted(services - {*declared.services}):
        yield Finding(where, f"{service} is not declared, and {path.name} has an open rotation that delivers to it", FIX)


def _values(fleet: Fleet, store: Store, runs: Mapping[Path, Run]) -> Iterator[Finding]:
    """Whether the store holds what the last rotation of each credential has come to."""
    last = {name: (path, standing) for path, run in runs.items() for name, standing in run.rotations.items()}
    for name, (path, standing) in last.items():
        meta = store.meta(name)
        wanted = _in_force(standing)
        if name not in fleet.catalogue.credentials or not wanted:
            continue
        if meta is None:
            problem = f"{name} has no value, and {path.name} says that generation {wanted} is in force"
            yield Finding(str(vault_path(fleet.settings.fleet)), problem, FIX)
        elif meta.generation < wanted:
            problem = f"{name} has generation {meta.generation}, and {path.name} says that {wanted} is in force"
            yield Finding(store.place(name), problem, FIX)
        elif _has_candidate(standing) and standing.to_generation not in {meta.generation, *store.pending(name)}:
            problem = f"generation {standing.to_generation} of {name} is not here, and {path.name} says that it is in use"
            yield Finding(str(vault_path(fleet.settings.fleet)), problem, FIX)


def _in_force(standing: Standing) -> int:
    """The generation that the vault has to hold at least."""
    promoted = standing.state is State.CLOSED or (standing.open and not standing.aborting and standing.reached(State.PROMOTED))
    return standing.to_generation if promoted else standing.from_generation


def _has_candidate(standing: Standing) -> bool:
    """Whether the candidate may be in force, or run: in one slot it is from the cut on, once the journal has named it."""
    cut = standing.reached(State.CUTOVER) and standing.to_generation in standing.fingerprints
    return standing.open and not standing.aborting and (cut or standing.reached(State.SWITCHING))
