"""The last move: nothing is CLOSED before the leak scan of its run is clean for it, and its evidence is in the log."""

from __future__ import annotations

from collections.abc import Mapping

from mycoops.errors import MycoopsError
from mycoops.leaks.hosts import holders
from mycoops.model import UNPROVEN, State
from mycoops.plan import Move, Rotation
from mycoops.rotation.context import Context


def close(context: Context, move: Move) -> None:
    """Forget the dead value once its evidence is in the log. Of a value that nobody can probe the log says so.

    A rotation of whose credential a value was found stays open until a person was told, because someone has to look; so does
    one of which a host that holds it could not be searched."""
    unproven = [r for r in context.at(move.credentials, State.PROMOTED) if not context.kind(r.credential).provable]
    for rotation in unproven:
        if context.standing(rotation.credential).unproven:
            continue
        context.fact(rotation.credential, "unproven", outcome=UNPROVEN, evidence={"why": "nobody can probe it"})
    dead = context.at(move.credentials, State.PROVEN_DEAD) + unproven
    unrendered = _unrendered(context) if dead else ""
    missed = context.scan() if dead else {}
    for rotation in dead:
        problem = _untold(context, rotation) or _unsearched(context, rotation, missed) or unrendered
        if problem:
            context.block(rotation.credential, problem)
            continue
        context.forget(rotation)
        context.state(rotation.credential, State.CLOSED)


def _unrendered(context: Context) -> str:
    try:
        context.render()
    except MycoopsError as error:
        return error.message
    return ""


def _untold(context: Context, rotation: Rotation) -> str:
    """Where a value of the credential was found and nobody was told yet, in this run or an earlier one; telling is recorded."""
    told = {fact["place"] for fact in context.standing(rotation.credential).facts if fact["fact"] == "leak"}
    told |= {str(leak) for run in context.others for leak in run.leaks if leak.generation == rotation.from_generation}
    new = [leak for leak in context.run.leaks if leak.credential == rotation.credential and f"{leak}" not in told]
    for leak in new:
        context.fact(rotation.credential, "leak", outcome="found", place=str(leak), leaked=leak.generation)
    words = "; ".join(f"generation {leak.generation} in {leak}" for leak in new)
    return f"a value was found where it must not be: {words}" if new else ""


def _unsearched(context: Context, rotation: Rotation, missed: Mapping[str, str]) -> str:
    hosts = sorted(holders(context.catalogue, context.kinds, rotation.credential) & missed.keys())
    return f"not searched for leaks: {'; '.join(missed[host] for host in hosts)}" if hosts else ""
