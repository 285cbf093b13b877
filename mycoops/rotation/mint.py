"""Makes the candidate: durable here before its authority hears of it, and another one only where that one was rejected."""

from __future__ import annotations

from mycoops.model import Item, State
from mycoops.plan import Move, Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.probing import probe, standing_of
from mycoops.rotation.replies import explain
from mycoops.rotation.sitting import asked
from mycoops.rotation.waiting import wait
from mycoops.runner import Outcome as Answers
from mycoops.secret import generate
from mycoops.verdict import EXPLAINED, Standing

ATTEMPTS = 3
"""How many values are offered, in one walk, to an authority whose policy rejects them."""
REJECTED = "rejected"
"""The error code of a mint whose value the authority's policy does not take: nothing else makes another value."""


def mint(context: Context, move: Move) -> None:
    """Make each new value durable, then make its authority accept it beside the old one."""
    offered: list[str] = []
    for rotation in context.at(move.credentials, State.PREFLIGHT, State.MINTING):
        if not _candidate(context, rotation):
            continue
        if context.kind(rotation.credential).accepts_by == "delivery" or rotation.overlap.one_slot:
            context.state(rotation.credential, State.MINTED)
        elif rotation.overlap.needs_person:
            _activated(context, rotation.credential)
        else:
            offered.append(rotation.credential)
    for _ in range(ATTEMPTS):
        offered = _offer(context, offered)
    for credential in offered:
        context.block(credential, f"the authority's policy rejected {ATTEMPTS} values")


def _candidate(context: Context, rotation: Rotation) -> bool:
    """Make the candidate durable; False where a person has yet to bring it. In one slot a person's value comes with the cut."""
    name, number = rotation.credential, rotation.to_generation
    if rotation.overlap.needs_person:
        return rotation.overlap.one_slot or brought(context, name)
    if context.standing(name).state is State.PREFLIGHT:
        context.state(name, State.MINTING, tag=_tag(context, name, number))
    if not rotation.overlap.provider_mints:
        keep(context, rotation)
    return True


def keep(context: Context, rotation: Rotation) -> None:
    """Make a value, encrypted and durable, and name it in the journal by its fingerprint; one that is kept already stays."""
    name, number = rotation.credential, rotation.to_generation
    if context.keeps(name, number):
        return
    context.store.put_pending(name, number, rotation.to_slot, generate(context.kind(name).generates))
    context.record("kept", credential=name, generation=number, fingerprint=context.fingerprint(name, number))


def _tag(context: Context, credential: str, generation: int) -> str:
    return f"mycoops/{credential}/g{generation}/{context.plan.digest}"


def brought(context: Context, credential: str) -> bool:
    """Whether a person has brought the value, of several the newest; if not, what is waited for is recorded."""
    rotation = context.rotation(credential)
    newest = max(context.store.pending(credential), default=0)
    if newest > rotation.to_generation:
        context.record("renumbered", credential=credential, to_generation=newest)
    if newest > rotation.from_generation:
        return True
    step = context.step(credential)
    page, what = (step.page, step.instruction) if step else ("", "make a new value")
    wait(context, credential, what, page, ask(rotation))
    return asked(context, context.rotation(credential))


def collect(context: Context) -> None:
    """In one sitting, before anything else of a walk, ask somebody at the terminal for every value that a person makes and that
    is valid beside the old one. In one slot the old one dies with it, so that one is asked for when everything is rehearsed."""
    for name, standing in context.run.rotations.items():
        early = standing.open and not standing.halted and standing.state in (State.PLANNED, State.PREFLIGHT, State.MINTING)
        overlap = context.rotation(name).overlap
        if context.asker and early and overlap.needs_person and overlap.two_valid:
            brought(context, name)


def ask(rotation: Rotation) -> str:
    """The command that takes a value a person brings."""
    return f"mycoops provide {rotation.credential}"


def _offer(context: Context, credentials: list[str]) -> list[str]:
    """Call the authorities; returns those that have to be offered another value."""
    items = {name: context.items().entry(context.rotation(name), "mint") for name in credentials}
    answers = context.call([item for group in items.values() for item in group])
    rejected = [name for name, group in items.items() if is_rejected(context, answers, group)]
    for name, group in items.items():
        if name in rejected:
            continue
        if problem := explain(answers, group) or _lost(context, name):
            context.block(name, problem)
        else:
            _activated(context, name)
    return _anew(context, rejected)


def _activated(context: Context, credential: str) -> None:
    """Name the value in the journal too: one that a person or a provider made was not named when it was kept."""
    number = context.rotation(credential).to_generation
    context.state(credential, State.ACTIVATED, fingerprint=context.fingerprint(credential, number))


def is_rejected(context: Context, answers: Answers, items: list[Item]) -> bool:
    """Whether the policy of every authority declined a value of ours: then, and only then, another one is made."""
    replies = [answers.of(item.id) for item in items]
    ours = not any(context.rotation(item.credential).overlap.provider_mints for item in items)
    return ours and bool(replies) and all(reply and reply.error.get("code") == REJECTED for reply in replies)


def _lost(context: Context, credential: str) -> str:
    kept = context.keeps(credential, context.rotation(credential).to_generation)
    return "" if kept else "the provider made a value and it was not kept; it is asked for it again"


def _anew(context: Context, rejected: list[str]) -> list[str]:
    """Give a value that was rejected, and is seen refused, up for one of the next generation."""
    seen, _ = probe(context, [context.rotation(name) for name in rejected]) if rejected else ({}, None)
    for name in rejected:
        standing = standing_of(seen[name])
        if standing is Standing.OLD_ONLY:
            renumber(context, context.rotation(name))
        elif standing in (Standing.OVERLAP, Standing.NEW_ONLY):
            _activated(context, name)
        else:
            context.block(name, f"a value was rejected, and {EXPLAINED[standing]}. {seen[name].detail}".strip())
    return [name for name in rejected if standing_of(seen[name]) is Standing.OLD_ONLY]


def renumber(context: Context, rotation: Rotation) -> None:
    """Give up a value that was rejected, and is seen refused, for one of the next generation."""
    name, number = rotation.credential, rotation.to_generation + 1
    context.record("renumbered", credential=name, to_generation=number, tag=_tag(context, name, number))
    context.store.drop_pending(name, rotation.to_generation)
    keep(context, context.rotation(name))
