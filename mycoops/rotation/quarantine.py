"""A rotation of which no value is valid waits for a person, stops nothing else, and is asked about anew by every resume."""

from __future__ import annotations

from mycoops.model import State
from mycoops.rotation.context import Context
from mycoops.rotation.probing import probe, standing_of
from mycoops.verdict import EXPLAINED, Standing

SILENT = (Standing.NOBODY, Standing.UNKNOWN, Standing.CANNOT_VERIFY)


def shut(context: Context, credential: str) -> None:
    """Put a rotation aside; it keeps its place on the main line."""
    context.state(credential, State.QUARANTINED)


def release(context: Context) -> None:
    """Ask for every rotation that was put aside; one of which a value is accepted again goes on from its place."""
    names = [name for name, standing in context.run.rotations.items() if standing.state is State.QUARANTINED]
    aside = context.at(names, State.QUARANTINED)
    seen, _ = probe(context, aside) if aside else ({}, None)
    for rotation in aside:
        found = standing_of(seen[rotation.credential])
        if found in SILENT:
            context.block(rotation.credential, f"{EXPLAINED[found]}. {seen[rotation.credential].detail}".strip())
        else:
            context.state(rotation.credential, context.standing(rotation.credential).place)
