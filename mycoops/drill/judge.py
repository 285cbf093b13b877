"""Judges how a run over a scripted world ended: a Violation says what should not be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mycoops import ledger
from mycoops.catalogue import Catalogue
from mycoops.drill.faults import Violation, require
from mycoops.drill.truth import approved
from mycoops.drill.world import World
from mycoops.errors import MycoopsError
from mycoops.kinds import Kind
from mycoops.model import ENDED, State
from mycoops.report import PROVEN, last_outcomes
from mycoops.vault import Store


class Scene(Protocol):
    """What is judged: a fleet, its world, and what its run said."""

    catalogue: Catalogue
    world: World
    path: Path
    errors: list[MycoopsError]

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of the fleet."""

    @property
    def notes(self) -> list[str]:
        """What the run told its operator."""

    def run(self) -> ledger.Run:
        """The fold of the journal on disk."""

    def store(self) -> Store:
        """The store as a new process sees it."""

    def kept(self) -> dict[tuple[str, int], str]:
        """Every value in the store on disk."""


def states(run: ledger.Run) -> dict[str, str]:
    """Where each rotation stands, and why it stopped there."""
    return {name: f"{one.state} {one.blocked}".strip() for name, one in run.rotations.items()}


def over(scene: Scene) -> None:
    """Every rotation is CLOSED: its old value refused, its new one everywhere, with its four facts, and nothing left behind."""
    run = scene.run()
    require({standing.state for standing in run.rotations.values()} == {State.CLOSED}, f"8: {states(run)}", "stuck")
    for name, standing in run.rotations.items():
        require(standing.to_generation > standing.from_generation, f"{name}: no new generation")
        value = _at_rest(scene, name, standing.to_generation)
        require(value not in scene.world.firsts, f"{name}: it still has its first value")
        _evidence(scene, name, standing)
        _agreement(scene, name)
    silent(scene)


def back(scene: Scene) -> None:
    """Every rotation is taken back: its candidate refused and forgotten, its old value everywhere."""
    run = scene.run()
    require({standing.state for standing in run.rotations.values()} <= ENDED, f"8: {states(run)}", "stuck")
    for name, standing in run.rotations.items():
        _at_rest(scene, name, standing.to_generation if standing.state is State.CLOSED else standing.from_generation)
    silent(scene)


def _at_rest(scene: Scene, name: str, generation: int) -> str:
    """The one value of a credential: the store's, the authority's and every consumer's."""
    world, store = scene.world, scene.store()
    meta = store.meta(name)
    require(bool(meta and meta.generation == generation), f"{name}: the vault holds another generation", "stuck")
    value = store.secret(name, generation).reveal()
    valid = set(world.valid_values(name)) - ({*world.hand.values()} - {value})
    require(value in valid, f"{name}: its own value is refused", "lost")
    require(not valid & (world.firsts - {value}), f"{name}: an old value is still valid", "alive")
    require(valid == {value}, f"{name}: other values are still valid", "orphans")
    world.resting = True
    world.dead.clear()
    world.check()
    require(store.pending(name) == [], f"{name}: a candidate was left behind")
    require({held[1] for _, held in world.holders(name)} <= {value}, f"{name}: somebody holds another value")
    require(not world.next_values(name), f"{name}: a next value was left behind")
    return value


def _evidence(scene: Scene, name: str, standing: ledger.Standing) -> None:
    """Invariant 10: the four facts, the last of each subject telling; where nobody can probe, that this was said, and no more."""
    last, declared = last_outcomes(standing), scene.catalogue.credentials[name]
    kind, authority = scene.kinds[declared.kind], declared.authority
    if not kind.provable:
        require(standing.unproven and not standing.proven and not last, f"10: {name}: {last}")
        return
    require(last == PROVEN, f"10: {name}: {last}")
    kept = [fact for fact in standing.facts if fact["fact"] == "persisted"]
    if kind.accepts_by == "delivery":
        wanted = {(scene.catalogue.services[service].host, service) for service in authority.services}
        require({(fact["host"], fact["evidence"]["service"]) for fact in kept} == wanted, f"10: {name}: {kept}")
    elif "persistence" in kind.capabilities:
        require(bool(kept) and all(fact["host"] for fact in kept), f"10: {name}: {kept}")
    else:
        require({fact["outcome"] for fact in kept} == {"not checked"}, f"10: {name}: {kept}")


def _agreement(scene: Scene, name: str) -> None:
    """Where a second person is asked for, the approval is in the journal before the point of no return."""
    records = [json.loads(line) for line in scene.path.read_bytes().splitlines()]
    passed = next(n for n, record in enumerate(records) if record.get("credential") == name and record.get("forward_only"))
    agreed = not scene.catalogue.needs_approval(name) or approved(records[:passed], name)
    require(agreed, f"{name}: the point of no return was recorded without an approval")


def silent(scene: Scene) -> None:
    """Invariant 9: no file but the encrypted ones holds a value."""
    text = scene.path.read_text() + "\n".join(scene.notes) + "\n".join(map(str, scene.errors))
    for value in scene.world.known.union(scene.kept().values()):
        if value in text:
            raise Violation("9: a journal, a note or an error holds a value")
