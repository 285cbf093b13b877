"""A new value that its authority has lost, as one does that was restarted without having saved it, is made valid once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mycoops.model import State
from mycoops.plan import Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.probing import Probed, standing_of
from mycoops.rotation.quarantine import shut
from mycoops.rotation.replies import explain
from mycoops.verdict import EXPLAINED, Standing

ACCEPTED = (Standing.OVERLAP, Standing.NEW_ONLY)


def accepted(context: Context, rotations: Iterable[Rotation], seen: Mapping[str, Probed]) -> list[Rotation]:
    """Those whose new value is accepted; the others are stopped, so that nobody is switched or left without a valid one."""
    return [rotation for rotation in rotations if _accepted(context, rotation, seen[rotation.credential])]


def _accepted(context: Context, rotation: Rotation, seen: Probed) -> bool:
    standing, name = standing_of(seen), rotation.credential
    if standing in ACCEPTED:
        return True
    if standing is Standing.NOBODY:
        shut(context, name)
    problem = f"{EXPLAINED[standing]}. {seen.detail}".strip()
    if standing is Standing.OLD_ONLY:
        problem, following = regain(context, rotation)
        context.block(name, problem, following)
    else:
        context.block(name, problem)
    return False


def regain(context: Context, rotation: Rotation) -> tuple[str, str]:
    """Make a lost value valid again, or go back to where that is done; returns what to say, and the command that goes on."""
    name = rotation.credential
    if rotation.overlap.needs_person or rotation.overlap.provider_mints:
        past = context.standing(name).forward_only
        what = "its provider accepts only the old value: the new one is gone there"
        return (what, "mycoops resume") if past else (f"{what}; go back, and rotate again", "mycoops abort")
    if rotation.overlap.one_slot:
        context.state(name, State.CUTOVER, forward_only=True)
        return "its authority has lost the new value: the cut is made again", "mycoops resume"
    if context.kind(name).accepts_by == "delivery":
        context.state(name, State.MINTED)
        return "the new value is gone from a list that has to hold it: it is put there again", "mycoops resume"
    items = context.items().entry(rotation, "mint")
    return explain(context.call(items), items) or "its authority had lost the new value, and has it again", "mycoops resume"
