"""Gives the consumers of a one-slot credential the next value beside the present one, and sees that they hold it, before the cut.

Such a consumer tries both values, so that there is no instant in which it holds none that is accepted. The present value is
untouched and in force all the while: whatever fails here leaves the service as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mycoops.model import Stage, Verb
from mycoops.order import waves
from mycoops.plan import Rotation
from mycoops.rotation.consumers import Use, give
from mycoops.rotation.context import Context


def bring(context: Context, rotations: Iterable[Rotation], services: Collection[str]) -> None:
    """Have these services hold the next values of these credentials, in their running processes; each once in a walk.

    A service that fails goes back and stops its credentials."""
    rotations = list(rotations)
    while due := _due(context, rotations, services):
        chosen = {(name, service): context.rotation(name).to_generation for name, service in due}
        give(context, "ahead", due, context.requests(ahead=chosen))
        context.holding.update(use for use in due if _acknowledged(context, use))


def held(context: Context, rotation: Rotation) -> bool:
    """Whether every consumer of a credential that was planned to get its next value has acknowledged it."""
    return all(_acknowledged(context, (rotation.credential, service)) for service in _planned(context, rotation.credential))


def ensure(context: Context, rotations: Iterable[Rotation]) -> list[Rotation]:
    """Those whose consumers hold the next value now: an acknowledgement of an earlier walk is of the past, and hosts have other
    masters, so they are given it once more, which changes nothing where they have it. The others are stopped."""
    rotations = list(rotations)
    services = [service for rotation in rotations for service in _planned(context, rotation.credential)]
    for wave in waves(context.catalogue, dict.fromkeys(services)):
        bring(context, rotations, [service for service in services if context.catalogue.services[service].host in wave])
    return [rotation for rotation in rotations if not context.standing(rotation.credential).halted and held(context, rotation)]


def _due(context: Context, rotations: Iterable[Rotation], services: Collection[str]) -> list[Use]:
    going = [rotation.credential for rotation in rotations if not context.standing(rotation.credential).halted]
    uses = [(name, service) for name in going for service in _planned(context, name) if service in services]
    return [use for use in uses if use not in context.holding]


def _planned(context: Context, credential: str) -> list[str]:
    """The services that the plan gives the next value to: what is declared later counts from the next rotation on."""
    moves = [move for move in context.plan.moves if move.verb is Verb.STAGE and credential in move.credentials]
    named = {service for move in moves for service in move.services}
    return [service for service in context.catalogue.credentials[credential].ahead if service in named]


def _acknowledged(context: Context, use: Use) -> bool:
    credential, service = use
    return context.standing(credential).ahead.get(service) is Stage.ACKNOWLEDGED
