"""Ends a value that only a person can end: says where, waits, and believes a fresh login instead of anybody's word."""

from __future__ import annotations

from mycoops.errors import ForwardOnly, WaitingForPerson
from mycoops.model import Outcome, State
from mycoops.plan import Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.probing import Probed, probe, standing_of
from mycoops.rotation.waiting import wait
from mycoops.verdict import EXPLAINED, Standing


def is_ended_by_hand(context: Context, credential: str) -> bool:
    """Whether a person ends the old value, because its provider offers no call for it."""
    return context.kind(credential).revoked_by == "person"


def confirmation(credential: str) -> str:
    """The command with which a person says that the old value is ended."""
    return f"mycoops confirm {credential}"


def end(context: Context, rotation: Rotation, seen: Probed | None) -> None:
    """Go on where the old value was seen refused and the new one accepted, whoever ended it; else wait for the person."""
    name = rotation.credential
    if seen and standing_of(seen) is Standing.NEW_ONLY:
        context.state(name, State.REVOKED)
        return
    step, page = _step(context, name)
    wait(context, name, f"{step}; it is generation {rotation.from_generation}, the old one", page, confirmation(name))
    context.progress.note(f"{name}: waits for a person to end the old value")


def take_back(context: Context, rotation: Rotation, seen: Probed, following: str) -> bool:
    """On the way back a person ends the candidate instead; whether that is what is waited for now."""
    name = rotation.credential
    alive = (seen.random, seen.old) == (Outcome.REFUSED, Outcome.ACCEPTED)
    if not (alive and is_ended_by_hand(context, name)):
        return False
    _, page = _step(context, name)
    number = rotation.to_generation
    wait(context, name, f"end the value that was made for this rotation, generation {number}; not the old one", page, following)
    return True


def confirm(context: Context, credential: str, by: str) -> None:
    """Record that a person has ended the old value, where a random one and the old one are refused and the new one is accepted.

    Raises WaitingForPerson where the old one is still accepted, ForwardOnly where nothing or something worse is known; the
    rotation waits as before then, and what was seen stands in its journal."""
    seen, _ = probe(context, [context.rotation(credential)], passing=lambda rotation: (Standing.OVERLAP,))
    found = standing_of(seen[credential])
    if found is Standing.NEW_ONLY:
        context.record("confirmed", credential=credential, by=by)
        return
    again, detail = confirmation(credential), seen[credential].detail
    if found is Standing.OVERLAP:
        step, page = _step(context, credential)
        raise WaitingForPerson(
            f"{credential}: not confirmed: the old value is still accepted. {detail}".strip(),
            hint=f"Do this: {step} ({page}). A provider may take some time to know it. Then `{again}` once more.",
        )
    hint = f"Ask again: `{again}`."
    if found in (Standing.OLD_ONLY, Standing.NOBODY):
        hint = "If the new value was ended in place of the old one, make it valid again there; then `mycoops resume`."
    raise ForwardOnly(f"{credential}: not confirmed: {EXPLAINED[found]}. {detail}".strip(), hint=hint)


def _step(context: Context, credential: str) -> tuple[str, str]:
    """What to do to end a value, and on which page."""
    step = context.step(credential)
    if step is None:
        return "end the old value in the provider's console", ""
    return step.revoke_instruction or "end the old value", step.revoke_page or step.page
