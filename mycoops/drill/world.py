"""A scripted world behind the engine: authorities, hosts and faults; after every effect it asserts the protocol's invariants."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mycoops.bridge import EFFECTS
from mycoops.consumer import Consumer
from mycoops.drill.authorities import Grant, Refused, Single, Tokens
from mycoops.drill.entries import Entries, Values
from mycoops.drill.faults import require
from mycoops.drill.hosts import Delivery
from mycoops.errors import MycoopsError
from mycoops.model import Item, Reached, Reply
from mycoops.runner import Outcome
from mycoops.secret import Secret
from mycoops.values import resolve
from mycoops.vault import Store

LASTING = (
    "authorities",
    "machines",
    "rotator",
    "faults",
    "uses",
    "staged",
    "stale",
    "known",
    "hand",
    "agreed",
    "allergic",
    "ill",
    "dead",
    "resting",
    "looks",
    "left",
    "unsearched",
    "unwritable",
    "time",
    "places",
    "writes",
    "asked",
    "fetched",
)


class World(Entries):
    """Implements the engine's Performer."""

    def state(self) -> dict[str, Any]:
        """A copy of what outlives the controller."""
        return {name: copy.deepcopy(getattr(self, name)) for name in LASTING}

    def set(self, state: dict[str, Any]) -> None:
        """Be as a copy says."""
        for name, value in state.items():
            setattr(self, name, copy.deepcopy(value))

    # what the engine asks for

    def carry_out(
        self,
        items: Sequence[Item] = (),
        deliveries: Mapping[str, dict[str, Any]] | None = None,
        *,
        check: bool = False,
        scan: bool = False,
    ) -> Outcome:
        """Items first, then deliveries; one store for all, opened from disk as the action plugins do."""
        items, deliveries = list(items), dict(deliveries or {})
        if not items and not deliveries:
            return Outcome()
        self._silent([item.data() for item in items], deliveries)
        self.note("start")
        self.time += 1
        outcome, store = Outcome(leaks=self.leaks[:]), self.open_store()
        self.leaks.clear()
        for item in items:
            self._item(item, store, outcome)
        for host, request in deliveries.items():
            self._delivery(host, request, store, outcome, check=check)
        self.note("end")
        return outcome

    def scan(self) -> Outcome:
        """The leak scan that ends a run."""
        missed = {"h1": "h1 cannot be reached over ssh"} if self.unsearched else {}
        self.unsearched -= len(missed)
        return Outcome(leaks=self.left[:], missed=missed, searched=[host for host in self.machines if host not in missed])

    def _silent(self, *requests: Any) -> None:
        text = json.dumps(requests)
        require(not any(value in text for value in self.known), "9: a request holds a value")

    def _item(self, item: Item, store: Store, outcome: Outcome) -> None:
        self.calls.append(f"{item.entry} {item.credential} {item.host}")
        if self._out_of_reach(item.entry, item.host, item.credential, outcome):
            return
        lost = self._struck("lost", item.entry, item.host, item.credential)
        code = self._struck("error", item.entry, item.host, item.credential) or self._late(item)
        if code:
            data: dict[str, Any] = {"error": {"code": code, "message": f"{code} as scripted"}}
        else:
            data = self._answer(item, store)
        self._look(f"{item.entry} {item.credential}")
        if not lost:
            outcome.replies.append(Reply(item.id, item.host, data))

    def _late(self, item: Item) -> str:
        """Invariant 7, as the host's loader keeps it for whatever changes something."""
        machine, token = self.machines[item.host], item.body["token"]
        if item.entry not in EFFECTS:
            return ""
        if token < machine.token:
            return "stale_token"
        machine.token = token
        return ""

    def _answer(self, item: Item, store: Store) -> dict[str, Any]:
        if item.entry in EFFECTS:
            for authority in self._of(item):
                authority.changing(self.time)
        try:
            done = getattr(self, f"_{item.entry}")(item, Values(item.body, store))
        except Refused as error:
            return {"error": {"code": error.code, "message": error.message}}
        except MycoopsError as error:
            return {"error": {"code": "unresolved", "message": error.message}}
        return {"done": True, **(done or {})}

    def _delivery(self, host: str, request: dict[str, Any], store: Store, outcome: Outcome, *, check: bool) -> None:
        self.calls.append(f"{'check' if check else 'deliver'} {','.join(s['name'] for s in request['services'])}")
        if self._out_of_reach("delivery", host, "", outcome, check):
            return
        lost = self._struck("lost", "delivery", host, "", check)
        if code := self._struck("error", "delivery", host, "", check):
            data: dict[str, Any] = {"error": {"code": code, "message": f"{code} as scripted"}}
        else:
            try:
                resolved = resolve(request, store)
            except MycoopsError as error:
                data = {"error": {"code": "unresolved", "message": error.message}}
            else:
                data = Delivery(self.machines[host], resolved, self._sick, self._look).run(check=check)
                self._after(host, request, data, check=check)
        if not lost:
            outcome.replies.append(Reply("", host, data))

    def _after(self, host: str, request: dict[str, Any], data: dict[str, Any], *, check: bool) -> None:
        code = data.get("error", {}).get("code", "")
        if code.startswith("stale"):
            self.stale.append(f"{host}: {data['error']['message']}")
        if check and not code:
            for service in request["services"]:
                for file in request["files"]:
                    for entry in file["entries"]:
                        self.staged.setdefault(entry["credential"], set()).add(service["name"])

    def _out_of_reach(self, entry: str, host: str, credential: str, outcome: Outcome, check: bool = False) -> bool:
        if not self.machines[host].up or self._struck("unreachable", entry, host, credential, check):
            outcome.unreachable.add(host)
            return True
        return False

    def _struck(self, what: str, entry: str, host: str, credential: str, check: bool = False) -> str:
        for fault in self.faults:
            if fault.what == what and fault.takes(entry, host, credential, check):
                return fault.code
        return ""

    def reach(self, credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
        """A place outside the hosts: one that is written, or one from which a developer fetches."""
        place = (credential, consumer.name)
        self.calls.append(f"{'look at' if look else 'bring'} {consumer.name}")
        if self._struck("unreachable", "reach", consumer.name, credential, look):
            return Reached("no answer", again=True)
        lost = self._struck("lost", "reach", consumer.name, credential, look)
        if code := self._struck("error", "reach", consumer.name, credential, look):
            return Reached(f"{code} as scripted")
        if consumer.developer:
            self.asked[place] = generation
            self._look(f"asked {consumer.name}")
            return Reached(person=self.fetched.get(place) != generation, mark=str(generation))
        if not look:
            self.places[place] = self.open_store().secret(credential, generation).reveal()
            self.writes[place] = self.writes.get(place, 0) + 1
            self._look(f"wrote {consumer.name}")
        return Reached("no answer", again=True) if lost else Reached(mark=str(self.writes.get(place, 0)))

    # what a person or time does

    def take(self, credential: str, consumer: Consumer, generation: int) -> None:
        """A person takes a value to a place outside the hosts: a developer the one that was asked for."""
        place = (credential, consumer.name)
        number = self.asked.get(place, generation) if consumer.developer else generation
        self.places[place] = self.open_store().secret(credential, number).reveal()
        self.fetched[place] = number
        self._look(f"somebody took {credential} to {consumer.name}")

    def bring(self, credential: str) -> None:
        """A person makes a value in the provider's console and hands it over."""
        store = self.open_store()
        meta = store.meta(credential)
        assert meta
        number = max([meta.generation, *store.pending(credential)]) + 1
        (authority,) = self.authorities[credential].values()
        made = self.hand.setdefault(credential, Tokens().make())
        if isinstance(authority, Single):
            authority.value = made
        else:
            assert isinstance(authority, Tokens)
            authority.tokens[made] = ""
        self._look(f"a person made a value for {credential}")
        store.put_pending(credential, number, "", Secret(made))
        del self.hand[credential]
        self._look(f"a person brought {credential}")

    def hand_over(self, credential: str) -> Secret:
        """A person at the terminal makes a value, and has it at hand until it is kept."""
        made = self.hand.setdefault(credential, Tokens().make())
        (authority,) = self.authorities[credential].values()
        if isinstance(authority, Single):
            authority.value = made
        else:
            assert isinstance(authority, Tokens)
            authority.tokens[made] = ""
        self._look(f"a person made a value for {credential}")
        return Secret(made)

    def end_by_hand(self, credential: str, generation: int, *, back: bool = False) -> None:
        """A person ends a value in the provider's console: the old one, or on the way back the candidate."""
        self._revocable(credential, back=back)
        value = self.open_store().secret(credential, generation).reveal()
        for one in self.authorities[credential].values():
            assert isinstance(one, Tokens)
            one.changing(self.time)
            one.revoke({}, value)
        self._look(f"a person ended {credential} g{generation}")

    def pass_a_day(self, credential: str) -> None:
        """The provider ends the grace of a value that was replaced."""
        for one in self.authorities[credential].values():
            if isinstance(one, Grant):
                one.expire()
