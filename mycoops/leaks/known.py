"""Every value a session has seen, by credential and generation: also those that the store has forgotten since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mycoops import hostcode
from mycoops.leaks.needles import texts
from mycoops.masking import Masker
from mycoops.secret import Secret
from mycoops.vault import Store

Label = tuple[str, int]
"""A credential and a generation of it."""


class Known:
    """The values of a store over the length of a session; tells which of them is in some bytes, never what it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._values: dict[Label, Secret] = {}
        self._forms: dict[Label, list[bytes]] = {}
        self._needles: Any = None

    def kept(self) -> list[Label]:
        """What the store keeps now; nothing that was kept in between is forgotten here."""
        found = {(credential, generation): secret for credential, generation, secret in self._store.secrets()}
        self._values |= found
        return list(found)

    def __len__(self) -> int:
        return len(self._values)

    def masker(self) -> Masker:
        """A mask for all of them."""
        self.kept()
        return Masker(secret.reveal() for secret in self._values.values())

    def needles(self) -> Any:
        """What searches for all of them."""
        self.kept()
        new = {label: secret for label, secret in self._values.items() if label not in self._forms}
        if new or self._needles is None:
            self._forms |= {label: _encoded(secret) for label, secret in new.items()}
            self._needles = _needles(self._forms)
        return self._needles

    def found(self, data: bytes) -> list[Label]:
        """Whose value is in the data, in any form."""
        return list(self.needles().labels(data))


def _encoded(secret: Secret) -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in texts(secret.reveal())]


def _needles(forms: Mapping[Label, list[bytes]]) -> Any:
    return hostcode.load("mycoops_needles").Needles(forms)
