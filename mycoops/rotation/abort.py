"""The way back, free before the point of no return: consumers first, then the candidate is made unusable and forgotten."""

from __future__ import annotations

from mycoops.errors import ForwardOnly, StepFailed
from mycoops.model import Outcome, Stage, State
from mycoops.plan import Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.prepare import pristine
from mycoops.rotation.probing import probe
from mycoops.rotation.replies import blame, explain, failed_services
from mycoops.rotation.switch import ROTATOR


def abort(context: Context) -> list[str]:
    """Take back every open rotation of the run; returns their credentials.

    Raises ForwardOnly, changing nothing, where one of them is past the point of no return."""
    rotations = [rotation for rotation in context.plan.rotations if context.standing(rotation.credential).open]
    past = [rotation.credential for rotation in rotations if context.standing(rotation.credential).forward_only]
    if past:
        raise ForwardOnly(f"past the point of no return: {', '.join(past)}", hint="The only way is forward: `mycoops resume`.")
    for rotation in rotations:
        context.record("unblocked", credential=rotation.credential)
        if not pristine(context.standing(rotation.credential)):
            context.state(rotation.credential, State.ROLLING_BACK, was=str(context.standing(rotation.credential).state))
    rolling = [rotation for rotation in rotations if context.standing(rotation.credential).state is State.ROLLING_BACK]
    _consumers_back(context, rolling)
    _candidates_dead(context, [rotation for rotation in rolling if not context.standing(rotation.credential).blocked])
    for rotation in rotations:
        if not context.standing(rotation.credential).blocked:
            context.store.drop_pending(rotation.credential, rotation.to_generation)
            switched = bool(context.standing(rotation.credential).stages)
            context.state(rotation.credential, State.ROLLED_BACK if switched else State.ABORTED)
    if context.run.open:
        raise StepFailed("not everything could be taken back", hint="Mend the cause, then `mycoops abort` again.")
    context.record("finished")
    return [rotation.credential for rotation in rotations]


def _consumers_back(context: Context, rotations: list[Rotation]) -> None:
    chosen: dict[tuple[str, str], int] = {}
    lists: dict[tuple[str, str], list[int]] = {}
    for rotation in rotations:
        name = rotation.credential
        for service, stage in context.standing(name).stages.items():
            if service == ROTATOR:
                context.rotator_key(name, rotation.from_generation)
            elif stage is not Stage.STAGED:
                chosen[name, service] = rotation.from_generation
        for service in context.standing(name).accepted_by:
            lists[name, service] = [rotation.from_generation]
    services = list(dict.fromkeys(service for _, service in [*chosen, *lists]))
    for service in services:
        names = [name for name, other in [*chosen, *lists] if other == service]
        requests = context.requests(chosen, lists).for_services([service], rollback=names)
        wrong = blame(context, failed_services(context, context.deliver(requests), [service]))
        for name in names:
            if name in wrong:
                context.block(name, wrong[name], "mycoops abort")
            elif (name, service) in chosen:
                context.record("consumer", credential=name, service=service, stage=str(Stage.ROLLED_BACK))


def _candidates_dead(context: Context, rotations: list[Rotation]) -> None:
    """Revoke the candidate where an authority may know it, and see it refused."""
    builder = context.items(swapped=True)
    entry = {True: "confirm", False: "revoke"}
    items = {
        r.credential: builder.entry(r, entry[r.overlap.one_slot])
        for r in rotations
        if (context.kind(r.credential).accepts_by == "role" and not r.overlap.one_slot)
        or (r.overlap.one_slot and "stage" in context.kind(r.credential).capabilities)
    }
    answers = context.call([item for group in items.values() for item in group])
    for credential, group in items.items():
        if problem := explain(answers, group):
            context.block(credential, problem, "mycoops abort")
    alive = [r for r in rotations if r.credential in items and not context.standing(r.credential).blocked]
    seen, _ = probe(context, alive, swapped=True)
    for rotation in alive:
        if seen[rotation.credential].old is not Outcome.REFUSED:
            context.block(rotation.credential, "the candidate is not seen refused", "mycoops abort")
