"""A rotation of which no value is valid waits for a person, stops nothing else, and is asked about anew by every resume."""

from __future__ import annotations

from mycoops.model import Outcome, State
from mycoops.plan import Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.probing import Probed, probe, standing_of
from mycoops.verdict import EXPLAINED, Standing

SILENT = (Standing.NOBODY, Standing.UNKNOWN, Standing.CANNOT_VERIFY)


def shut(context: Context, credential: str) -> None:
    """Put a rotation aside; it keeps its place on the main line."""
    context.state(credential, State.QUARANTINED)


def _standing(context: Context, rotation: Rotation, seen: Probed) -> Standing:
    """Where the rotation stands; a new value that nobody has yet cannot be asked about, and need not be."""
    if context.keeps(rotation.credential, rotation.to_generation):
        return standing_of(seen)
    old_only = (seen.random, seen.old) == (Outcome.REFUSED, Outcome.ACCEPTED)
    return Standing.OLD_ONLY if old_only else Standing.UNKNOWN


def release(context: Context) -> None:
    """Ask for every rotation that was put aside; one of which a value is accepted again goes on from its place."""
    names = [name for name, standing in context.run.rotations.items() if standing.state is State.QUARANTINED]
    aside = context.at(names, State.QUARANTINED)
    seen, _ = probe(context, aside) if aside else ({}, None)
    for rotation in aside:
        found = _standing(context, rotation, seen[rotation.credential])
        if found in SILENT:
            context.block(rotation.credential, f"{EXPLAINED[found]}. {seen[rotation.credential].detail}".strip())
        else:
            context.state(rotation.credential, context.standing(rotation.credential).place)
