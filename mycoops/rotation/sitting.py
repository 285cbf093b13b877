"""Takes from somebody at the terminal the value that a rotation waits for: encrypted before anything else, then probed at once."""

from __future__ import annotations

from mycoops.plan import Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.probing import probe, standing_of
from mycoops.verdict import Standing

TRIES = 3
"""How many values one person is asked for in one walk, where those brought are refused."""


def asked(context: Context, rotation: Rotation) -> bool:
    """Whether somebody was there and brought a value; what it waits for is in the journal already.

    In one slot it is not probed here: the cut, which asks for it, does that. A value that is refused is asked for once more;
    it stays, because its provider may only be late, and the next walk asks about it again."""
    name = rotation.credential
    for _ in range(TRIES):
        secret = context.asker(name) if context.asker else None
        if secret is None:
            return False
        number = max([rotation.to_generation, *(kept + 1 for kept in context.store.pending(name))])
        context.store.put_pending(name, number, rotation.to_slot, secret)
        if number > context.standing(name).to_generation:
            context.record("renumbered", credential=name, to_generation=number)
        if rotation.overlap.one_slot or _passes(context, name):
            context.record("unblocked", credential=name)
            return True
        context.progress.note(f"{name}: the value that was brought is refused; only the old one is accepted")
    return False


def _passes(context: Context, credential: str) -> bool:
    """Whether a value is not refused: one about which nothing can be learned now is looked at again where all are verified."""
    seen, _ = probe(context, [context.rotation(credential)], passing=lambda rotation: (Standing.OLD_ONLY,))
    return standing_of(seen[credential]) is not Standing.OLD_ONLY
