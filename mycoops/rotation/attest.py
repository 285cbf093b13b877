"""Looks at every consumer again before anything old is touched: an acknowledgement is of the past, and hosts have other masters."""

from __future__ import annotations

from collections.abc import Iterable

from mycoops.delivery import Request
from mycoops.model import Stage, State
from mycoops.plan import Rotation
from mycoops.rotation import outside
from mycoops.rotation.context import Context
from mycoops.rotation.replies import failed_services, strays
from mycoops.runner import Outcome as Answers


def rehearsal(context: Context, rotations: Iterable[Rotation]) -> dict[str, Request]:
    """The deliveries to all consumers of these rotations; in check mode they tell what differs and change nothing."""
    services = [
        consumer.service for rotation in rotations for consumer in context.catalogue.credentials[rotation.credential].services
    ]
    return context.requests().for_services(dict.fromkeys(services))


def attest(context: Context, rotations: Iterable[Rotation], answers: Answers) -> list[Rotation]:
    """Those whose every consumer still runs on the new value, and would start with it; the others are stopped.

    One that was taken off the new value is switched once more by the next command, and the soak begins anew."""
    return [rotation for rotation in rotations if _attested(context, rotation, answers)]


def _attested(context: Context, rotation: Rotation, answers: Answers) -> bool:
    name = rotation.credential
    for consumer in context.catalogue.credentials[name].services:
        if wrong := failed_services(context, answers, [consumer.service], check=True):
            context.block(name, wrong[consumer.service])
            return False
        if problem := strays(context, answers, consumer.service, [*consumer.env, *consumer.next]):
            context.state(name, State.SWITCHING)
            context.record("consumer", credential=name, service=consumer.service, stage=str(Stage.SWITCHING))
            context.block(name, f"somebody took {consumer.service} off the new value. {problem}")
            return False
    if outside.astray(context, rotation):
        return False
    context.attested.add(name)
    return True
