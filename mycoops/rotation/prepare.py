"""The moves that harm nobody: preflight, accept, verify, stage. After any of them, as after the mint, abort is free."""

from __future__ import annotations

from collections.abc import Iterable

from mycoops.delivery import Requests
from mycoops.model import Item, Outcome, State
from mycoops.plan import Move, Rotation
from mycoops.rotation import ahead, outside
from mycoops.rotation.approval import lacking, wait
from mycoops.rotation.context import Context
from mycoops.rotation.mint import ask
from mycoops.rotation.probing import Probed, probe, standing_of
from mycoops.rotation.quarantine import shut
from mycoops.rotation.replies import blame, delivered, explain, failed_services, left_out
from mycoops.runner import Outcome as Answers
from mycoops.verdict import EXPLAINED, Standing


def preflight(context: Context, move: Move) -> None:
    """Every authority answers and can be verified against; every env file parses; nothing is changed."""
    rotations = context.at(move.credentials, State.PLANNED)
    builder = context.items()
    items: list[Item] = []
    for rotation in rotations:
        if "preflight" in context.kind(rotation.credential).capabilities:
            hosts = dict.fromkeys(builder.authority_hosts(rotation) + builder.probe_hosts(rotation))
            items += builder.entry(rotation, "preflight", hosts)
    answers, wrong = _rehearse(context, context.requests(), _services(context, rotations), items)
    for rotation in rotations:
        mine = [item for item in items if item.credential == rotation.credential]
        problem = wrong.get(rotation.credential) or explain(answers, mine) or outside.unready(context, rotation)
        if problem:
            context.block(rotation.credential, problem)
        else:
            context.state(rotation.credential, State.PREFLIGHT)


def _rehearse(
    context: Context, requests: Requests, services: Iterable[str], items: Iterable[Item]
) -> tuple[Answers, dict[str, str]]:
    """Deliver in check mode, items along with it; returns the items' answers, and what is wrong for which credential.

    A service that its host did not come to because of another one is asked for again without that one."""
    remaining = list(services)
    first = answers = context.deliver(requests.for_services(remaining), check=True, items=items)
    wrong: dict[str, str] = {}
    while failed := failed_services(context, answers, remaining, check=True):
        remaining = left_out(context, answers, failed)
        wrong.update({service: reason for service, reason in failed.items() if service not in remaining})
        if not remaining:
            break
        answers = context.deliver(requests.for_services(remaining), check=True)
    return first, blame(context, wrong)


def _services(context: Context, rotations: list[Rotation]) -> list[str]:
    names: dict[str, None] = {}
    for rotation in rotations:
        declared = context.catalogue.credentials[rotation.credential]
        names.update(dict.fromkeys([consumer.service for consumer in declared.services] + list(declared.authority.services)))
    return list(names)


def accept(context: Context, move: Move) -> None:
    """An authority that is a service of ours takes old and new into its list: one shared restart, or a reload."""
    (service,) = move.services
    rotations = [r for r in context.at(move.credentials, State.MINTED) if service not in context.standing(r.credential).accepted_by]
    if rotations:
        _into_list(context, service, rotations)
    for rotation in context.at(move.credentials, State.MINTED):
        if context.standing(rotation.credential).accepted_by >= set(_authorities(context, rotation)):
            context.state(rotation.credential, State.ACTIVATED)


def _into_list(context: Context, service: str, rotations: list[Rotation]) -> None:
    lists = {(r.credential, service): [r.from_generation, r.to_generation] for r in rotations}
    answers = context.deliver(context.requests(lists=lists).for_services([service]))
    wrong = blame(context, failed_services(context, answers, [service]))
    for rotation in rotations:
        if problem := wrong.get(rotation.credential):
            context.block(rotation.credential, problem)
        else:
            context.record("accepted", credential=rotation.credential, service=service, **delivered(answers, service))


def _authorities(context: Context, rotation: Rotation) -> tuple[str, ...]:
    return context.catalogue.credentials[rotation.credential].authority.services


def verify(context: Context, move: Move) -> None:
    """From every consumer's host: a random value is refused, the new and the old are accepted, and both may do the same."""
    rotations = context.at(move.credentials, State.ACTIVATED) + [
        rotation for rotation in context.at(move.credentials, State.MINTED) if rotation.overlap.one_slot
    ]
    builder = context.items()
    parity = {
        rotation.credential: builder.entry(rotation, "parity")
        for rotation in rotations
        if "parity" in context.kind(rotation.credential).capabilities
    }
    probed, answers = probe(context, rotations, [item for group in parity.values() for item in group], passing=_early)
    for rotation in rotations:
        problem = _unverified(context, rotation, probed[rotation.credential]) or _unequal(
            answers, parity.get(rotation.credential, [])
        )
        if not problem:
            context.state(rotation.credential, State.VERIFIED)
        elif rotation.overlap.needs_person and standing_of(probed[rotation.credential]) is Standing.OLD_ONLY:
            context.block(rotation.credential, f"the value that was brought is refused: bring another. {problem}", ask(rotation))
        else:
            context.block(rotation.credential, problem)


def _early(rotation: Rotation) -> tuple[Standing, ...]:
    """What may pass: an authority that does not know yet what it was told."""
    return (Standing.OLD_ONLY,) if rotation.overlap.two_valid else ()


def _unverified(context: Context, rotation: Rotation, seen: Probed) -> str:
    if not context.kind(rotation.credential).provable:
        return ""
    standing = standing_of(seen)
    if rotation.overlap.one_slot:
        fine = standing is Standing.NEW_ONLY or (seen.random is Outcome.REFUSED and seen.old is Outcome.ACCEPTED)
        return "" if fine else f"the control was {seen.random}, the present value {seen.old}: cannot verify here. {seen.detail}"
    if standing is Standing.OLD_ONLY:
        listed = context.kind(rotation.credential).accepts_by == "delivery"
        context.state(rotation.credential, State.MINTED if listed else State.MINTING)
    if standing is Standing.NOBODY:
        shut(context, rotation.credential)
    return "" if standing in (Standing.OVERLAP, Standing.NEW_ONLY) else f"{EXPLAINED[standing]}. {seen.detail}".strip()


def _unequal(answers: Answers, items: list[Item]) -> str:
    for item in items:
        reply = answers.of(item.id)
        if reply is None or reply.error:
            return explain(answers, [item])
        if reply.data.get("equal") is False:
            return f"the new value may not do what the old one may: {reply.data.get('evidence')}"
    return ""


def stage(context: Context, move: Move) -> None:
    """Prove on every host, without changing it, that the switch can be made; arm what a cut needs. Where the move names services,
    give them the next value beforehand.

    Where the value itself comes with the cut, everything but the value is rehearsed. A cut that needs an approval is armed, and
    rehearsed once more, when there is one."""
    rotations = context.at(move.credentials, State.VERIFIED)
    if move.services:
        ahead.bring(context, rotations, move.services)
    else:
        _rehearse_switch(context, rotations)
    for rotation in context.at(move.credentials, State.VERIFIED):
        if ahead.held(context, rotation):
            context.state(rotation.credential, State.STAGED)


def _rehearse_switch(context: Context, rotations: list[Rotation]) -> None:
    uses = [(r, name) for r in rotations for name in _consumers(context, r)]
    chosen = {(r.credential, name): r.to_generation for r, name in uses if context.keeps(r.credential, r.to_generation)}
    builder = context.items()
    held = {r.credential for r in rotations if r.overlap.one_slot and lacking(context, r)}
    armed = [r for r in rotations if "stage" in context.kind(r.credential).capabilities and r.credential not in held]
    items = [item for rotation in armed for item in builder.entry(rotation, "stage")]
    answers, wrong = _rehearse(context, context.requests(chosen), dict.fromkeys(name for _, name in uses), items)
    for rotation in rotations:
        mine = [item for item in items if item.credential == rotation.credential]
        if problem := wrong.get(rotation.credential) or explain(answers, mine):
            context.block(rotation.credential, problem)
        elif rotation.credential in held:
            wait(context, rotation)


def _consumers(context: Context, rotation: Rotation) -> list[str]:
    return [consumer.service for consumer in context.catalogue.credentials[rotation.credential].services]
