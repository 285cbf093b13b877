"""The way back, free before the point of no return: consumers first, then the candidate is made unusable and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mycoops.consumer import ROTATOR
from mycoops.errors import ForwardOnly, Interrupted, StepFailed, WaitingForPerson
from mycoops.ledger import BEGUN
from mycoops.model import Item, Outcome, Stage, State
from mycoops.plan import Rotation
from mycoops.rotation import by_hand, outside
from mycoops.rotation.context import Context
from mycoops.rotation.probing import probe, standing_of
from mycoops.rotation.replies import blame, delivered, explain, failed_services, strays
from mycoops.verdict import EXPLAINED, Standing

AGAIN = "mycoops abort"


def abort(context: Context, stop: Callable[[], bool] = lambda: False) -> list[str]:
    """Take back every open rotation of the run; returns their credentials.

    Raises ForwardOnly, changing nothing, where one of them is past the point of no return, and Interrupted between two steps
    when `stop` says so."""
    rotations = [context.rotation(name) for name, standing in context.run.rotations.items() if standing.open]
    _refuse(context, rotations)
    _pause(stop)
    for rotation in rotations:
        standing = context.standing(rotation.credential)
        if standing.halted:
            context.record("unblocked", credential=rotation.credential)
        if not (standing.aborting or _pristine(context, rotation)):
            context.state(rotation.credential, State.ROLLING_BACK, was=str(standing.state))
        if context.keeps(rotation.credential, rotation.from_generation):
            context.store.promote(rotation.credential, rotation.from_generation)
    for step in (_consumers_back, _next_back, _seen_back, _lists_back, _candidates_dead):
        step(context, _rolling(context, rotations))
        _pause(stop)
    context.scan()
    for rotation in rotations:
        if not context.standing(rotation.credential).halted:
            context.forget(rotation)
            switched = bool(context.standing(rotation.credential).stages or context.standing(rotation.credential).ahead)
            context.state(rotation.credential, State.ROLLED_BACK if switched else State.ABORTED)
    if context.run.open:
        left = [standing for standing in context.run.rotations.values() if standing.open]
        if all(standing.waiting for standing in left):
            names = ", ".join(standing.credential for standing in left)
            raise WaitingForPerson(
                f"a person has to end the new value: {names}", hint=f"`mycoops todo` says where; then `{AGAIN}`."
            )
        raise StepFailed("not everything could be taken back", hint="Mend the cause, then `mycoops abort` again.")
    context.record("finished")
    return [rotation.credential for rotation in rotations]


def _pause(stop: Callable[[], bool]) -> None:
    if stop():
        raise Interrupted("stopped between two steps of the way back; nothing is half done", hint=f"Go on with `{AGAIN}`.")


def _refuse(context: Context, rotations: list[Rotation]) -> None:
    """Raise ForwardOnly for a rotation that has gone too far by its journal, or whose old value its authority refuses."""
    past = [rotation.credential for rotation in rotations if context.standing(rotation.credential).forward_only]
    if not past:
        known = [r for r in rotations if not _pristine(context, r) and context.keeps(r.credential, r.to_generation)]
        seen = probe(context, known)[0] if known else {}
        past = [name for name, probed in seen.items() if standing_of(probed) is Standing.NEW_ONLY]
    if past:
        raise ForwardOnly(f"past the point of no return: {', '.join(past)}", hint="The only way is forward: `mycoops resume`.")


def _pristine(context: Context, rotation: Rotation) -> bool:
    """Whether nothing outside the control node knows of this rotation yet."""
    early = context.standing(rotation.credential).state in (State.PLANNED, State.PREFLIGHT, State.LEASE)
    return early and not context.keeps(rotation.credential, rotation.to_generation)


def _rolling(context: Context, rotations: list[Rotation]) -> list[Rotation]:
    standings = [(rotation, context.standing(rotation.credential)) for rotation in rotations]
    return [rotation for rotation, standing in standings if standing.aborting and not standing.blocked]


def _consumers_back(context: Context, rotations: list[Rotation]) -> None:
    chosen: dict[tuple[str, str], int] = {}
    for rotation in rotations:
        name = rotation.credential
        for service, stage in list(context.standing(name).stages.items()):
            if stage in (Stage.STAGED, Stage.ROLLED_BACK):
                continue
            if service == ROTATOR:
                context.rotator_key(name, rotation.from_generation)
                context.record("consumer", credential=name, service=service, stage=str(Stage.ROLLED_BACK))
            elif consumer := outside.named(context, name, service):
                outside.back(context, rotation, consumer)
            else:
                chosen[name, service] = rotation.from_generation
    for service in dict.fromkeys(service for _, service in chosen):
        names = [name for name, other in chosen if other == service]
        for name, facts in _give(context, service, names, chosen=chosen).items():
            context.record("consumer", credential=name, service=service, stage=str(Stage.ROLLED_BACK), **facts)


def _seen_back(context: Context, rotations: list[Rotation]) -> None:
    """Look at every consumer that was brought back, before its candidate dies: a deploy, or whoever else, may have come since.

    One that strays is brought back once more."""
    if _straying(context, rotations):
        _consumers_back(context, rotations)
        for name, problem in _straying(context, _rolling(context, rotations)).items():
            context.block(name, problem, AGAIN)


def _straying(context: Context, rotations: list[Rotation]) -> dict[str, str]:
    """The credentials of which a consumer is not on the old value, each with the reason; the journal is told."""
    returned = [
        (rotation, consumer)
        for rotation in rotations
        for consumer in context.catalogue.credentials[rotation.credential].services
        if context.standing(rotation.credential).stages.get(consumer.service) is Stage.ROLLED_BACK
    ]
    chosen = {(rotation.credential, consumer.service): rotation.from_generation for rotation, consumer in returned}
    services, names = dict.fromkeys(service for _, service in chosen), dict.fromkeys(name for name, _ in chosen)
    answers = context.deliver(context.requests(chosen).for_services(services, rollback=names), check=True)
    found: dict[str, str] = {}
    for rotation, consumer in returned:
        if problem := strays(context, answers, consumer.service, consumer.env):
            stage = str(Stage.SWITCHING)
            context.record("consumer", credential=rotation.credential, service=consumer.service, stage=stage)
            found[rotation.credential] = f"{consumer.service} is not back on the old value. {problem}"
    return found


def _next_back(context: Context, rotations: list[Rotation]) -> None:
    """Whoever was given the candidate beforehand, beside the value in force, gives it back."""
    standings = [context.standing(rotation.credential) for rotation in rotations]
    ahead = {(one.credential, service): 0 for one in standings for service, stage in one.ahead.items() if stage in BEGUN}
    for service in dict.fromkeys(service for _, service in ahead):
        names = [name for name, other in ahead if other == service]
        for name, facts in _give(context, service, names, ahead=ahead).items():
            context.record("ahead", credential=name, service=service, stage=str(Stage.ROLLED_BACK), **facts)


def _lists_back(context: Context, rotations: list[Rotation]) -> None:
    """Only now, with every consumer back, do the authorities that are services of ours drop the candidate from their lists."""
    listed = [rotation for rotation in rotations if context.standing(rotation.credential).reached(State.MINTED)]
    lists = {
        (rotation.credential, service): [rotation.from_generation]
        for rotation in listed
        for service in context.catalogue.credentials[rotation.credential].authority.services
        if service not in context.standing(rotation.credential).dropped_by
    }
    for service in dict.fromkeys(service for _, service in lists):
        names = [name for name, other in lists if other == service]
        for name, facts in _give(context, service, names, lists=lists).items():
            context.record("dropped", credential=name, service=service, **facts)


def _give(
    context: Context,
    service: str,
    names: list[str],
    *,
    chosen: dict[tuple[str, str], int] | None = None,
    lists: dict[tuple[str, str], list[int]] | None = None,
    ahead: dict[tuple[str, str], int] | None = None,
) -> dict[str, dict[str, object]]:
    """Deliver to one service with a rollback of these credentials; blocks where it fails, returns what was seen where not."""
    answers = context.deliver(context.requests(chosen, lists, ahead).for_services([service], rollback=names))
    wrong = blame(context, failed_services(context, answers, [service]))
    for name in names:
        if name in wrong and not context.standing(name).blocked:
            context.block(name, wrong[name], AGAIN)
    return {name: delivered(answers, service) for name in names if name not in wrong}


def _candidates_dead(context: Context, rotations: list[Rotation]) -> None:
    """Revoke the candidate where an authority may know it, and see it refused. What was never kept was never offered."""
    items = {rotation.credential: _unmake(context, rotation) for rotation in rotations}
    answers = context.call([item for group in items.values() for item in group])
    for credential, group in items.items():
        if problem := explain(answers, group):
            context.block(credential, problem, AGAIN)
    alive = [r for r in _rolling(context, rotations) if context.keeps(r.credential, r.to_generation)]
    seen, _ = probe(context, alive, swapped=True, passing=lambda rotation: (Standing.OVERLAP,))
    for name, probed in seen.items():
        if (probed.random, probed.old) != (Outcome.REFUSED, Outcome.REFUSED):
            if by_hand.take_back(context, context.rotation(name), probed, AGAIN):
                continue
            what = EXPLAINED[standing_of(probed)] if probed.random is Outcome.ACCEPTED else f"the candidate is {probed.old}"
            context.block(name, f"the candidate is not seen refused: {what}. {probed.detail}".strip(), AGAIN)


def _unmake(context: Context, rotation: Rotation) -> list[Item]:
    """The calls after which the authority refuses the candidate; one that only the provider knows is found by its tag."""
    kind, kept = context.kind(rotation.credential), context.keeps(rotation.credential, rotation.to_generation)
    builder = context.items(swapped=True)
    if rotation.overlap.one_slot:
        return builder.entry(rotation, "confirm") if kept and "stage" in kind.capabilities else []
    by_person = by_hand.is_ended_by_hand(context, rotation.credential)
    if kind.accepts_by == "delivery" or by_person or not (kept or rotation.overlap.provider_mints):
        return []
    items = builder.entry(rotation, "revoke")
    if kept:
        return items
    return [replace(item, body={name: value for name, value in item.body.items() if name != "previous_value"}) for item in items]
