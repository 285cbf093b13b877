"""The calls a rotation makes of a kind's entry points, as items made of references; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from mycoops.catalogue import Catalogue
from mycoops.kinds import Kind
from mycoops.model import Item
from mycoops.order import host_order
from mycoops.plan import Rotation
from mycoops.vault_file import Meta

Subject = Literal["random", "new", "old"]
SUBJECTS: tuple[Subject, ...] = ("random", "new", "old")
"""Control first."""


class Items:
    """Builds the items of a fleet's rotations. `swapped` exchanges new and old: an abort revokes the new one.

    `token` is the lease's: a host that has seen a later one changes nothing at an earlier one's word; 0 is no lease."""

    def __init__(self, catalogue: Catalogue, kinds: Mapping[str, Kind], run: str, *, swapped: bool = False, token: int = 0) -> None:
        self._catalogue = catalogue
        self._kinds = kinds
        self._run = run
        self._swapped = swapped
        self._token = token
        self._admins: dict[str, tuple[int, str]] = {}

    def admins(self, meta_of: Callable[[str], Meta | None]) -> Items:
        """Say which generation of every authority's admin credential is in force, by what the store says of each."""
        for declared in self._catalogue.credentials.values():
            if declared.authority.admin and (meta := meta_of(declared.authority.admin)):
                self._admins[meta.credential] = (meta.generation, meta.slot)
        return self

    def entry(self, rotation: Rotation, entry: str, hosts: Iterable[str] | None = None) -> list[Item]:
        """One call of an entry point on each host (default: the authority's)."""
        where = list(hosts) if hosts is not None else self.authority_hosts(rotation)
        return [self._item(rotation, entry, host, "new") for host in where]

    def probes(self, rotation: Rotation, subjects: Iterable[Subject] = SUBJECTS) -> list[Item]:
        """Fresh logins with each subject, from each host the kind probes from."""
        return [self._item(rotation, "probe", host, subject) for host in self.probe_hosts(rotation) for subject in subjects]

    def authority_hosts(self, rotation: Rotation) -> list[str]:
        """Where the authority's entry points run."""
        declared = self._catalogue.credentials[rotation.credential].authority
        hosts = declared.all_hosts or tuple(self._catalogue.services[name].host for name in declared.services)
        return host_order(self._catalogue, hosts)

    def probe_hosts(self, rotation: Rotation) -> list[str]:
        """Where probes run: the consumers' hosts, else the authority's."""
        consumers = self._catalogue.credentials[rotation.credential].services
        if self._kinds[rotation.kind].probe_from == "consumers" and consumers:
            return host_order(self._catalogue, (self._catalogue.services[consumer.service].host for consumer in consumers))
        return self.authority_hosts(rotation)

    def _item(self, rotation: Rotation, entry: str, host: str, subject: Subject) -> Item:
        new = (rotation.to_generation, rotation.to_principal)
        old = (rotation.from_generation, rotation.from_principal)
        new, old = (old, new) if self._swapped else (new, old)
        declared = self._catalogue.credentials[rotation.credential]
        shape = self._kinds[rotation.kind].generates
        probed = old if subject == "old" else new
        value: dict[str, Any] = {"$form": "<value>", "credential": rotation.credential, "generation": probed[0], "shape": shape}
        if subject == "random":
            value["random"] = True
        body = {
            "token": self._token,
            "generation": new[0],
            "previous": old[0],
            "subject": subject,
            "principal": probed[1],
            "previous_principal": old[1],
            "slot": rotation.from_slot if self._swapped else rotation.to_slot,
            "cadence_days": declared.cadence_days,
            "options": {"host": declared.authority.host, **declared.authority.options},
            "tag": f"mycoops/{rotation.credential}/g{rotation.to_generation}/{self._run}",
            "value": value,
            "previous_value": {"$form": "<value>", "credential": rotation.credential, "generation": old[0], "shape": shape},
            **self._admin(rotation, entry),
        }
        return Item(f"{entry}/{rotation.credential}/{host}/{subject}", entry, host, rotation.credential, rotation.kind, body)

    def _admin(self, rotation: Rotation, entry: str) -> dict[str, Any]:
        name = self._catalogue.credentials[rotation.credential].authority.admin
        if not name:
            return {}
        generation, slot = self._admins[name]
        if name == rotation.credential and entry in ("revoke", "persist"):
            generation = rotation.from_generation if self._swapped else rotation.to_generation
        if name == rotation.credential and entry == "mint":
            generation = rotation.from_generation
        declared = self._catalogue.credentials[name]
        principal = self._kinds[declared.kind].principal(declared.principal, slot)
        return {
            "admin_value": {"$form": "<value>", "credential": name, "generation": generation},
            "admin_principal": principal,
        }
