"""`mycoops check`: everything that is wrong with a fleet directory, before anything else runs."""

from __future__ import annotations

from pathlib import Path

from mycoops import inventory, settings, stale, vault_switch
from mycoops.check import Subject, declarations
from mycoops.check_cadence import conflicts
from mycoops.check_files import files
from mycoops.check_places import places
from mycoops.check_values import values
from mycoops.errors import ConfigurationError, Finding, Invalid
from mycoops.families import families
from mycoops.session import Fleet, open_fleet
from mycoops.vault import vault_path


def hosts_of(fleet: Fleet) -> frozenset[str]:
    """The hosts of the inventory."""
    return inventory.hosts(fleet.settings.fleet)


def _subject(fleet: Fleet) -> Subject:
    return Subject(fleet.catalogue, fleet.source, fleet.kinds, hosts_of(fleet))


def check(fleet: Fleet) -> list[Finding]:
    """Every finding. Without a vault file only the declarations are checked, and that no journal tells of a value."""
    subject = _subject(fleet)
    found = declarations(subject) + files(subject) + places(subject) + vault_switch.findings(fleet.settings.fleet)
    if found:
        return found
    if not vault_path(fleet.settings.fleet).exists():
        return stale.findings(fleet, fleet.facts())
    store = fleet.store()
    split = families(fleet.runs().values())
    return values(subject, store, settings.install_key(fleet.settings), split) + stale.findings(fleet, store)


def warnings(fleet: Fleet) -> list[Finding]:
    """What contradicts itself in the declarations and stops nothing."""
    return conflicts(_subject(fleet))


def examine(directory: Path | None) -> tuple[list[Finding], Fleet | None]:
    """Every finding, also of declarations that cannot be opened as a fleet: then there is no fleet."""
    try:
        fleet = open_fleet(directory)
        return check(fleet), fleet
    except Invalid as error:
        return error.findings, None


def refuse(fleet: Fleet) -> None:
    """Raise Invalid with every finding, if there is one; ConfigurationError where there is nothing to deliver or rotate yet."""
    if found := check(fleet):
        raise Invalid(found)
    if not vault_path(fleet.settings.fleet).exists():
        first = next(map(fleet.bring, fleet.catalogue.credentials), "mycoops provide CREDENTIAL")
        raise ConfigurationError("no credential has a value yet", hint=f"Bring the values, one by one: `{first}`.")


def refuse_declarations(fleet: Fleet) -> None:
    """Raise Invalid with every finding that can be made without the vault, if there is one."""
    subject = _subject(fleet)
    if found := declarations(subject) + files(subject) + places(subject):
        raise Invalid(found)
