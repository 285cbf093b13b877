"""What three probes, control first, say about where a rotation stands; pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from mycoops.model import Outcome


class Standing(StrEnum):
    """The rows of the recovery table of the protocol."""

    UNKNOWN = "unknown"
    CANNOT_VERIFY = "cannot_verify"
    OVERLAP = "overlap"
    NEW_ONLY = "new_only"
    OLD_ONLY = "old_only"
    NOBODY = "nobody"


EXPLAINED = {
    Standing.UNKNOWN: "the authority could not be asked: nothing is known",
    Standing.CANNOT_VERIFY: "a random value was accepted: this path does not check, so nothing can be verified on it",
    Standing.OVERLAP: "old and new are both accepted",
    Standing.NEW_ONLY: "only the new value is accepted",
    Standing.OLD_ONLY: "only the old value is accepted",
    Standing.NOBODY: "neither the old nor the new value is accepted",
}


def combine(outcomes: Iterable[Outcome], split: Outcome = Outcome.UNREACHABLE) -> Outcome:
    """One outcome for the same value seen from several hosts: `split` where it is accepted by some and refused by others.

    Any other disagreement, and any host that could not say, is `unreachable`."""
    seen = set(outcomes)
    if seen == {Outcome.ACCEPTED, Outcome.REFUSED}:
        return split
    return seen.pop() if len(seen) == 1 else Outcome.UNREACHABLE


def judge(random: Outcome, new: Outcome, old: Outcome) -> Standing:
    """Apply the table: the control first; only `accepted` proves live and only `refused` proves dead."""
    if random is Outcome.ACCEPTED:
        return Standing.CANNOT_VERIFY
    if random is not Outcome.REFUSED:
        return Standing.UNKNOWN
    table = {
        (Outcome.ACCEPTED, Outcome.ACCEPTED): Standing.OVERLAP,
        (Outcome.ACCEPTED, Outcome.REFUSED): Standing.NEW_ONLY,
        (Outcome.REFUSED, Outcome.ACCEPTED): Standing.OLD_ONLY,
        (Outcome.REFUSED, Outcome.REFUSED): Standing.NOBODY,
    }
    return table.get((new, old), Standing.UNKNOWN)
