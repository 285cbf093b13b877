"""What the entries of the kinds do in a scripted world."""

from __future__ import annotations

from typing import Any

from mycoops.drill.authorities import Authority, Grant, Logins, Refused, Single, Tokens
from mycoops.drill.faults import require
from mycoops.drill.truth import Truth
from mycoops.model import Item
from mycoops.secret import Secret
from mycoops.values import resolve
from mycoops.vault import Store


class Values:
    """The references of an item, resolved one by one, as the roles' tasks choose them."""

    def __init__(self, body: dict[str, Any], store: Store) -> None:
        self._body, self._store = body, store

    def text(self, name: str) -> str:
        """One reference as text."""
        return str(resolve(self._body[name], self._store))


class Entries(Truth):
    """Each entry as a role carries it out."""

    def _preflight(self, item: Item, values: Values) -> None:
        if any(one.trust for one in self._of(item)):
            raise Refused("cannot_verify", "any value is accepted")

    def _mint(self, item: Item, values: Values) -> None:
        tag = f"mycoops/{item.credential}/g{item.body['generation']}/"
        intents = [r.get("tag", "") for r in self.journal() if r.get("credential") == item.credential]
        require(any(intent.startswith(tag) for intent in intents), f"a mint of {tag} without its intent in the journal")
        (authority,) = self._of(item)
        if self.kinds[item.kind].overlap == "O2":
            self._provider(item, authority)
            return
        self._admin(item, values)
        value = values.text("value")
        if isinstance(authority, Logins):
            used = [who for who, held in self.holders(item.credential) if held[0] == item.body["principal"] and held[1] != value]
            require(not used, f"5: the slot {item.body['principal']} is in use by {used}")
        authority.mint(item.body, value)  # type: ignore[attr-defined]

    def _provider(self, item: Item, authority: Authority) -> None:
        assert isinstance(authority, Tokens)
        store, number = self.open_store(), item.body["generation"]
        if number in store.pending(item.credential):
            return
        authority.reject()
        authority.forget(item.body["tag"])
        self._take(item, authority.make(item.body["tag"]), "the provider made a value")

    def _probe(self, item: Item, values: Values) -> dict[str, Any]:
        value = values.text("value")
        found = {authority.ask(item.body["principal"], value, self.time) for authority in self._of(item)}
        if self.kinds[item.kind].accepts_by == "delivery":
            held = self._listed(item.credential, item.body["principal"], value)
            found = {"accepted" if held else "refused"}  # type: ignore[arg-type]
        return {"outcome": str(found.pop()), "evidence": {"path": "scripted"}}

    def _parity(self, item: Item, values: Values) -> dict[str, Any]:
        self._admin(item, values)
        return {"equal": True}

    def _drain(self, item: Item, values: Values) -> dict[str, Any]:
        old = values.text("previous_value")
        count = sum(1 for who, held in self.holders(item.credential, disk=False) if held[1] == old)
        return {"in_use": count + self.uses.get(item.credential, 0)}

    def _revoke(self, item: Item, values: Values) -> None:
        self._admin(item, values)
        (authority,) = self._of(item)
        back = item.body["generation"] < item.body["previous"]
        self._revocable(item.credential, back=back)
        if self.kinds[item.kind].overlap == "O2" and back:
            assert isinstance(authority, Tokens)
            authority.forget(item.body["tag"])
            return
        authority.revoke(item.body, values.text("previous_value"))  # type: ignore[attr-defined]

    def _persist(self, item: Item, values: Values) -> dict[str, Any]:
        self._admin(item, values)
        return {"persisted": True, "evidence": {"path": "scripted"}}

    def _stage(self, item: Item, values: Values) -> None:
        for authority in self._of(item):
            assert isinstance(authority, Single)
            authority.stage()

    def _cutover(self, item: Item, values: Values) -> None:
        self._cuttable(item.credential, values.text("value") if self.catalogue.credentials[item.credential].ahead else "")
        for authority in self._of(item):
            assert isinstance(authority, Single)
            if self.kinds[item.kind].overlap.provider_mints:
                self._rolled(item, authority)
            else:
                authority.cutover(values.text("value"))

    def _rolled(self, item: Item, authority: Single) -> None:
        store, number = self.open_store(), item.body["generation"]
        if number in store.pending(item.credential):
            return
        authority.reject()
        self._take(item, authority.roll(item.body["tag"]), "the provider replaced a value")

    def _refresh(self, item: Item, values: Values) -> None:
        (authority,) = self._of(item)
        require(isinstance(authority, Grant), f"{item.credential}: refreshed, and its authority knows no such thing")
        states = [r.get("state") for r in self.journal() if r.get("credential") == item.credential]
        require("REFRESH" in states, f"{item.credential}: a value was used without its intent in the journal")
        require(self._agreed(item.credential), f"{item.credential}: a value was used up without an approval")
        authority.reject()
        value = authority.refresh(values.text("previous_value"))  # type: ignore[attr-defined]
        if item.body["generation"] not in self.open_store().pending(item.credential):
            self._take(item, value, "the provider gave the next value")

    def _take(self, item: Item, value: str, what: str) -> None:
        """Keep what a provider returned: the first statement after its answer."""
        self.known.add(value)
        self._look(what)
        self.open_store().put_pending(item.credential, item.body["generation"], "", Secret(value))

    def _confirm(self, item: Item, values: Values) -> None:
        back = item.body["generation"] < item.body["previous"]
        for authority in self._of(item):
            assert isinstance(authority, Single)
            (authority.restore if back else authority.confirm)(values.text("value"))

    def _sightings(self, item: Item, values: Values) -> dict[str, Any]:
        """What the script says of the retired principal, as far as it is not older than what counts."""
        told = self.sighted.get(item.body["previous_principal"], [])
        return {"sightings": [one for one in told if one["last"] > item.body["since"]]}

    def _admin(self, item: Item, values: Values) -> None:
        name = self.catalogue.credentials[item.credential].authority.admin
        if name and not self.accepts(name, item.body["admin_principal"], values.text("admin_value")):
            raise Refused("admin_refused", "the admin's login is refused")

    def _of(self, item: Item) -> list[Authority]:
        here = self.authorities[item.credential]
        return [here[item.host]] if item.host in here else list(here.values())
