"""A scripted world behind the engine: authorities, hosts and faults; after every effect it asserts the protocol's invariants."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mycoops.bridge import EFFECTS
from mycoops.catalogue import Catalogue
from mycoops.errors import MycoopsError
from mycoops.kinds import Kind
from mycoops.model import Item, Reply
from mycoops.runner import Outcome
from mycoops.secret import Secret
from mycoops.values import resolve
from mycoops.vault import Store
from tests.unit.rotation.authorities import Authority, Logins, Refused, Single, Tokens
from tests.unit.rotation.hosts import Delivery, Env, Machine

Records = list[dict[str, Any]]
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
    "allergic",
    "ill",
    "dead",
    "resting",
)


class Violation(AssertionError):
    """An invariant of the protocol does not hold at this instant."""


@dataclass
class Fault:
    """Goes wrong `times` times, after going well `skip` times: `lost` (done, but no reply), `error` (not done), `unreachable`."""

    what: str
    entry: str = ""
    host: str = ""
    credential: str = ""
    times: int = 1
    skip: int = 0
    code: str = "broken"
    check: bool | None = None

    def takes(self, entry: str, host: str, credential: str, check: bool = False) -> bool:
        """Whether it strikes here; it is used up by that."""
        fits = self.times and self.entry in ("", entry) and self.host in ("", host) and self.credential in ("", credential)
        if not fits or (self.check is not None and self.check is not check):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class World:
    """Implements the engine's Performer. `note` hears of every single effect, after the invariants were asserted.

    `allergic` services fail on a new value, `ill` ones always; `dead` credentials had their old value killed by somebody else."""

    catalogue: Catalogue
    kinds: Mapping[str, Kind]
    open_store: Callable[[], Store]
    journal: Callable[[], Records]
    kept: Callable[[], dict[tuple[str, int], str]]
    note: Callable[[str], None] = lambda what: None
    authorities: dict[str, dict[str, Authority]] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    rotator: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    allergic: set[str] = field(default_factory=set)
    ill: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    firsts: set[str] = field(default_factory=set)
    uses: dict[str, int] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    staged: dict[str, set[str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    hand: dict[str, str] = field(default_factory=dict)
    resting: bool = False

    def state(self) -> dict[str, Any]:
        """A copy of what outlives the controller."""
        return {name: copy.deepcopy(getattr(self, name)) for name in LASTING}

    def set(self, state: dict[str, Any]) -> None:
        """Be as a copy says."""
        for name, value in state.items():
            setattr(self, name, copy.deepcopy(value))

    # what the engine asks for

    def carry_out(
        self, items: Sequence[Item] = (), deliveries: Mapping[str, dict[str, Any]] | None = None, *, check: bool = False
    ) -> Outcome:
        """Items first, then deliveries; one store for all, opened from disk as the action plugins do."""
        items, deliveries = list(items), dict(deliveries or {})
        if not items and not deliveries:
            return Outcome()
        self._silent([item.data() for item in items], deliveries)
        self.note("start")
        outcome, store = Outcome(leaks=self.leaks[:]), self.open_store()
        self.leaks.clear()
        for item in items:
            self._item(item, store, outcome)
        for host, request in deliveries.items():
            self._delivery(host, request, store, outcome, check=check)
        self.note("end")
        return outcome

    def _silent(self, *requests: Any) -> None:
        text = json.dumps(requests)
        self._require(not any(value in text for value in self.known), "9: a request holds a value")

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

    # the entries of kinds

    def _preflight(self, item: Item, values: Values) -> None:
        if any(one.trust for one in self._of(item)):
            raise Refused("cannot_verify", "any value is accepted")

    def _mint(self, item: Item, values: Values) -> None:
        tag = f"mycoops/{item.credential}/g{item.body['generation']}/"
        intents = [r.get("tag", "") for r in self.journal() if r.get("credential") == item.credential]
        self._require(any(intent.startswith(tag) for intent in intents), f"a mint of {tag} without its intent in the journal")
        (authority,) = self._of(item)
        if self.kinds[item.kind].overlap == "O2":
            self._provider(item, authority)
            return
        self._admin(item, values)
        value = values.text("value")
        if isinstance(authority, Logins):
            used = [who for who, held in self._holders(item.credential) if held[0] == item.body["principal"] and held[1] != value]
            self._require(not used, f"5: the slot {item.body['principal']} is in use by {used}")
        authority.mint(item.body, value)  # type: ignore[attr-defined]

    def _provider(self, item: Item, authority: Authority) -> None:
        assert isinstance(authority, Tokens)
        store, number = self.open_store(), item.body["generation"]
        if number in store.pending(item.credential):
            return
        authority.reject()
        authority.forget(item.body["tag"])
        value = authority.make(item.body["tag"])
        self.known.add(value)
        self._look("the provider made a value")
        store.put_pending(item.credential, number, "", Secret(value))

    def _probe(self, item: Item, values: Values) -> dict[str, Any]:
        value = values.text("value")
        found = {authority.ask(item.body["principal"], value) for authority in self._of(item)}
        if self.kinds[item.kind].accepts_by == "delivery":
            held = self._listed(item.credential, item.body["principal"], value)
            found = {"accepted" if held else "refused"}  # type: ignore[arg-type]
        return {"outcome": str(found.pop()), "evidence": {"path": "scripted"}}

    def _parity(self, item: Item, values: Values) -> dict[str, Any]:
        self._admin(item, values)
        return {"equal": True}

    def _drain(self, item: Item, values: Values) -> dict[str, Any]:
        old = values.text("previous_value")
        count = sum(1 for who, held in self._holders(item.credential, disk=False) if held[1] == old)
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
        self._cuttable(item.credential)
        for authority in self._of(item):
            assert isinstance(authority, Single)
            authority.cutover(values.text("value"))

    def _confirm(self, item: Item, values: Values) -> None:
        back = item.body["generation"] < item.body["previous"]
        for authority in self._of(item):
            assert isinstance(authority, Single)
            (authority.restore if back else authority.confirm)(values.text("value"))

    def _admin(self, item: Item, values: Values) -> None:
        name = self.catalogue.credentials[item.credential].authority.admin
        if name and not self.accepts(name, item.body["admin_principal"], values.text("admin_value")):
            raise Refused("admin_refused", "the admin's login is refused")

    def _of(self, item: Item) -> list[Authority]:
        here = self.authorities[item.credential]
        return [here[item.host]] if item.host in here else list(here.values())

    # what is true now

    def accepts(self, credential: str, principal: str, value: str) -> bool:
        """Whether every authority of the credential accepts this login."""
        if self.kinds[self.catalogue.credentials[credential].kind].accepts_by == "delivery":
            return self._listed(credential, principal, value)
        return all(one.trust or one.holds(principal, value) for one in self.authorities[credential].values())

    def _listed(self, credential: str, principal: str, value: str) -> bool:
        declared = self.catalogue.credentials[credential].authority
        lists = [self._process(name).get(variable, "[]") for name in declared.services for variable in declared.accepts]
        return all(value in json.loads(text) for text in lists)

    def _process(self, service: str) -> Env:
        return self.machines[self.catalogue.services[service].host].processes[service]

    def _disk(self, service: str, variable: str) -> str:
        declared = self.catalogue.services[service]
        return self.machines[declared.host].files[declared.file_of(variable).path].get(variable, "")

    def _holders(self, credential: str, *, disk: bool = True) -> Iterator[tuple[str, tuple[str, str]]]:
        """(who, (principal, value)) of every consumer, as it runs and as it would start."""
        declared = self.catalogue.credentials[credential]
        for consumer in declared.services:
            for variable, form in consumer.env.items():
                yield f"{consumer.service} as it runs", split(form, declared.principal, self._process(consumer.service)[variable])
                if disk:
                    text = self._disk(consumer.service, variable)
                    yield f"{consumer.service} as it would start", split(form, declared.principal, text)
        if credential in self.rotator:
            yield "the rotator", (declared.principal, self.kept()[credential, self.rotator[credential]])

    def _sick(self, service: str, env: Env) -> str:
        if service in self.ill:
            return "it is ill for reasons of its own"
        for name, declared in self.catalogue.credentials.items():
            for consumer in declared.services:
                for variable, form in consumer.env.items() if consumer.service == service else ():
                    principal, value = split(form, declared.principal, env[variable])
                    if not self.accepts(name, principal, value):
                        return f"its login with {name} is refused"
                    if service in self.allergic and value not in self.firsts:
                        return "it does not bear a new value"
        return ""

    # invariants

    @staticmethod
    def _require(holds: bool, what: str) -> None:
        if not holds:
            raise Violation(what)

    def _look(self, what: str) -> None:
        self.check()
        self.note(what)

    def check(self) -> None:
        """Invariants 1, 2 and 6, at this very instant."""
        self._require(not self.stale, f"6: a host was given an older order: {self.stale}")
        kept = {*self.kept().values(), *self.hand.values()}
        self.known |= kept
        for name, declared in self.catalogue.credentials.items():
            overlap = self.kinds[declared.kind].overlap
            for value, tag in self._valid(name).items():
                self._require(value in kept or (bool(tag) and not self.resting), f"1: a value valid for {name} is kept nowhere")
            excused = name in self.dead or any(one.outage for one in self.authorities[name].values())
            if overlap.two_valid and not excused:
                for who, (principal, value) in self._holders(name):
                    self._require(self.accepts(name, principal, value), f"2: {name}: {who} holds what is not accepted")

    def _valid(self, credential: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for authority in self.authorities[credential].values():
            found.update(authority.valid())
        declared = self.catalogue.credentials[credential].authority
        for service in declared.services:
            for variable in declared.accepts:
                found.update(dict.fromkeys(json.loads(self._process(service).get(variable, "[]")), ""))
        return found

    def _revocable(self, credential: str, *, back: bool) -> None:
        """Invariant 4, and what is durable before the old value goes."""
        mine = [record for record in self.journal() if record.get("credential") == credential]
        states = [record["state"] for record in mine if record["event"] == "state"]
        if back:
            self._require("ROLLING_BACK" in states, f"{credential}: a candidate is revoked outside an abort")
            return
        self._require(states[-1] == "REVOKING", f"{credential}: REVOKING was not durable before its effect")
        self._require("PROMOTED" in states, f"{credential}: revoked before PROMOTED")
        self._require(any(r.get("forward_only") for r in mine), f"{credential}: revoked before the point of no return")
        self._require(any(r.get("fact") == "soaked" for r in mine), f"4: {credential}: revoked without soak evidence")
        stages = {r["service"]: r["stage"] for r in mine if r["event"] == "consumer"}
        wanted = {consumer.service or "rotator" for consumer in self.catalogue.credentials[credential].consumers}
        missing = [name for name in wanted if stages.get(name) != "acknowledged"]
        self._require(not missing, f"4: {credential}: revoked before {missing} acknowledged")

    def _cuttable(self, credential: str) -> None:
        """Invariant 3, and the record of the point of no return."""
        mine = [record for record in self.journal() if record.get("credential") == credential]
        self._require(any(r.get("state") == "CUTOVER" and r.get("forward_only") for r in mine), f"{credential}: cut unrecorded")
        for consumer in self.catalogue.credentials[credential].services:
            staged = consumer.service in self.staged.get(credential, set())
            self._require(staged, f"3: {credential}: cut before {consumer.service} was staged")

    # what a person or time does

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


class Values:
    """The references of an item, resolved one by one, as the roles' tasks choose them."""

    def __init__(self, body: dict[str, Any], store: Store) -> None:
        self._body, self._store = body, store

    def text(self, name: str) -> str:
        """One reference as text."""
        return str(resolve(self._body[name], self._store))


def split(form: str, principal: str, text: str) -> tuple[str, str]:
    """Read principal and value back out of a rendered form."""
    if form == "<value>":
        return principal, text
    found = _pattern(form).fullmatch(text)
    return (found["principal"], found["value"]) if found else ("", text)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.escape(form).replace("<principal>", "(?P<principal>.*?)").replace("<value>", "(?P<value>.*)"))
