"""What is true in a scripted world at an instant: which values are accepted, who holds which, and which invariants hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mycoops import account
from mycoops.catalogue import Catalogue
from mycoops.consumer import Consumer
from mycoops.drill.authorities import Authority
from mycoops.drill.faults import Fault, require
from mycoops.drill.hosts import Env, Machine
from mycoops.kinds import Kind
from mycoops.model import Leak
from mycoops.rotation.outside import today
from mycoops.vault import Store

FOR_EVER = 10**9
Records = list[dict[str, Any]]
RUNS, STARTS = " as it runs", " as it would start"


@dataclass
class Truth:
    """Authorities, hosts and the store beside each other; `note` hears of every single effect, after the invariants were asserted.

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
    leaks: list[Leak] = field(default_factory=list)
    staged: dict[str, set[str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    hand: dict[str, str] = field(default_factory=dict)
    sighted: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    agreed: set[str] = field(default_factory=set)
    resting: bool = False
    looks: int = FOR_EVER
    """How often a run may look before somebody asks it to stop."""
    left: list[Leak] = field(default_factory=list)
    """Where values lie that must not: the leak scan finds them as long as they do."""
    unsearched: int = 0
    """How often h1 cannot be searched for leaks."""
    unwritable: int = 0
    """How often the rotation log cannot be written."""
    time: float = 0.0
    """Seconds that have passed."""
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    """What lies outside the hosts, by credential and consumer."""
    writes: dict[tuple[str, str], int] = field(default_factory=dict)
    asked: dict[tuple[str, str], int] = field(default_factory=dict)
    fetched: dict[tuple[str, str], int] = field(default_factory=dict)

    # what is true now

    def accepts(self, credential: str, principal: str, value: str) -> bool:
        """Whether every authority of the credential accepts this login."""
        if self.kinds[self.catalogue.credentials[credential].kind].accepts_by == "delivery":
            return self._listed(credential, principal, value)
        return all(one.trust or one.felt(self.time).holds(principal, value) for one in self.authorities[credential].values())

    def _listed(self, credential: str, principal: str, value: str) -> bool:
        declared = self.catalogue.credentials[credential].authority
        lists = [self._process(name).get(variable, "[]") for name in declared.services for variable in declared.accepts]
        return all(value in json.loads(text) for text in lists)

    def _process(self, service: str) -> Env:
        return self.machines[self.catalogue.services[service].host].processes[service]

    def _disk(self, service: str, variable: str) -> str:
        declared = self.catalogue.services[service]
        return self.machines[declared.host].files[declared.file_of(variable).path].get(variable, "")

    def holders(self, credential: str, *, disk: bool = True) -> Iterator[tuple[str, tuple[str, str]]]:
        """(who, (principal, value)) of every consumer, as it runs and as it would start."""
        declared = self.catalogue.credentials[credential]
        for consumer in declared.services:
            for variable, form in consumer.env.items():
                yield f"{consumer.service}{RUNS}", split(form, declared.principal, self._process(consumer.service)[variable])
                if disk:
                    text = self._disk(consumer.service, variable)
                    yield f"{consumer.service}{STARTS}", split(form, declared.principal, text)
        for place, value in self._outside(credential):
            yield place, (declared.principal, value)
        if credential in self.rotator:
            yield "the rotator", (declared.principal, self.kept()[credential, self.rotator[credential]])

    def _outside(self, credential: str) -> list[tuple[str, str]]:
        """What lies outside the hosts, by consumer; whoever was waived is not waited for, and not counted."""
        waived = {r["service"]: r["until"] for r in self.journal() if r["event"] == "waived" and r["credential"] == credential}
        waived = {name: until for name, until in waived.items() if until >= today()}
        return [(place, value) for (name, place), value in self.places.items() if name == credential and place not in waived]

    def next_values(self, credential: str) -> dict[str, str]:
        """Every next value that a consumer holds now, by who holds it."""
        found: dict[str, str] = {}
        for consumer in self.catalogue.credentials[credential].services:
            for variable in consumer.next:
                found[f"{consumer.service}{RUNS}"] = self._process(consumer.service)[variable]
                found[f"{consumer.service}{STARTS}"] = self._disk(consumer.service, variable)
        return {who: value for who, value in found.items() if value}

    def _refused(self, credential: str, consumer: Consumer, env: Env) -> str:
        """A variable of which the value is not accepted, and no next value beside it either; empty if there is none."""
        principal = self.catalogue.credentials[credential].principal
        following = [split(form, principal, env[variable]) for variable, form in consumer.next.items() if env[variable]]
        for variable, form in consumer.env.items():
            if not any(self.accepts(credential, *login) for login in [split(form, principal, env[variable]), *following]):
                return variable
        return ""

    def _sick(self, service: str, env: Env) -> str:
        if service in self.ill:
            return "it is ill for reasons of its own"
        for name, declared in self.catalogue.credentials.items():
            for consumer in declared.services:
                if consumer.service != service:
                    continue
                if self._refused(name, consumer, env):
                    return f"its login with {name} is refused"
                for variable, form in {**consumer.env, **consumer.next}.items():
                    value = split(form, declared.principal, env[variable])[1]
                    if service in self.allergic and value and value not in self.firsts:
                        return "it does not bear a new value"
        return ""

    # invariants

    def _look(self, what: str) -> None:
        self.check()
        self.note(what)

    def check(self) -> None:
        """Invariants 1, 2 and 6, at this very instant."""
        require(not self.stale, f"6: a host was given an older order: {self.stale}")
        self.known |= {*self.kept().values(), *self.hand.values()}
        for name, declared in self.catalogue.credentials.items():
            require(not self.lost(name), f"1: a value valid for {name} is kept nowhere", "lost")
            overlap = self.kinds[declared.kind].overlap
            excused = self.excused(name)
            if (overlap.two_valid or overlap.mutating or declared.ahead) and not excused:
                running, disk = self.on_dead_values(name, dual=overlap.one_slot)
                require(not running, f"2: {name}: {running} run on what is not accepted", "running")
                require(not disk, f"2: {name}: {disk} would start on what is not accepted", "disk")
            if self.catalogue.needs_approval(name) and name not in self.agreed and not excused and not self._first_lives(name):
                require(self._agreed(name), f"{name}: its first value was ended without an approval")
                self.agreed.add(name)

    def excused(self, credential: str) -> bool:
        """Whether somebody else ended a value of a credential, or its authority refuses everybody: nobody here is to blame."""
        return credential in self.dead or any(one.outage for one in self.authorities[credential].values())

    def lost(self, credential: str) -> bool:
        """Whether a value that is valid now is neither kept, nor in a person's hand, nor to be found by its tag."""
        kept = {*self.kept().values(), *self.hand.values()}
        return any(value not in kept and (self.resting or not tag) for value, tag in self.valid_values(credential).items())

    def on_dead_values(self, credential: str, *, dual: bool = False) -> tuple[list[str], list[str]]:
        """Who runs on no value that is accepted, and who would start on none; with `dual` of those alone who try two."""
        found: tuple[list[str], list[str]] = ([], [])
        declared = self.catalogue.credentials[credential]
        for consumer in declared.services if not dual else [one for one in declared.services if one.next]:
            disk = {variable: self._disk(consumer.service, variable) for variable in (*consumer.env, *consumer.next)}
            for place, env in enumerate((self._process(consumer.service), disk)):
                if self._refused(credential, consumer, env):
                    found[place].append(consumer.service)
        found[0].extend(
            place
            for place, value in (() if dual else self._outside(credential))
            if not self.accepts(credential, declared.principal, value)
        )
        held = self.kept().get((credential, self.rotator.get(credential, 0)))
        if held and not dual and not self.accepts(credential, declared.principal, held):
            found[0].append("the rotator")
        return found

    def _first_lives(self, credential: str) -> bool:
        """Whether the first value of a credential is still accepted; what nobody keeps any more is not asked about."""
        declared, first = self.catalogue.credentials[credential], self.kept().get((credential, 1))
        kind = self.kinds[declared.kind]
        return first is None or self.accepts(credential, kind.principal(declared.principal, kind.next_slot("")), first)

    def _agreed(self, credential: str) -> bool:
        """Whether its old value may be ended, as far as that takes a second person."""
        return not self.catalogue.needs_approval(credential) or approved(self.journal(), credential)

    def valid_values(self, credential: str) -> dict[str, str]:
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
            require("ROLLING_BACK" in states, f"{credential}: a candidate is revoked outside an abort")
            return
        require(self._agreed(credential), f"{credential}: revoked without an approval")
        require(states[-1] == "REVOKING", f"{credential}: REVOKING was not durable before its effect")
        require("PROMOTED" in states, f"{credential}: revoked before PROMOTED")
        require(any(r.get("forward_only") for r in mine), f"{credential}: revoked before the point of no return")
        require(any(r.get("fact") == "soaked" for r in mine), f"4: {credential}: revoked without soak evidence")
        stages = {r["service"]: r["stage"] for r in mine if r["event"] == "consumer"}
        wanted = {consumer.name for consumer in self.catalogue.credentials[credential].consumers}
        waived = {r["service"]: r["until"] for r in mine if r["event"] == "waived"}
        wanted -= {name for name, until in waived.items() if until >= today()}
        missing = [name for name in wanted if stages.get(name) != "acknowledged"]
        require(not missing, f"4: {credential}: revoked before {missing} acknowledged")

    def _cuttable(self, credential: str, value: str) -> None:
        """Invariant 3, and the record of the point of no return; whoever tries two values runs on the candidate already."""
        mine = [record for record in self.journal() if record.get("credential") == credential]
        require(any(r.get("state") == "CUTOVER" and r.get("forward_only") for r in mine), f"{credential}: cut unrecorded")
        require(self._agreed(credential), f"{credential}: cut without an approval")
        for consumer in self.catalogue.credentials[credential].services:
            staged = consumer.service in self.staged.get(credential, set())
            require(staged, f"3: {credential}: cut before {consumer.service} was staged")
            for name, form in consumer.next.items() if credential not in self.dead else ():
                held = split(form, self.catalogue.credentials[credential].principal, self._process(consumer.service)[name])[1]
                require(held == value, f"3: {credential}: cut before {consumer.service} held the next value")


def approved(records: Records, credential: str) -> bool:
    """Whether somebody who had not run the last plan of a credential has approved that plan, by the records of its journal."""
    operators: set[str] = set()
    digest, found = "", False
    for record in records:
        if record["event"] == "opened":
            mine = any(entry["credential"] == credential for entry in record["plan"]["rotations"])
            operators, digest = {account.of(record["operator"])}, record["plan"]["digest"] if mine else ""
            found = found and not mine
        elif record["event"] == "resumed":
            operators.add(account.of(record["operator"]))
        elif record["event"] == "approved":
            found = found or (record["digest"] == digest and account.of(record["by"]) not in operators)
    return found


def split(form: str, principal: str, text: str) -> tuple[str, str]:
    """Read principal and value back out of a rendered form."""
    if form == "<value>":
        return principal, text
    found = _pattern(form).fullmatch(text)
    return (found["principal"], found["value"]) if found else ("", text)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.escape(form).replace("<principal>", "(?P<principal>.*?)").replace("<value>", "(?P<value>.*)"))
