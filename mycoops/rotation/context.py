"""What every move works with: the declarations, the store, the journal and its fold, and the performer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from mycoops import ledger
from mycoops.catalogue import Catalogue
from mycoops.consumer import Consumer
from mycoops.delivery import Generations, Request, Requests
from mycoops.items import Items
from mycoops.journal import Journal
from mycoops.kinds import HumanStep, Kind
from mycoops.ledger import Standing
from mycoops.model import Item, Leak, Reached, State, Verb
from mycoops.performer import Performer
from mycoops.plan import Move, Plan, Rotation
from mycoops.runner import Outcome
from mycoops.secret import Secret
from mycoops.vault import Store

RESUME = "mycoops resume"


class Reach(Protocol):
    """Who brings a generation to a place outside the hosts, or only looks there; never raises for a failure of the place."""

    def __call__(self, credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
        """Say what came of it."""


def _nowhere(credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
    """What a context does that was made without a way outside."""
    return Reached(f"{consumer.name}: this run has no way to it")


class Progress(Protocol):
    """Who is told what happens; never told a value."""

    def move(self, move: Move, number: int, total: int) -> None:
        """A move with something to do begins."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


@dataclass(slots=True)
class Context:
    """One run in progress."""

    catalogue: Catalogue
    kinds: Mapping[str, Kind]
    store: Store
    journal: Journal
    run: ledger.Run
    plan: Plan
    token: int
    performer: Performer
    progress: Progress
    rotator_key: Callable[[str, int], None] = lambda credential, generation: None
    sleep: Callable[[float], None] = time.sleep
    outside: Reach = _nowhere
    fingerprint: Callable[[str, int], str] = lambda credential, generation: ""
    render: Callable[[], object] = lambda: None
    """Renders the rotation log from the journals."""
    attested: set[str] = field(default_factory=set)
    """The credentials whose consumers were all looked at again in this walk."""
    holding: set[tuple[str, str]] = field(default_factory=set)
    """The credentials and services that were seen in this walk to hold the next value."""
    scanner: Callable[[], Outcome] = Outcome
    """Searches for leaks the hosts that were spoken to and not searched since, and the control node."""
    leaks: list[Leak] = field(default_factory=list)
    """What was found in this walk, told before or not."""
    missed: dict[str, str] = field(default_factory=dict)
    """The hosts the last scan could not search, each with the reason."""
    scanned: bool = False
    """Whether nothing was done since the last scan."""
    searched: dict[str, None] = field(default_factory=dict)
    """Where was searched in this walk, hosts and the control node, for the next record of it."""
    skipped: dict[str, None] = field(default_factory=dict)
    """What was not searched there."""
    asker: Callable[[str], Secret | None] | None = None
    """Asks somebody at the terminal for the value of a credential; returns nothing for "later". None: nobody is there."""
    others: tuple[ledger.Run, ...] = ()
    """The other runs of the fleet: what they have switched is in force too."""

    # looking

    def rotation(self, credential: str) -> Rotation:
        """The plan's entry of a credential, with the generation a rejected candidate may have moved on to."""
        planned = next(rotation for rotation in self.plan.rotations if rotation.credential == credential)
        return replace(planned, to_generation=self.standing(credential).to_generation)

    def standing(self, credential: str) -> Standing:
        """The fold's entry of a credential."""
        return self.run.rotations[credential]

    def kind(self, credential: str) -> Kind:
        """The kind of a credential."""
        return self.kinds[self.catalogue.credentials[credential].kind]

    def step(self, credential: str) -> HumanStep | None:
        """What a person has to do for a credential."""
        return self.kind(credential).step(self.catalogue.credentials[credential].authority.options)

    def keeps(self, credential: str, generation: int) -> bool:
        """Whether the store holds this generation."""
        meta = self.store.meta(credential)
        return bool(meta and meta.generation == generation) or generation in self.store.pending(credential)

    def at(self, credentials: Iterable[str], *states: State) -> list[Rotation]:
        """Those of the credentials that stand in one of these states and wait for nothing."""
        return [
            self.rotation(name) for name in credentials if self.standing(name).state in states and not self.standing(name).halted
        ]

    def items(self, *, swapped: bool = False) -> Items:
        """A builder of items that knows the admin credentials in force."""
        builder = Items(self.catalogue, self.kinds, self.plan.digest, swapped=swapped, token=self.token)
        return builder.admins(self.store.meta)

    # recording

    def record(self, event: str, **facts: Any) -> None:
        """Make something durable, then true."""
        ledger.apply(self.run, self.journal.write(event, **facts))

    def state(self, credential: str, state: State, **facts: Any) -> None:
        """Move a rotation on."""
        self.record("state", credential=credential, state=str(state), **facts)

    def fact(self, credential: str, name: str, **facts: Any) -> None:
        """Record evidence."""
        self.record("fact", credential=credential, fact=name, **facts)

    def block(self, credential: str, reason: str, following: str = RESUME) -> None:
        """Stop this rotation and no other: it stays where it is until the next command."""
        self.record("blocked", credential=credential, reason=reason, next=following)
        self.progress.note(f"{credential}: stopped: {reason}")

    def named(self, rotation: Rotation) -> dict[str, str]:
        """The fingerprints of both values, which is all that is known of the old one once it is dead."""
        name = rotation.credential
        return {
            "fingerprint": self.fingerprint(name, rotation.to_generation),
            "from_fingerprint": self.fingerprint(name, rotation.from_generation),
        }

    # acting

    def call(self, items: list[Item]) -> Outcome:
        """Carry out items in one start."""
        return self._noted(self.performer.carry_out(items))

    def deliver(
        self, deliveries: Mapping[str, Request], *, check: bool = False, items: Iterable[Item] = (), scan: bool = False
    ) -> Outcome:
        """Carry out deliveries, one action a host, in one start; the leak `scan` of the hosts may ride along."""
        return self._noted(self.performer.carry_out(list(items), deliveries, check=check, scan=scan))

    def reach(self, credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
        """Bring a generation to a place outside the hosts, or look at it; what is there counts as not searched for leaks."""
        self.scanned = False
        return self.outside(credential, consumer, generation, look=look)

    def is_last(self, move: Move) -> bool:
        """Whether no host is spoken to after this move."""
        return [one for one in self.plan.moves if one.verb is not Verb.CLOSE][-1] == move

    def scan(self) -> dict[str, str]:
        """Search for leaks what was not searched since something was done there; record what was found and what was not searched.

        Returns the hosts that could not be searched, each with the reason."""
        outcome = self._noted(self.scanner())
        self.missed, self.scanned = outcome.missed, True
        self.record("scanned", places=list(self.searched), missed=self.missed, skipped=list(self.skipped))
        for problem in self.missed.values():
            self.progress.note(f"not searched for leaks: {problem}")
        self.searched, self.skipped = {}, {}
        return self.missed

    def _noted(self, outcome: Outcome) -> Outcome:
        self.scanned = False
        self.leaks += [leak for leak in outcome.leaks if leak not in self.leaks]
        for leak in outcome.leaks:
            if leak not in self.run.leaks:
                self.record("leak", credential=leak.credential, generation=leak.generation, host=leak.host, place=leak.place)
        self.searched |= dict.fromkeys(outcome.searched)
        self.skipped |= dict.fromkeys(outcome.skipped)
        return outcome

    def forget(self, rotation: Rotation) -> None:
        """Drop every generation of this rotation that is not the current one: each of them has been seen refused."""
        for number in self.store.pending(rotation.credential):
            if number <= rotation.to_generation:
                self.store.drop_pending(rotation.credential, number)

    def requests(
        self,
        chosen: Mapping[tuple[str, str], int] | None = None,
        lists: Mapping[tuple[str, str], list[int]] | None = None,
        ahead: Mapping[tuple[str, str], int] | None = None,
    ) -> Requests:
        """A builder of deliveries: as it is now, but `chosen` at that generation, `lists` accepting those, and `ahead` with that
        generation as the next value."""
        found = generations(self.catalogue, self.store, [*self.others, self.run], chosen, lists, ahead)
        return Requests(self.catalogue, self.kinds, found, self.token)


def generations(
    catalogue: Catalogue,
    store: Store,
    runs: Iterable[ledger.Run],
    chosen: Mapping[tuple[str, str], int] | None = None,
    lists: Mapping[tuple[str, str], list[int]] | None = None,
    ahead: Mapping[tuple[str, str], int] | None = None,
) -> Generations:
    """What is in force for every consumer and every authority service: the open rotations' view over the vault's."""
    standings = {name: standing for run in runs for name, standing in run.rotations.items() if standing.open}
    chosen, lists, ahead = chosen or {}, lists or {}, ahead or {}
    effective: dict[tuple[str, str], int] = {}
    accepted: dict[tuple[str, str], tuple[int, ...]] = {}
    before: dict[tuple[str, str], int] = {}
    slots: dict[tuple[str, int], str] = {}
    for name, declared in catalogue.credentials.items():
        meta, standing = store.meta(name), standings.get(name)
        if meta is None:
            continue
        known = {meta.generation, *store.pending(name)}
        slots.update({(name, number): store.slot(name, number) for number in known})
        for consumer in declared.services:
            now = standing.generation_for(consumer.service) if standing else meta.generation
            effective[name, consumer.service] = chosen.get((name, consumer.service), now)
            if standing and (name, consumer.service) in chosen:
                other = {standing.from_generation, standing.to_generation} - {effective[name, consumer.service]}
                if other <= known:
                    before[name, consumer.service] = other.pop()
        for service in declared.authority.services:
            now_accepted = standing.accepted_for(service) if standing else [meta.generation]
            ordered = lists.get((name, _ordering(catalogue, name, service, lists)), now_accepted)
            accepted[name, service] = tuple(ordered)
    dead = frozenset(name for name, standing in standings.items() if standing.old_is_dead)
    return Generations(effective, accepted, before, slots, dead, *_ahead(catalogue, standings, chosen, ahead))


def _ahead(
    catalogue: Catalogue,
    standings: Mapping[str, Standing],
    chosen: Mapping[tuple[str, str], int],
    ahead: Mapping[tuple[str, str], int],
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """The next value of each consumer that reads one; and what a delivery that gives or takes it, or makes it the present one,
    would have to put back."""
    now: dict[tuple[str, str], int] = {}
    before: dict[tuple[str, str], int] = {}
    for name, declared in catalogue.credentials.items():
        for service in declared.ahead if name in standings else ():
            key, standing = (name, service), standings[name]
            now[key] = ahead.get(key, standing.ahead_for(service))
            if key in ahead or (key in chosen and standing.ahead.get(service) in ledger.BEGUN):
                before[key] = 0 if now[key] else standing.to_generation
    return now, before


def _ordering(catalogue: Catalogue, credential: str, service: str, lists: Mapping[tuple[str, str], list[int]]) -> str:
    """The service whose order of a list counts for this one: its own, else that of one that reads it from the same file."""
    authority = catalogue.credentials[credential].authority

    def places(name: str) -> set[tuple[str, str]]:
        declared = catalogue.services[name]
        return {(declared.host, declared.file_of(variable).path) for variable in authority.accepts}

    beside = [other for other in authority.services if (credential, other) in lists and places(other) & places(service)]
    return service if (credential, service) in lists or not beside else beside[0]
