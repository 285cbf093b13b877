"""Keeps a rotation before its point of no return until a second person has approved the plan."""

from __future__ import annotations

from collections.abc import Iterable

from mycoops.ledger import approve
from mycoops.plan import Rotation
from mycoops.rotation import waiting
from mycoops.rotation.context import Context


def lacking(context: Context, rotation: Rotation) -> bool:
    """Whether this rotation needs an approval that its journal does not hold."""
    return context.run.lacks_approval(rotation.credential)


def wait(context: Context, rotation: Rotation) -> None:
    """Record that this rotation waits for a second person; it stays where it is, and no other waits for it."""
    digest = context.plan.digest
    step = f"approval of plan {digest} by a second person"
    waiting.wait(context, rotation.credential, step, "", approve(digest))
    context.progress.note(f"{rotation.credential}: waits for the {step}")


def cleared(context: Context, rotations: Iterable[Rotation]) -> list[Rotation]:
    """Those that may pass their point of no return; the others wait."""
    rotations = list(rotations)
    for rotation in rotations:
        if lacking(context, rotation):
            wait(context, rotation)
    return [rotation for rotation in rotations if not lacking(context, rotation)]
