"""Has the first values of what the lab's providers make come to be at their consoles, and keeps them in the vault."""

from __future__ import annotations

from mycoops import lab_consoles, lab_fleet, lab_person
from mycoops.commands import replacing
from mycoops.errors import ConfigurationError
from mycoops.lab_consoles import Consoles
from mycoops.lab_person import Case
from mycoops.secret import Secret
from mycoops.session import Fleet
from mycoops.vault import Store

REASON = "the lab's providers are new and know no value"


def cases(fleet: Fleet) -> dict[str, Case]:
    """The credentials of a lab whose values its providers make."""
    consoles = lab_consoles.of(lab_fleet.load(fleet.settings.fleet))
    return lab_person.cases(consoles, fleet.catalogue.credentials) if consoles else {}


def seed(fleet: Fleet, store: Store) -> list[str]:
    """Make what the vault lacks, and what a provider has forgotten, because it was started anew; returns the credentials.

    Raises ConfigurationError where a rotation is open of what was forgotten."""
    consoles = lab_consoles.of(lab_fleet.load(fleet.settings.fleet))
    if consoles is None:
        return []
    found = lab_person.cases(consoles, fleet.catalogue.credentials)
    new = {provider for provider in {case.provider for case in found.values()} if not consoles.listed(provider)}
    due = [case for case in found.values() if case.provider in new or store.meta(case.name) is None]
    _refuse_open(fleet, [case.name for case in due])
    for case in due:
        _keep(fleet, store, consoles, case)
    return [case.name for case in due]


def _keep(fleet: Fleet, store: Store, consoles: Consoles, case: Case) -> None:
    value: Secret = lab_person.first(consoles, case)
    slot = fleet.kinds[case.declared.kind].next_slot("")
    if store.meta(case.name) is None:
        store.add(case.name, slot, value)
    else:
        replacing.put(fleet, case.name, value, slot=slot, reason=REASON)


def _refuse_open(fleet: Fleet, names: list[str]) -> None:
    busy = [name for run in fleet.runs().values() for name in names if name in run.rotations and run.rotations[name].open]
    if busy:
        raise ConfigurationError(
            f"a rotation of {', '.join(busy)} is open, but the lab's providers are new",
            hint="Start over: `mycoops lab down --forget`.",
        )
