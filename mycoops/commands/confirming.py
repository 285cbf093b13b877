"""`mycoops confirm`: a person says that an old value is ended at its provider; it counts only where it is seen refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mycoops import account
from mycoops.commands import rotating
from mycoops.commands.providing import kind_of
from mycoops.errors import ConfigurationError
from mycoops.interrupts import Stop
from mycoops.ledger import Run
from mycoops.rotation import by_hand
from mycoops.rotation.context import RESUME, Progress
from mycoops.session import Fleet, Notify


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Which old generation is seen refused, who said that it is ended, and the command that goes on."""

    credential: str
    generation: int
    by: str
    next: str = RESUME


def confirm(fleet: Fleet, credential: str, progress: Progress, notify: Notify, stop: Stop) -> Confirmed:
    """Record the word of a person where a fresh login proves it.

    Raises WrongUsage and ConfigurationError for a credential of which nobody waits for that, and what `by_hand.confirm` raises;
    then the rotation waits on."""
    kind_of(fleet, credential)
    path, run = _waiting(fleet, credential)
    by = account.here()
    rotating.act(fleet, path, "confirm", progress, notify, stop, lambda context: by_hand.confirm(context, credential, by))
    return Confirmed(credential, run.rotations[credential].from_generation, by)


def _waiting(fleet: Fleet, credential: str) -> tuple[Path, Run]:
    asked = by_hand.confirmation(credential)
    for path, run in fleet.runs().items():
        standing = run.rotations.get(credential)
        if standing and standing.open and standing.waiting.get("next") == asked:
            return path, run
        if standing and standing.open and standing.confirmed:
            raise ConfigurationError(f"{standing.confirmed} has confirmed {credential} already", hint=f"Go on: `{RESUME}`.")
    hint = "`mycoops todo` lists what persons have to do."
    raise ConfigurationError(f"{credential}: no rotation waits for its old value to be ended by a person", hint=hint)
