"""Drives the real engine over a scripted world, with a real journal and a real store on disk; can crash anywhere and resume."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mycoops import durable, ledger
from mycoops.consumer import ROTATOR
from mycoops.delivery import Requests
from mycoops.drill import judge, making
from mycoops.drill.kept import Quiet, Snapshot
from mycoops.drill.points import Clock, Crash
from mycoops.drill.stories import KINDS, Story
from mycoops.drill.world import World
from mycoops.errors import ConfigurationError, Interrupted, MycoopsError
from mycoops.journal import Journal, read
from mycoops.model import Stage, State
from mycoops.plan import Plan, plan_of
from mycoops.report import rotation_log
from mycoops.rotation import by_hand
from mycoops.rotation.abort import AGAIN, abort
from mycoops.rotation.context import Context, generations
from mycoops.rotation.outside import today
from mycoops.rotation.walk import walk
from mycoops.runner import Outcome
from mycoops.secret import Secret, fingerprint
from mycoops.vault import Store

KEY = b"k" * 32


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
        making.first_values(self.catalogue, self.kinds, self.store())
        self.world = World(self.catalogue, self.kinds, self.store, self.records, self.kept)
        self.asker: Callable[[str], Secret | None] | None = None
        self.scanner: Callable[[], Outcome] = self.world.scan
        making.fill(self.world)
        self.plan = self._open()
        self.world.note = self.clock.tick

    def _open(self) -> Plan:
        plan = making.plan(self.catalogue, self.kinds, self.store())
        Journal(self.path, KEY).write("opened", plan=plan.as_dict(), operator="someone@desk", reason=plan.reason, token=0)
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
        """What was read of the store is out of date."""
        self._kept = None

    def written(self) -> None:
        """The store on disk has changed: the invariants hold at once."""
        self.forget()
        self.world.check()

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
            asker=self.asker,
            outside=self.world.reach,
            sleep=self._sleep,
            render=self._render,
            fingerprint=lambda name, number: fingerprint(KEY, name, self.store().secret(name, number)),
            scanner=lambda: self.scanner(),
        )

    def _new_agent(self, run: ledger.Run) -> None:
        """A new process has a new agent, which holds what the session says is in force."""
        for name in self.world.rotator:
            standing, meta = run.rotations[name], self.store().meta(name)
            assert meta
            self.world.rotator[name] = standing.generation_for(ROTATOR) if standing.open else meta.generation

    def stop(self) -> bool:
        """Whether somebody has asked the run to stop."""
        self.world.looks -= 1
        return self.world.looks < 0

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.world.time += seconds
        if self.stop():
            raise Interrupted("stopped while waiting; nothing is half done", hint="Go on with `mycoops resume`.")

    def _render(self) -> None:
        """The rotation log, as the command renders it."""
        if self.world.unwritable:
            self.world.unwritable -= 1
            raise ConfigurationError("the rotation log cannot be written")
        records = self.records()
        run = ledger.fold(records)
        text = rotation_log([(self.path.name, run, str(records[-1]["mac"]))] if run else [])
        durable.replace(self.fleet / "log.md", text.encode())

    def _rotator_key(self, credential: str, generation: int) -> None:
        self.world.rotator[credential] = generation
        self.world.check()
        self.clock.tick(f"the rotator took up {credential} g{generation}")

    def walk(self) -> MycoopsError | None:
        """One `rotate` or `resume`."""
        return self._caught(lambda: walk(self.context(), self.stop))

    @property
    def notes(self) -> list[str]:
        """What the run told its operator."""
        return self.progress.notes

    def states(self) -> dict[str, str]:
        """Where each rotation stands, and why it stopped there."""
        return judge.states(self.run())

    def over(self) -> None:
        """Every rotation is CLOSED, with all that this means."""
        judge.over(self)

    def back(self) -> None:
        """Every rotation is taken back, with all that this means."""
        judge.back(self)

    def silent(self) -> None:
        """No file but the encrypted ones, and nothing that was said, holds a value."""
        judge.silent(self)

    def abort(self) -> MycoopsError | None:
        """One `abort`."""
        return self._caught(lambda: abort(self.context(), self.stop))

    def crash(self, where: str, command: Callable[[], object] | None = None) -> None:
        """Let the controller die at the first point of this name."""

        def die(what: str) -> None:
            if what == where:
                raise Crash(what)

        self.clock.seen = die
        try:
            (command or self.walk)()
        except Crash:
            return
        finally:
            self.clock.seen = lambda what: None
        raise LookupError(f"there is no point {where!r}")

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
        """Resume, with persons doing what is waited for, until every rotation is over."""
        for _ in range(attempts):
            error = self.walk()
            if error is None:
                break
            self.bring()
        self.over()

    def bring(self) -> None:
        """A person brings every value that is waited for, another one approves the plan, a day passes where only time is."""
        run = self.run()
        for name, standing in run.rotations.items():
            wanted = standing.waiting.get("next") == f"mycoops provide {name}"
            if wanted and standing.to_generation not in self.store().pending(name):
                self.world.bring(name)
            if standing.state is State.REVOKE_PENDING:
                self.world.pass_a_day(name)
            if standing.open and (standing.halted or standing.aborting):
                self._acknowledge(name, standing)
        for name, standing in run.rotations.items():
            if standing.waiting.get("next") == by_hand.confirmation(name):
                self.world.end_by_hand(name, standing.from_generation)
                self.confirm(name)
            if standing.waiting.get("next") == AGAIN:
                self.world.end_by_hand(name, standing.to_generation, back=True)
        if any(standing.waiting.get("next") == ledger.approve(self.plan.digest) for standing in run.rotations.values()):
            self.approve()

    def confirm(self, credential: str) -> MycoopsError | None:
        """One `confirm`."""
        return self._caught(lambda: by_hand.confirm(self.context(), credential, "someone@desk"))

    def _acknowledge(self, name: str, standing: ledger.Standing) -> None:
        """Whoever is waited for outside the hosts takes the value, and says so."""
        number = standing.from_generation if standing.aborting else standing.to_generation
        asked = {who for who, stage in standing.stages.items() if standing.aborting or stage is Stage.SWITCHING}
        for consumer in self.catalogue.credentials[name].outside:
            if consumer.github or consumer.name not in asked or standing.excused(consumer.name, today()):
                continue
            self.world.take(name, consumer, number)
            if consumer.manual:
                Journal(self.path, KEY).write(
                    "acknowledged", credential=name, service=consumer.name, generation=number, by="a@desk"
                )

    def approve(self, by: str = "another@desk", digest: str = "") -> None:
        """Somebody approves the plan of the run, or another one."""
        Journal(self.path, KEY).write("approved", by=by, digest=digest or self.plan.digest)

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
