"""Walks a plan; `resume` is the same walk over an open journal, because every move acts only on what stands right before it."""

from __future__ import annotations

from collections.abc import Callable

from mycoops.errors import ForwardOnly, Interrupted, JournalError, StepFailed, WaitingForPerson
from mycoops.ledger import Standing, approve
from mycoops.model import ORDER, State, Verb
from mycoops.plan import Move, digest
from mycoops.rotation import closing, finish, mint, prepare, quarantine, refresh, revoke, switch
from mycoops.rotation.context import Context

HANDLERS: dict[Verb, Callable[[Context, Move], None]] = {
    Verb.PREFLIGHT: prepare.preflight,
    Verb.REFRESH: refresh.refresh,
    Verb.RELEASE: refresh.release,
    Verb.MINT: mint.mint,
    Verb.ACCEPT: prepare.accept,
    Verb.VERIFY: prepare.verify,
    Verb.STAGE: prepare.stage,
    Verb.SWITCH: switch.switch,
    Verb.CUTOVER: switch.cutover,
    Verb.SOAK: finish.soak,
    Verb.PROMOTE: finish.promote,
    Verb.REVOKE: revoke.revoke,
    Verb.DROP: revoke.drop,
    Verb.PROVE: finish.prove,
    Verb.CLOSE: closing.close,
}
"""What carries out each verb."""

AFTER: dict[Verb, State] = {
    Verb.PREFLIGHT: State.PREFLIGHT,
    Verb.REFRESH: State.PERSISTED,
    Verb.RELEASE: State.RELEASED,
    Verb.MINT: State.MINTED,
    Verb.ACCEPT: State.ACTIVATED,
    Verb.VERIFY: State.VERIFIED,
    Verb.STAGE: State.STAGED,
    Verb.CUTOVER: State.SWITCHING,
    Verb.SWITCH: State.SWITCHED,
    Verb.SOAK: State.PROMOTED,
    Verb.PROMOTE: State.PROMOTED,
    Verb.REVOKE: State.REVOKED,
    Verb.DROP: State.REVOKED,
    Verb.PROVE: State.PROVEN_DEAD,
    Verb.CLOSE: State.CLOSED,
}
"""The state after which a verb has nothing left to do for a credential."""


def walk(context: Context, stop: Callable[[], bool] = lambda: False) -> None:
    """Carry every open rotation of the plan as far as it goes.

    Raises Interrupted between two moves, or while a move only waits, when `stop` says so;
    and at the end the failure that describes what is left."""
    if context.run.plan.get("digest") != digest(context.plan):
        raise JournalError("the journal was opened for another plan", hint="Run `mycoops resume` from the checkout that opened it.")
    _refuse_what_goes_back(context)
    for name, standing in context.run.rotations.items():
        if standing.open and standing.halted:
            context.record("unblocked", credential=name)
    quarantine.release(context)
    finish.look_again(context)
    mint.collect(context)
    for number, move in enumerate(context.plan.moves, 1):
        if not any(_due(move, context.standing(name)) for name in move.credentials):
            continue
        if stop():
            context.record("interrupted", move=move.id)
            raise Interrupted("stopped between two moves; nothing is half done", hint="Go on with `mycoops resume`.")
        context.record("move", move=move.id)
        context.progress.move(move, number, len(context.plan.moves))
        try:
            HANDLERS[move.verb](context, move)
        except Interrupted:
            context.record("interrupted", move=move.id)
            raise
    if not context.run.open:
        context.record("finished")
    raise_for(context)


def _refuse_what_goes_back(context: Context) -> None:
    """A run is taken back as a whole: with a part of it past the point of no return, the rest could go nowhere any more."""
    if back := [standing for standing in context.run.rotations.values() if standing.open and standing.aborting]:
        raise StepFailed(f"being taken back\n{_reasons(back)}", hint="Go on with `mycoops abort`.")


def _due(move: Move, standing: Standing) -> bool:
    if not standing.open or standing.halted or standing.state not in ORDER:
        return False
    return ORDER.index(standing.state) < ORDER.index(AFTER[move.verb])


def raise_for(context: Context) -> None:
    """Raise what the state of the run amounts to; nothing where every rotation is over."""
    left = [standing for standing in context.run.rotations.values() if standing.open]
    stuck = [standing for standing in left if standing.blocked]
    lines = _reasons(stuck)
    if any(standing.state is State.QUARANTINED for standing in stuck):
        raise ForwardOnly(f"stopped, and not every credential has a valid value\n{lines}", hint="Mend that, then `mycoops resume`.")
    if any(standing.forward_only for standing in stuck):
        raise ForwardOnly(f"stopped after the point of no return\n{lines}", hint="Mend the cause, then `mycoops resume`.")
    if stuck:
        raise StepFailed(
            f"stopped; every old value still works\n{lines}",
            hint="Mend the cause, then `mycoops resume`, or go back with `mycoops abort`.",
        )
    if any(standing.waiting for standing in left):
        raise _waiting([standing for standing in left if standing.waiting], context.plan.digest)
    if pending := [standing for standing in left if standing.state is State.REVOKE_PENDING]:
        names = ", ".join(f"{standing.credential} (until {standing.until})" for standing in pending)
        raise WaitingForPerson(f"the old value is still accepted for a while: {names}", hint="Look again with `mycoops resume`.")
    if left:
        raise StepFailed(f"not over: {', '.join(standing.credential for standing in left)}", hint="Go on with `mycoops resume`.")


def _waiting(standings: list[Standing], digest: str) -> WaitingForPerson:
    names = ", ".join(standing.credential for standing in standings)
    if all(standing.waiting["next"] == approve(digest) for standing in standings):
        hint = f"Somebody else, logged in with an account of their own, approves it: `{approve(digest)}`."
        return WaitingForPerson(f"waiting for a second person: {names}", hint=hint)
    return WaitingForPerson(f"waiting for a person: {names}", hint="`mycoops todo` lists what to do, and where.")


def _reasons(standings: list[Standing]) -> str:
    return "\n".join(f"{standing.credential}: {standing.blocked or standing.state}" for standing in standings)
