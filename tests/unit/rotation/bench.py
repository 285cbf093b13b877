"""Drives the real engine over a scripted world, with a real journal and a real store on disk; can crash anywhere and resume."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from mycoops import durable, ledger, vault_file
from mycoops.catalogue import Credential
from mycoops.delivery import Requests
from mycoops.errors import MycoopsError
from mycoops.journal import Journal, read
from mycoops.model import ENDED, State
from mycoops.plan import Held, Move, Plan, plan_of
from mycoops.planner import make
from mycoops.report import final_facts
from mycoops.rotation.abort import abort
from mycoops.rotation.context import Context, generations
from mycoops.rotation.switch import ROTATOR
from mycoops.rotation.walk import walk
from mycoops.secret import generate
from mycoops.values import resolve
from mycoops.vault import Store
from tests.unit.cipher import QuickVault
from tests.unit.rotation.authorities import Authority, Logins, Single, Tokens
from tests.unit.rotation.hosts import Delivery, Machine
from tests.unit.rotation.stories import KINDS, Story
from tests.unit.rotation.world import Violation, World

KEY = b"k" * 32


class Crash(BaseException):
    """The controller dies at this point."""


@dataclass
class Clock:
    """Counts every point at which a controller can die; dies at those chosen; tells `seen` of the others."""

    at: set[int] = field(default_factory=set)
    points: list[str] = field(default_factory=list)
    seen: Callable[[str], None] = lambda what: None

    def tick(self, what: str) -> None:
        """One point."""
        self.points.append(what)
        if len(self.points) in self.at:
            raise Crash(f"{len(self.points)}: {what}")
        self.seen(what)


class Quiet:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def move(self, move: Move, number: int, total: int) -> None:
        """See Progress."""

    def note(self, text: str) -> None:
        """See Progress."""
        self.notes.append(text)


@dataclass(frozen=True)
class Snapshot:
    """Everything a new process finds."""

    files: dict[Path, bytes]
    world: dict[str, Any]
    token: int


class Bench:
    """One fleet, its world and one run."""

    def __init__(self, directory: Path, story: Story, clock: Clock | None = None) -> None:
        self.fleet, self.story, self.clock = directory, story, clock or Clock()
        self.catalogue, self.kinds = story.catalogue, KINDS
        self.path = directory / "journal" / "run.jsonl"
        self.token = 0
        self.errors: list[MycoopsError] = []
        self.slept: list[float] = []
        self.progress = Quiet()
        self._kept: dict[tuple[str, int], str] | None = None
        self._first_values()
        self.world = self._world()
        self.plan = self._open()
        self.world.note = self.clock.tick

    # building

    def _first_values(self) -> None:
        store = self.store()
        for name, declared in self.catalogue.credentials.items():
            kind = self.kinds[declared.kind]
            store.add(name, kind.next_slot(""), generate(kind.generates))

    def _world(self) -> World:
        world = World(self.catalogue, self.kinds, self.store, self.records, self.kept)
        store = self.store()
        world.machines = {name: Machine(name) for name in ("h1", "h2", "h3")}
        for name, declared in self.catalogue.credentials.items():
            meta = store.meta(name)
            assert meta
            value = store.secret(name, 1).reveal()
            world.firsts.add(value)
            hosts = declared.authority.all_hosts
            world.authorities[name] = {host: _authority(meta.slot, declared, value) for host in hosts}
            if any(consumer.rotator for consumer in declared.consumers):
                world.rotator[name] = 1
        self._first_delivery(world, store)
        return world

    def _first_delivery(self, world: World, store: Store) -> None:
        for name, service in self.catalogue.services.items():
            world.machines[service.host].processes[name] = {}
        found = generations(self.catalogue, store, [])
        requests = Requests(self.catalogue, self.kinds, found, 0).for_services(self.catalogue.services)
        for host, request in requests.items():
            done = Delivery(world.machines[host], resolve(request, store), lambda *_: "", lambda _: None).run(check=False)
            assert "error" not in done, done
        for name, service in self.catalogue.services.items():
            if service.applies == "none":
                machine = world.machines[service.host]
                machine.processes[name] = dict(machine.files[service.env_file.path])

    def _open(self) -> Plan:
        store = self.store()
        held = {}
        for name in self.catalogue.credentials:
            meta = store.meta(name)
            assert meta
            held[name] = Held(meta.generation, meta.slot, meta.generation)
        plan = make(self.catalogue, self.kinds, held, held, label="single", reason="a test")
        Journal(self.path, KEY).write("opened", plan=plan.as_dict(), operator="someone", reason="a test", token=0)
        return plan

    # looking at what is on disk

    def store(self) -> Store:
        """The store as a new process sees it."""
        return Store.open(self.fleet, [])

    def records(self) -> list[dict[str, Any]]:
        """The journal as a new process sees it."""
        return [json.loads(line) for line in self.path.read_bytes().splitlines()] if self.path.exists() else []

    def run(self) -> ledger.Run:
        """The fold of the journal on disk."""
        records, verdict = read(self.path, KEY)
        assert verdict.state != "tampered"
        found = ledger.fold(records)
        assert found
        return found

    def standing(self, credential: str) -> ledger.Standing:
        """One rotation as its journal tells it."""
        return self.run().rotations[credential]

    def kept(self) -> dict[tuple[str, int], str]:
        """Every value in the store on disk; read again after a write only."""
        if self._kept is None:
            self._kept = {(name, number): secret.reveal() for name, number, secret in self.store().secrets()}
        return self._kept

    def forget(self) -> None:
        """The store on disk has changed."""
        self._kept = None

    # acting

    def context(self) -> Context:
        """What a new process works with."""
        self.token += 1
        written = Journal(self.path, KEY)
        run = ledger.fold(written.records)
        assert run
        self._new_agent(run)
        return Context(
            catalogue=self.catalogue,
            kinds=self.kinds,
            store=self.store(),
            journal=written,
            run=run,
            plan=plan_of(run.plan),
            token=self.token,
            performer=self.world,
            progress=self.progress,
            rotator_key=self._rotator_key,
            sleep=self.slept.append,
        )

    def _new_agent(self, run: ledger.Run) -> None:
        """A new process has a new agent, which holds what the session says is in force."""
        for name in self.world.rotator:
            standing, meta = run.rotations[name], self.store().meta(name)
            assert meta
            self.world.rotator[name] = standing.generation_for(ROTATOR) if standing.open else meta.generation

    def _rotator_key(self, credential: str, generation: int) -> None:
        self.world.rotator[credential] = generation
        self.world.check()
        self.clock.tick(f"the rotator took up {credential} g{generation}")

    def walk(self) -> MycoopsError | None:
        """One `rotate` or `resume`."""
        return self._caught(lambda: walk(self.context()))

    def abort(self) -> MycoopsError | None:
        """One `abort`."""
        return self._caught(lambda: abort(self.context()))

    def crash(self, where: str, command: Callable[[], object] | None = None) -> None:
        """Let the controller die at the first point of this name."""

        def die(what: str) -> None:
            if what == where:
                raise Crash(what)

        self.clock.seen = die
        with pytest.raises(Crash):
            (command or self.walk)()
        self.clock.seen = lambda what: None

    def _caught(self, command: Callable[[], object]) -> MycoopsError | None:
        try:
            command()
        except MycoopsError as error:
            self.errors.append(error)
            return error
        return None

    def deploy(self, *services: str) -> None:
        """An ordinary deploy of everything, or of some services, at any time."""
        self.token += 1
        found = generations(self.catalogue, self.store(), [self.run()])
        requests = Requests(self.catalogue, self.kinds, found, self.token).for_services(services or self.catalogue.services)
        for request in requests.values():
            request["repair"] = True
        outcome = self.world.carry_out((), requests)
        problems = [reply.error for reply in outcome.replies if reply.error]
        assert not problems, problems

    def finish(self, attempts: int = 6) -> None:
        """Resume, with a person bringing what is waited for, until every rotation is over."""
        for _ in range(attempts):
            error = self.walk()
            if error is None:
                break
            self.bring()
        self.over()

    def bring(self) -> None:
        """A person brings everything that is waited for."""
        for name, standing in self.run().rotations.items():
            if standing.waiting and standing.to_generation not in self.store().pending(name):
                self.world.bring(name)

    # time travel

    def snapshot(self) -> Snapshot:
        """All that outlives this process: the files and the world."""
        files = {path: path.read_bytes() for path in self.fleet.rglob("*") if path.is_file()}
        return Snapshot(files, self.world.state(), self.token)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, as often as wanted."""
        for path in self.fleet.rglob("*"):
            if path.is_file() and path not in snapshot.files:
                path.unlink()
        for path, content in snapshot.files.items():
            path.write_bytes(content)
        self.world.set(snapshot.world)
        self.token = snapshot.token
        self.progress.notes.clear()
        self.errors.clear()
        self.forget()

    # judging

    def states(self) -> dict[str, str]:
        """Where each rotation stands, and why it stopped there."""
        return {name: f"{one.state} {one.blocked}".strip() for name, one in self.run().rotations.items()}

    def over(self) -> None:
        """Every rotation is CLOSED: its old value refused, its new one everywhere, with its four facts, and nothing left behind."""
        run = self.run()
        assert {standing.state for standing in run.rotations.values()} == {State.CLOSED}, self.states()
        self.world.resting = True
        self.world.check()
        store = self.store()
        for name, standing in run.rotations.items():
            meta = store.meta(name)
            assert meta
            assert meta.generation == standing.to_generation > standing.from_generation
            assert store.pending(name) == []
            value = store.secret(name, meta.generation).reveal()
            assert value not in self.world.firsts
            assert set(self.world._valid(name)) == {value}, f"{name}: other values are still valid"
            assert {held[1] for _, held in self.world._holders(name)} <= {value}
            self._evidence(name, standing)
        self.silent()

    def _evidence(self, name: str, standing: ledger.Standing) -> None:
        last = {subject: {fact["outcome"] for fact in facts} for subject, facts in final_facts(standing).items()}
        assert last == {"random": {"refused"}, "new": {"accepted"}, "old": {"refused"}}, (name, last)
        kind, authority = self.kinds[self.catalogue.credentials[name].kind], self.catalogue.credentials[name].authority
        kept = [fact for fact in standing.facts if fact["fact"] == "persisted"]
        if kind.accepts_by == "delivery":
            wanted = {(self.catalogue.services[service].host, service) for service in authority.services}
            assert {(fact["host"], fact["evidence"]["service"]) for fact in kept} == wanted, (name, kept)
        elif "persistence" in kind.capabilities:
            assert kept, name
            assert all(fact["host"] for fact in kept)
        else:
            assert {fact["outcome"] for fact in kept} == {"not checked"}, (name, kept)

    def back(self) -> None:
        """Every rotation is taken back: its candidate refused and forgotten, its old value everywhere."""
        run = self.run()
        assert {standing.state for standing in run.rotations.values()} <= ENDED, self.states()
        self.world.resting = True
        self.world.check()
        store = self.store()
        for name, standing in run.rotations.items():
            meta = store.meta(name)
            assert meta
            current = standing.to_generation if standing.state is State.CLOSED else standing.from_generation
            assert meta.generation == current
            assert store.pending(name) == []
            value = store.secret(name, current).reveal()
            valid = set(self.world._valid(name)) - set(self.world.hand.values())
            assert valid == {value}, f"{name}: another value is still valid"
            assert {held[1] for _, held in self.world._holders(name)} <= {value}
        self.silent()

    def silent(self) -> None:
        """Invariant 9: no file but the encrypted ones holds a value."""
        text = self.path.read_text() + "\n".join(self.progress.notes) + "\n".join(map(str, self.errors))
        for value in self.world.known.union(self.kept().values()):
            if value in text:
                raise Violation("9: a journal, a note or an error holds a value")


def _authority(slot: str, declared: Credential, value: str) -> Authority:
    kind = KINDS[declared.kind]
    if kind.slots:
        return Logins(names={kind.principal(declared.principal, slot): value})
    if kind.overlap.one_slot:
        return Single(value=value)
    return Tokens(tokens={value: ""})


def instrument(patch: pytest.MonkeyPatch, holder: list[Bench]) -> None:
    """Make every durable write a point before and a point after, and let the invariants be asserted after each."""

    def wrap(name: str, what: Callable[..., str]) -> None:
        real = getattr(durable, name)

        def acting(path: Path, *rest: Any, **more: Any) -> None:
            if not holder:
                real(path, *rest, **more)
                return
            bench, point = holder[0], what(path, *rest)
            bench.clock.tick(f"before {point}")
            real(path, *rest, **more)
            if name != "append":
                bench.forget()
                bench.world.check()
            bench.clock.tick(f"after {point}")

        patch.setattr(durable, name, acting)

    wrap("append", lambda path, line: f"the record {told(line)}")
    wrap("replace", lambda path, *_: f"the write of {path.name}")
    wrap("remove", lambda path: f"the removal of {path.name}")
    patch.setattr("mycoops.vault.VaultLib", QuickVault)
    patch.setattr("mycoops.vault.parse", lru_cache(maxsize=64)(vault_file.parse))


def told(line: bytes) -> str:
    """A record in few words, for the name of a point."""
    record = json.loads(line)
    return " ".join(str(record[name]) for name in ("event", "credential", "state", "service", "stage", "fact") if name in record)
