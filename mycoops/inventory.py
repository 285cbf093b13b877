"""The hosts of a fleet directory, as Ansible reads them; what Ansible would skip with a warning is an error with its line here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

from mycoops import source as source_file
from mycoops.errors import ConfigurationError, Finding, Invalid
from mycoops.source import Source

FILES = ("hosts.yml", "hosts.yaml", "hosts.ini", "hosts")
SECTIONS = ("hosts", "children", "vars")


def path(fleet: Path) -> Path:
    """The inventory of a fleet directory. Raises ConfigurationError where there is none."""
    for name in FILES:
        if (fleet / name).is_file():
            return fleet / name
    raise ConfigurationError(f"{fleet}/{FILES[0]} does not exist", hint="List the hosts of the fleet there.")


def hosts(fleet: Path) -> frozenset[str]:
    """The names of all hosts. Raises Invalid, naming file and line, for a file that Ansible reads in part or not at all."""
    place = path(fleet)
    if place.suffix in (".yml", ".yaml"):
        data, source = source_file.read(place, tags=True)
        if found := list(_groups(data, source)):
            raise Invalid(found)
    inventory = InventoryManager(loader=DataLoader(), sources=[str(place)], parse=False)
    try:
        with redirect_stderr(io.StringIO()):
            read = inventory.parse_source(str(place))
    except AnsibleError:
        read = False
    if not read:
        fix = f"`ansible-inventory -i {place} --list` says why."
        raise Invalid([Finding(f"{place}:1", "Ansible cannot read this inventory", fix)])
    inventory.reconcile_inventory()
    return frozenset(host.name for host in inventory.get_hosts())


def addresses(fleet: Path) -> dict[str, str]:
    """Where ssh finds each host: its `ansible_host`, else its name. One that is a template is left out."""
    inventory = InventoryManager(loader=DataLoader(), sources=[str(path(fleet))])
    variables = VariableManager(loader=DataLoader(), inventory=inventory)
    found = {
        host.name: str(variables.get_vars(host=host, include_hostvars=False).get("ansible_host", host.name))
        for host in inventory.get_hosts()
    }
    return {name: address if "{" not in address else name for name, address in found.items()}


def _groups(data: Any, source: Source) -> Iterator[Finding]:
    if not isinstance(data, dict):
        yield Finding(source.at(), "an inventory is a mapping of groups", "Begin with all: and, below it, hosts:.")
    elif "plugin" not in data:
        for name, group in data.items():
            yield from _group(group, source, (str(name),))


def _group(group: Any, source: Source, place: tuple[str, ...]) -> Iterator[Finding]:
    named = ".".join(place)
    if group is None:
        return
    if not isinstance(group, dict):
        yield Finding(source.at(*place), f"the group {named} is not a mapping", "Below a group: hosts, children, vars.")
        return
    for section, entries in group.items():
        where = source.at(*place, str(section))
        if section not in SECTIONS:
            yield Finding(where, f"{named} has the unknown key {section}", f"One of: {', '.join(SECTIONS)}.")
        elif entries is not None and not isinstance(entries, dict):
            yield Finding(where, f"{named}.{section} is not a mapping", "Write NAME: lines, without dashes.")
        else:
            yield from _entries(str(section), entries or {}, source, (*place, str(section)))


def _entries(section: str, entries: dict[Any, Any], source: Source, place: tuple[str, ...]) -> Iterator[Finding]:
    for name, entry in entries.items():
        here = (*place, str(name))
        if section == "children":
            yield from _group(entry, source, here)
        elif section == "hosts" and not (entry is None or isinstance(entry, dict)):
            yield Finding(source.at(*here), f"the host {name} is not a mapping", "Below a host: its variables, or nothing.")
