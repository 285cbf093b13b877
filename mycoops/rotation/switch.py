"""The moves that change what runs: cut over where there is one slot, then flip, restart and attest consumer by consumer."""

from __future__ import annotations

from mycoops.consumer import ROTATOR
from mycoops.model import UNPROVEN, Item, Outcome, Stage, State
from mycoops.plan import Move, Rotation
from mycoops.rotation import ahead, outside
from mycoops.rotation.approval import cleared
from mycoops.rotation.consumers import give
from mycoops.rotation.context import Context
from mycoops.rotation.lost import accepted
from mycoops.rotation.mint import ATTEMPTS, ask, brought, is_rejected, keep, renumber
from mycoops.rotation.probing import Probed, probe, standing_of
from mycoops.rotation.quarantine import shut
from mycoops.rotation.replies import explain
from mycoops.runner import Outcome as Answers
from mycoops.verdict import EXPLAINED, Standing


def switch(context: Context, move: Move) -> None:
    """Move a wave of services, or the rotator and what lies outside; a service that fails goes back and stops its credentials."""
    _come_back(context, move)
    if not move.services:
        _rotator(context, move)
        outside.bring(context, _ready(context, move))
    remaining = _due(context, move)
    while remaining:
        _deliver(context, move, remaining)
        remaining = [service for service in _due(context, move) if service in remaining]
    for rotation in context.at(move.credentials, State.SWITCHING):
        _finish(context, rotation)


def _come_back(context: Context, move: Move) -> None:
    """Whoever comes back to a service that was tried before asks first: it fails on a value that its authority has lost."""
    tried = [r for r in context.at(move.credentials, State.SWITCHING) if _tried(context, r, move)]
    seen = probe(context, tried)[0] if tried else {}
    lost = [r for r in tried if standing_of(seen[r.credential]) in (Standing.OLD_ONLY, Standing.NOBODY)]
    accepted(context, lost, seen)


def _tried(context: Context, rotation: Rotation, move: Move) -> bool:
    stages = context.standing(rotation.credential).stages
    return any(stages.get(service) in (Stage.SWITCHING, Stage.ROLLED_BACK) for service in move.services)


def _ready(context: Context, move: Move) -> list[Rotation]:
    return [
        rotation
        for rotation in context.at(move.credentials, State.STAGED, State.CUTOVER, State.SWITCHING)
        if not rotation.overlap.one_slot or context.standing(rotation.credential).cut
    ]


def _due(context: Context, move: Move) -> list[str]:
    """The services of the wave with a credential that still has to be switched there."""
    rotations = _ready(context, move)
    return [service for service in move.services if any(_open(context, rotation, service) for rotation in rotations)]


def _open(context: Context, rotation: Rotation, service: str) -> bool:
    uses = any(consumer.service == service for consumer in context.catalogue.credentials[rotation.credential].services)
    return uses and context.standing(rotation.credential).stages.get(service) is not Stage.ACKNOWLEDGED


def _deliver(context: Context, move: Move, services: list[str]) -> None:
    chosen: dict[tuple[str, str], int] = {}
    for rotation in _ready(context, move):
        for service in services:
            if _open(context, rotation, service):
                if context.standing(rotation.credential).state is not State.SWITCHING:
                    context.state(rotation.credential, State.SWITCHING)
                chosen[rotation.credential, service] = rotation.to_generation
    give(context, "consumer", chosen, context.requests(chosen))


def _finish(context: Context, rotation: Rotation) -> None:
    if acknowledged(context, rotation):
        context.state(rotation.credential, State.SWITCHED)


def acknowledged(context: Context, rotation: Rotation) -> bool:
    """Whether every consumer of a credential runs on the new generation: the gate before anything old is touched."""
    declared = context.catalogue.credentials[rotation.credential].consumers
    return all(outside.settled(context, rotation.credential, consumer) for consumer in declared)


def _rotator(context: Context, move: Move) -> None:
    """The control node takes up the new generation of its own access; the probes have shown that it works."""
    for rotation in _ready(context, move):
        if not any(consumer.rotator for consumer in context.catalogue.credentials[rotation.credential].consumers):
            continue
        if context.standing(rotation.credential).state is not State.SWITCHING:
            context.state(rotation.credential, State.SWITCHING)
        context.rotator_key(rotation.credential, rotation.to_generation)
        context.record("consumer", credential=rotation.credential, service=ROTATOR, stage=str(Stage.ACKNOWLEDGED))


def cutover(context: Context, move: Move) -> None:
    """Replace the one slot; whoever comes back from a crash asks first and remembers nothing, and so does a person's cut.

    Consumers that try two values hold both of them, in this very walk, before anything is cut. An administrator's value that a
    person replaces is asked for when whoever is administered with it is through: it dies before the vault holds the next one."""
    ahead.ensure(context, context.at(move.credentials, State.STAGED))
    staged = cleared(context, [r for r in context.at(move.credentials, State.STAGED) if not _needed(context, r)])
    fresh = [rotation for rotation in staged if not rotation.overlap.needs_person]
    _keep(context, fresh)
    for rotation in staged:
        context.state(rotation.credential, State.CUTOVER, forward_only=True)
    uncut = [r.credential for r in context.at(move.credentials, State.CUTOVER) if not context.standing(r.credential).cut]
    uncut = [name for name in uncut if not context.rotation(name).overlap.needs_person or brought(context, name)]
    again = [context.rotation(name) for name in uncut if name not in [rotation.credential for rotation in fresh]]
    _keep(context, again)
    known, _ = probe(context, again) if again else ({}, None)
    undone = [r for r in again if not r.overlap.needs_person and _undone(context, r, known[r.credential])]
    # Consumers that have left the old value already: the cut is their cure, and a next value would not be.
    left = [rotation for rotation in undone if context.standing(rotation.credential).stages]
    undone = ahead.ensure(context, [rotation for rotation in undone if rotation not in left]) + left
    again = [rotation for rotation in again if not context.standing(rotation.credential).halted]
    answers = _offer(context, fresh + undone, undone)
    rotations = [context.rotation(rotation.credential) for rotation in fresh + again]
    seen, _ = probe(context, rotations, passing=_early)
    _confirm(context, [r for r in rotations if _replaced(context, r, seen[r.credential], answers.get(r.credential, Answers()))])


def _keep(context: Context, rotations: list[Rotation]) -> None:
    """See that every value of ours is durable: one that was lost before any authority heard of it is made anew."""
    for rotation in rotations:
        if not (rotation.overlap.needs_person or rotation.overlap.provider_mints):
            keep(context, rotation)


def _needed(context: Context, rotation: Rotation) -> bool:
    """Whether another rotation of this run goes on with a value that a person is to replace."""
    credentials, mine = context.catalogue.credentials, rotation.credential
    users = [one for name, one in context.run.rotations.items() if name != mine and credentials[name].authority.admin == mine]
    going = [one.credential for one in users if one.open and one.state is not State.PROVEN_DEAD]
    if not (rotation.overlap.needs_person and going):
        return False
    context.progress.note(f"{mine}: a person is asked for it when {', '.join(going)} is through")
    return True


def _offer(context: Context, rotations: list[Rotation], again: list[Rotation]) -> dict[str, Answers]:
    """Make these cuts; a value that the policy rejects, and that is seen refused, is given up for another one."""
    answers: dict[str, Answers] = {}
    for attempt in range(ATTEMPTS):
        rotations = ahead.ensure(context, rotations) if attempt else rotations
        items = {rotation.credential: _cut(context, rotation, again=rotation in again) for rotation in rotations}
        heard = context.call([item for group in items.values() for item in group])
        answers |= dict.fromkeys(items, heard)
        rejected = [r for r in rotations if is_rejected(context, heard, _cut(context, r, again=False))]
        if not rejected or attempt == ATTEMPTS - 1:
            break
        seen, _ = probe(context, rejected)
        for rotation in rejected:
            if standing_of(seen[rotation.credential]) is Standing.OLD_ONLY:
                renumber(context, rotation)
                context.holding.difference_update({use for use in context.holding if use[0] == rotation.credential})
        rotations = [context.rotation(r.credential) for r in rejected if standing_of(seen[r.credential]) is Standing.OLD_ONLY]
    return answers


def _early(rotation: Rotation) -> tuple[Standing, ...]:
    """What may pass after a cut: an authority takes in one half of it after the other. A value a person brought is older."""
    return () if rotation.overlap.needs_person else (Standing.OLD_ONLY, Standing.OVERLAP, Standing.NOBODY)


def _undone(context: Context, rotation: Rotation, seen: Probed) -> bool:
    """Whether the cut has to be made once more: the old value is still in force, or what a provider gave for it was lost."""
    lost = rotation.overlap.provider_mints and not context.keeps(rotation.credential, rotation.to_generation)
    return lost or standing_of(seen) is Standing.OLD_ONLY


def _cut(context: Context, rotation: Rotation, *, again: bool) -> list[Item]:
    entries = ["stage"] if again and "stage" in context.kind(rotation.credential).capabilities else []
    return [item for entry in [*entries, "cutover"] for item in context.items().entry(rotation, entry)]


def _replaced(context: Context, rotation: Rotation, seen: Probed, answers: Answers) -> bool:
    standing, name = standing_of(seen), rotation.credential
    if standing is Standing.NEW_ONLY or not context.kind(name).provable:
        return True
    if rotation.overlap.needs_person and standing in (Standing.OLD_ONLY, Standing.NOBODY):
        reason = f"the value that was brought is refused; {EXPLAINED[standing]}: bring another, or ask again"
        context.block(name, reason, ask(rotation))
        return False
    if standing is Standing.NOBODY:
        shut(context, name)
    told = explain(answers, [item for item in _cut(context, rotation, again=False) if answers.of(item.id)])
    context.block(name, ". ".join(text for text in (f"after the cut: {EXPLAINED[standing]}", told, seen.detail) if text))
    return False


def _confirm(context: Context, rotations: list[Rotation]) -> None:
    """Disarm what would put the old value back, now that a fresh login with the new one has worked."""
    items = {
        rotation.credential: context.items().entry(rotation, "confirm")
        if "stage" in context.kind(rotation.credential).capabilities
        else []
        for rotation in rotations
    }
    answers = context.call([item for group in items.values() for item in group])
    for rotation in rotations:
        if problem := explain(answers, items[rotation.credential]):
            context.block(rotation.credential, problem)
        else:
            seen = str(Outcome.ACCEPTED) if context.kind(rotation.credential).provable else UNPROVEN
            context.fact(rotation.credential, "cut", outcome=seen, generation=rotation.to_generation)
