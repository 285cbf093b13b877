"""Reaches consumers outside the hosts with real values: GitHub's API, and what developers are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mycoops import developers
from mycoops.catalogue import Catalogue
from mycoops.consumer import Consumer
from mycoops.errors import MycoopsError
from mycoops.github_secrets import Actions
from mycoops.kinds import Kind
from mycoops.model import Reached
from mycoops.secret import Secret
from mycoops.values import render
from mycoops.vault import Store


@dataclass(frozen=True, slots=True)
class Places:
    """A fleet's places outside its hosts; called, it brings one generation to one of them, or looks at what is there."""

    fleet: Path
    catalogue: Catalogue
    kinds: Mapping[str, Kind]
    store: Store

    def __call__(self, credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
        """Say what came of it; a failure of the place, or of the store, is an answer and no exception."""
        try:
            if consumer.developer:
                return developers.ask(self.fleet, self.store, consumer, credential, generation)
            return self._github(credential, consumer, generation, look=look)
        except MycoopsError as error:
            return Reached(error.message)

    def _github(self, credential: str, consumer: Consumer, generation: int, *, look: bool) -> Reached:
        place = consumer.github
        if place is None:
            return Reached(f"{consumer.name}: a person has to put the value there")
        meta = self.store.meta(place.token)
        if meta is None:
            return Reached(f"{consumer.name}: its token {place.token} has no value")
        actions = Actions(place, self.store.secret(place.token, meta.generation))
        declared = {one.name for one in self.catalogue.credentials[credential].outside}
        if look:
            return actions.look(declared)
        return actions.write(self.text(credential, generation, place.form), declared)

    def text(self, credential: str, generation: int, form: str) -> Secret:
        """The value in the form in which a place holds it. Raises VaultError for a generation that is not kept."""
        declared = self.catalogue.credentials[credential]
        principal = self.kinds[declared.kind].principal(declared.principal, self.store.slot(credential, generation))
        reference = {"$form": form, "credential": credential, "generation": generation, "principal": principal}
        return Secret(render(reference, self.store))
