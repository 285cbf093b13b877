"""The login names that nobody should use any more: of each, whose old generation it is, and since when; by the journals alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.kinds import Kind
from mycoops.ledger import Run, Standing
from mycoops.model import State


@dataclass(frozen=True, slots=True)
class Retired:
    """A principal whose value was seen refused; `since` is when it was last tried by mycoops itself."""

    credential: str
    generation: int
    principal: str
    fingerprint: str
    since: str


def retired(catalogue: Catalogue, kinds: Mapping[str, Kind], runs: Iterable[Run], principals: Mapping[str, str]) -> list[Retired]:
    """One for each credential whose kind can tell of refused logins and gives each generation a name of its own.

    `principals` are those in force. A name that an open rotation has taken up again is not retired: a wrong password of it says
    nothing about the old one. Runs come oldest first."""
    found: dict[str, Retired] = {}
    for run in runs:
        for entry in run.plan["rotations"]:
            name, apart = entry["credential"], entry.get("from_principal") != entry.get("to_principal")
            if apart and name in catalogue.credentials and _tells(catalogue, kinds, name):
                _fold(found, entry, run.rotations[name])
    return [one for name, one in found.items() if one.principal != principals.get(name)]


def _tells(catalogue: Catalogue, kinds: Mapping[str, Kind], name: str) -> bool:
    kind = kinds.get(catalogue.credentials[name].kind)
    return bool(kind and "sightings" in kind.capabilities)


def _fold(found: dict[str, Retired], entry: Mapping[str, Any], standing: Standing) -> None:
    name, taken_up = entry["credential"], standing.reached(State.MINTING)
    if name in found and found[name].principal == entry["to_principal"] and taken_up:
        del found[name]
    if standing.open:
        return
    if standing.state is State.CLOSED:
        generation, principal, since = standing.from_generation, entry["from_principal"], standing.proven or standing.ended
    elif taken_up:
        generation, principal, since = standing.to_generation, entry["to_principal"], standing.ended
    else:
        return
    found[name] = Retired(name, generation, principal, standing.fingerprints.get(generation, ""), since)
