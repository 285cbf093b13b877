"""The values of a fleet, read before and after a command: the one thing the tests ask mycoops' own code for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from mycoops.vault import Store, password_secrets


@dataclass(frozen=True)
class Value:
    """One generation of a credential."""

    credential: str
    generation: int
    principal: str
    text: str

    def __repr__(self) -> str:
        return f"<{self.credential} g{self.generation}>"


class Values:
    """Reads the vault afresh each time, and never forgets what it has seen."""

    def __init__(self, fleet: Path, password: Path) -> None:
        self._fleet, self._password = fleet, password
        self.seen: dict[tuple[str, int], Value] = {}

    @property
    def password(self) -> str:
        """The vault's own password: what `mycoops vault rekey` has decided on counts before it is in its place."""
        following = self._password.with_name(f".{self._password.name}.next")
        decided = (self._fleet / ".rekey.json").exists() and following.exists()
        return (following if decided else self._password).read_text().strip()

    def _store(self) -> Store:
        return Store.open(self._fleet, password_secrets(self.password))

    def _value(self, store: Store, credential: str, generation: int) -> Value:
        catalogue = yaml.safe_load((self._fleet / "group_vars/all/catalogue.yml").read_text())
        principal = str(catalogue["mycoops_credentials"].get(credential, {}).get("principal", ""))
        slot = store.slot(credential, generation)
        name = f"{principal}_{slot}" if slot else principal
        return Value(credential, generation, name, store.secret(credential, generation).reveal())

    def current(self) -> dict[str, Value]:
        """What the vault holds."""
        store = self._store()
        return {meta.credential: self._value(store, meta.credential, meta.generation) for meta in store.metas()}

    def candidate(self, credential: str) -> Value:
        """The newest value that is not the vault's yet."""
        store = self._store()
        return self._value(store, credential, max(store.pending(credential)))

    def candidates(self, credential: str) -> list[int]:
        """The generations that lie in pending files."""
        return self._store().pending(credential)

    def remember(self) -> None:
        """Take note of every value there is."""
        if not self._password.exists():
            return
        store = self._store()
        known = [(meta.credential, meta.generation) for meta in store.metas()]
        for credential, generation in known + [(meta[0], number) for meta in known for number in store.pending(meta[0])]:
            if (credential, generation) not in self.seen:
                self.seen[credential, generation] = self._value(store, credential, generation)
