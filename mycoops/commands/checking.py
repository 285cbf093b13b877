"""`mycoops check`: everything that is wrong with a fleet directory, before anything else runs."""

from __future__ import annotations

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from mycoops import settings
from mycoops.check import Finding, Subject, declarations, values
from mycoops.errors import ConfigurationError
from mycoops.session import Fleet, inventory_path
from mycoops.vault import vault_path


def hosts_of(fleet: Fleet) -> frozenset[str]:
    """The hosts of the inventory."""
    inventory = InventoryManager(loader=DataLoader(), sources=[str(inventory_path(fleet.settings.fleet))])
    return frozenset(host.name for host in inventory.get_hosts())


def check(fleet: Fleet) -> list[Finding]:
    """Every finding. Without a vault file only the declarations are checked."""
    subject = Subject(fleet.catalogue, fleet.source, fleet.kinds, hosts_of(fleet))
    found = declarations(subject)
    if not found and vault_path(fleet.settings.fleet).exists():
        found = values(subject, fleet.store(), settings.install_key(fleet.settings))
    return found


def refuse(fleet: Fleet) -> None:
    """Raise ConfigurationError with every finding, if there is one."""
    found = check(fleet)
    if found:
        text = "\n".join(f"{finding.place}: {finding.problem}. {finding.fix}" for finding in found)
        raise ConfigurationError(text, hint="Nothing was changed. `mycoops check` shows this again.")
