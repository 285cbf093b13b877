"""The moves of a value that replaces itself when used: one writer, and the next value kept before anything else."""

from __future__ import annotations

from mycoops.model import Stage, State
from mycoops.plan import Move, Rotation
from mycoops.rotation.approval import cleared
from mycoops.rotation.context import Context
from mycoops.rotation.quarantine import shut
from mycoops.rotation.replies import blame, delivered, explain, failed_services
from mycoops.runner import Outcome as Answers

SPENT = "invalid_grant"
"""The error code of a refresh whose value the provider takes no more: RFC 6749, section 5.2."""


def refresh(context: Context, move: Move) -> None:
    """Use the value once, keep what comes back, make it the vault's. An unknown outcome uses the *same* value again."""
    for rotation in context.at(move.credentials, State.PREFLIGHT):
        if _current(context, rotation):
            context.state(rotation.credential, State.LEASE)
    for rotation in cleared(context, context.at(move.credentials, State.LEASE)):
        context.state(rotation.credential, State.REFRESH, forward_only=True)
    rotations = context.at(move.credentials, State.REFRESH)
    asked = [r for r in rotations if not context.keeps(r.credential, r.to_generation)]
    items = {rotation.credential: context.items().entry(rotation, "refresh") for rotation in asked}
    answers = context.call([item for group in items.values() for item in group])
    for rotation in rotations:
        if context.keeps(rotation.credential, rotation.to_generation):
            _persist(context, rotation)
        else:
            _refused(context, rotation, explain(answers, items[rotation.credential]), answers)


def _current(context: Context, rotation: Rotation) -> bool:
    """Compare before setting: a value that somebody else has refreshed since the plan was made is not used again."""
    meta = context.store.meta(rotation.credential)
    fine = bool(meta and meta.generation == rotation.from_generation)
    if not fine:
        context.block(rotation.credential, "the vault holds another generation than the plan began with", "mycoops abort")
    return fine


def _persist(context: Context, rotation: Rotation) -> None:
    name, number = rotation.credential, rotation.to_generation
    context.store.promote(name, number)
    context.state(name, State.PERSISTED, **context.named(rotation))


def _refused(context: Context, rotation: Rotation, problem: str, answers: Answers) -> None:
    spent = any(r.error.get("code") == SPENT for r in answers.replies if r.item.startswith(f"refresh/{rotation.credential}/"))
    if spent:
        shut(context, rotation.credential)
        problem += ": the grant is over; a person has to consent anew"
    context.block(rotation.credential, problem or "what the provider answered was not kept; the same value is used again")


def release(context: Context, move: Move) -> None:
    """Give the new value to a wave of those who hold a copy; an older one is written nowhere after this."""
    rotations = context.at(move.credentials, State.PERSISTED)
    services = [name for name in move.services if any(name in _behind(context, rotation) for rotation in rotations)]
    answers = context.deliver(context.requests().for_services(services))
    failed = failed_services(context, answers, services)
    wrong = blame(context, failed)
    for rotation in rotations:
        for service in [name for name in _behind(context, rotation) if name in services and name not in failed]:
            facts = delivered(answers, service)
            context.record("consumer", credential=rotation.credential, service=service, stage=str(Stage.ACKNOWLEDGED), **facts)
        if problem := wrong.get(rotation.credential):
            context.block(rotation.credential, problem)
        elif not _behind(context, rotation):
            context.state(rotation.credential, State.RELEASED)


def _behind(context: Context, rotation: Rotation) -> list[str]:
    """The services that have yet to be seen on the new value."""
    stages = context.standing(rotation.credential).stages
    names = [consumer.service for consumer in context.catalogue.credentials[rotation.credential].services]
    return [name for name in names if stages.get(name) is not Stage.ACKNOWLEDGED]
