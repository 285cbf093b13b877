"""What a leak means for a command: what it fails with, and where it is written down if there is no journal of a rotation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from mycoops.commands.rendering import concluded, opened_for_nothing
from mycoops.errors import Leaked, MycoopsError, StepFailed
from mycoops.exposure import emergencies
from mycoops.leaks.control_node import OUTPUT
from mycoops.leaks.heard import HEARD
from mycoops.leaks.known import Known
from mycoops.model import Leak, State
from mycoops.session import Fleet, Session

SHOWN = 5
"""As many places of one generation as are told in a message; the journal has all of them."""


def failure(
    fleet: Fleet, leaks: Iterable[Leak], missed: Mapping[str, str] | None = None, error: MycoopsError | None = None
) -> MycoopsError | None:
    """What a command fails with: a leak before all else, then its own `error`, then a host that was not searched."""
    leaks = list(leaks)
    if leaks:
        rest = f"\n{error.message}" if error else ""
        return Leaked(_told(leaks) + rest, hint=_advice(fleet, leaks))
    if error is None and missed:
        what = "; ".join(missed.values())
        return StepFailed(f"all is done, but not searched for leaks: {what}", hint="`mycoops deploy` searches every host again.")
    return error


def _told(leaks: list[Leak]) -> str:
    places: dict[tuple[str, int], list[str]] = {}
    for leak in leaks:
        places.setdefault((leak.credential, leak.generation), []).append(str(leak))
    lines = []
    for (credential, generation), found in places.items():
        more = f" and {len(found) - SHOWN} more places" if len(found) > SHOWN else ""
        lines.append(f"{credential}: generation {generation} was found where it must not be: {'; '.join(found[:SHOWN])}{more}")
    return "\n".join(lines)


def _advice(fleet: Fleet, leaks: Iterable[Leak]) -> str:
    alive = emergencies(fleet.runs().values())
    names = list(dict.fromkeys(leak.credential for leak in leaks if leak.credential in alive))
    if going := _under_way(fleet, names):
        ended = f"`mycoops resume` ends the rotation of {', '.join(going)} that is open"
        return f"EMERGENCY: that value is valid. Remove it there; {ended}, and `mycoops status` says whether that was enough."
    if names:
        return f"EMERGENCY: that value is valid. Remove it there, and replace it: `mycoops rotate {' '.join(names)}`."
    return "That value is dead already. Remove it there; `mycoops resume` closes the rotation if it is open."


def _under_way(fleet: Fleet, names: Iterable[str]) -> list[str]:
    """Those whose rotation has to end before another one begins; one whose old value is proven dead ends with that."""
    standings = {name: one for run in fleet.runs().values() for name, one in run.rotations.items() if one.open}
    return [name for name in names if name in standings and standings[name].state is not State.PROVEN_DEAD]


def recorded(fleet: Fleet, leaks: Iterable[Leak], what: str, token: int = 0) -> MycoopsError | None:
    """Write leaks into a journal of their own, which has a plan of nothing, and render the log; nothing where there are none.

    Returns what kept them from being written."""
    leaks = list(dict.fromkeys(leaks))
    try:
        if leaks:
            _write(fleet, leaks, what, token)
    except MycoopsError as error:
        return error
    return None


def _write(fleet: Fleet, leaks: list[Leak], what: str, token: int) -> None:
    written = opened_for_nothing(fleet, what, f"a value was found by the leak scan of {what}", token)
    for leak in leaks:
        written.write("leak", credential=leak.credential, generation=leak.generation, host=leak.host, place=leak.place)
    concluded(fleet, written)


def listen(session: Session, leaks: Iterable[Leak]) -> None:
    """From now on what is printed is searched once more when the command ends; `leaks` are told already."""
    HEARD.told += leaks
    HEARD.last = partial(overheard, session.fleet, session.search.known)


def overheard(fleet: Fleet, known: Known) -> MycoopsError | None:
    """Look at everything this command has printed, its last lines included; what is new is recorded and returned."""
    found = [Leak(credential, generation, OUTPUT) for credential, generation in known.found(HEARD.data())]
    new = [leak for leak in found if leak not in HEARD.told]
    return failure(fleet, new, error=recorded(fleet, new, "the last lines of a command"))
