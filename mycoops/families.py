"""Which credentials share a value because it was split, as the journals tell: until each is rotated, that is no finding."""

from __future__ import annotations

from collections.abc import Iterable

from mycoops.ledger import Run

Families = dict[str, frozenset[str]]
"""By credential, itself and all that were split from the same value."""


def families(runs: Iterable[Run]) -> Families:
    """Everything that was ever split."""
    found: Families = {}
    for run in runs:
        for record in run.hands:
            if record["event"] == "split":
                family = frozenset({record["credential"], *record["into"]})
                family = family.union(*(found.get(name, frozenset()) for name in family))
                found |= dict.fromkeys(family, family)
    return found
