"""The moves that end the old value: revoke and drop. From their first effect the only way is forward."""

from __future__ import annotations

from mycoops.model import State
from mycoops.plan import Move, Rotation
from mycoops.rotation import by_hand, outside
from mycoops.rotation.approval import cleared
from mycoops.rotation.attest import attest, rehearsal
from mycoops.rotation.context import Context
from mycoops.rotation.lost import accepted
from mycoops.rotation.probing import probe
from mycoops.rotation.replies import blame, delivered, explain, failed_services
from mycoops.rotation.switch import acknowledged


def revoke(context: Context, move: Move) -> None:
    """Tell the authority to refuse the old value and end its sessions, or a person to do so; whoever comes back to it asks what
    is valid first."""
    again = context.at(move.credentials, State.REVOKING)
    seen, _ = probe(context, again) if again else ({}, None)
    accepted(context, again, seen)
    rotations = _revocable(context, move)
    for rotation in [one for one in rotations if by_hand.is_ended_by_hand(context, one.credential)]:
        rotations.remove(rotation)
        by_hand.end(context, rotation, seen.get(rotation.credential))
    items = {rotation.credential: context.items().entry(rotation, "revoke") for rotation in rotations}
    answers = context.call([item for group in items.values() for item in group])
    for credential, group in items.items():
        if problem := explain(answers, group):
            context.block(credential, problem)
        else:
            context.state(credential, State.REVOKED)


def drop(context: Context, move: Move) -> None:
    """An authority that is a service of ours takes the old value off its list."""
    (service,) = move.services
    rotations = [r for r in _revocable(context, move) if service not in context.standing(r.credential).dropped_by]
    if rotations:
        _off_list(context, service, rotations)
    for rotation in context.at(move.credentials, State.REVOKING):
        authorities = set(context.catalogue.credentials[rotation.credential].authority.services)
        if context.standing(rotation.credential).dropped_by >= authorities:
            context.state(rotation.credential, State.REVOKED)


def _off_list(context: Context, service: str, rotations: list[Rotation]) -> None:
    lists = {(rotation.credential, service): [rotation.to_generation] for rotation in rotations}
    answers = context.deliver(context.requests(lists=lists).for_services([service]))
    wrong = blame(context, failed_services(context, answers, [service]))
    for rotation in rotations:
        if problem := wrong.get(rotation.credential):
            context.block(rotation.credential, problem)
        else:
            context.record("dropped", credential=rotation.credential, service=service, **delivered(answers, service))


def _revocable(context: Context, move: Move) -> list[Rotation]:
    """Those whose every consumer has acknowledged, and was seen on it in this very walk, and that a second person has approved
    where that is asked for.

    The point of no return is recorded before the first effect."""
    rotations = [r for r in context.at(move.credentials, State.PROMOTED, State.REVOKING) if not outside.lapsed(context, r)]
    rotations = [rotation for rotation in rotations if acknowledged(context, rotation)]
    rotations = cleared(context, rotations)
    promoted = [rotation for rotation in rotations if context.standing(rotation.credential).state is State.PROMOTED]
    unseen = [rotation for rotation in promoted if rotation.credential not in context.attested]
    if unseen:
        seen, answers = probe(context, unseen, rehearsed=rehearsal(context, unseen))
        attest(context, accepted(context, unseen, seen), answers)
    rotations = [rotation for rotation in rotations if not context.standing(rotation.credential).halted]
    for rotation in rotations:
        if context.standing(rotation.credential).state is State.PROMOTED:
            context.state(rotation.credential, State.REVOKING, forward_only=True)
    return rotations
