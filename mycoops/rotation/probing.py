"""Asks the authorities with fresh logins, control first, and keeps every answer as a fact."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mycoops.delivery import Request
from mycoops.items import SUBJECTS, Subject
from mycoops.model import Item, Outcome
from mycoops.plan import Rotation
from mycoops.rotation.context import Context
from mycoops.rotation.replies import explain, unheard
from mycoops.runner import Outcome as Answers
from mycoops.verdict import Standing, combine, judge

PATIENCE = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait, once after the other, for an authority that is busy or has not taken in yet what it was told."""
WORST = {"random": Outcome.ACCEPTED, "new": Outcome.REFUSED, "old": Outcome.ACCEPTED}
"""What a value counts as that some hosts see accepted and others refused: the reading that claims least for the rotation."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What the probes of one credential saw, over all the hosts they ran from."""

    random: Outcome
    new: Outcome
    old: Outcome
    detail: str = ""
    throttled: bool = False


def standing_of(seen: Probed) -> Standing:
    """Apply the recovery table."""
    return judge(seen.random, seen.new, seen.old)


def probe(
    context: Context,
    rotations: Iterable[Rotation],
    others: Sequence[Item] = (),
    rehearsed: Mapping[str, Request] | None = None,
    *,
    swapped: bool = False,
    passing: Callable[[Rotation], Collection[Standing]] = lambda rotation: (),
    scan: bool = False,
) -> tuple[dict[str, Probed], Answers]:
    """Probe these rotations' values in one start, `others` along with them; deliveries are only `rehearsed`, in check mode,
    and the leak `scan` may ride along.

    An answer that did not come is `unreachable`, and so is a value that is not kept, or not yet there. A standing that may be
    `passing`, because an authority takes some time to take in what it was told, is asked for again; so is one that turned
    a login away as too many."""
    rotations = list(rotations)
    seen, answers = _ask(context, rotations, others, rehearsed or {}, swapped=swapped, scan=scan)
    for seconds in PATIENCE:
        again = [r for r in rotations if seen[r.credential].throttled or standing_of(seen[r.credential]) in passing(r)]
        if not again:
            break
        context.sleep(seconds)
        seen |= _ask(context, again, (), {}, swapped=swapped)[0]
    return seen, answers


def _ask(
    context: Context,
    rotations: list[Rotation],
    others: Sequence[Item],
    rehearsed: Mapping[str, Request],
    *,
    swapped: bool,
    scan: bool = False,
) -> tuple[dict[str, Probed], Answers]:
    builder = context.items(swapped=swapped)
    provable = [rotation for rotation in rotations if context.kind(rotation.credential).provable]
    items = {r.credential: builder.probes(r, _subjects(context, r, swapped=swapped)) for r in provable}
    asked = [item for group in items.values() for item in group]
    answers = context.deliver(rehearsed, check=True, items=[*asked, *others], scan=scan)
    return {r.credential: _read(context, items.get(r.credential, []), answers) for r in rotations}, answers


def _subjects(context: Context, rotation: Rotation, *, swapped: bool) -> list[Subject]:
    new, old = rotation.to_generation, rotation.from_generation
    numbers: dict[Subject, int] = {"new": old if swapped else new, "old": new if swapped else old}
    return [name for name in SUBJECTS if name not in numbers or context.keeps(rotation.credential, numbers[name])]


def _read(context: Context, items: list[Item], answers: Answers) -> Probed:
    seen: dict[str, list[Outcome]] = {subject: [] for subject in SUBJECTS}
    for item in items:
        reply = answers.of(item.id)
        outcome = (reply.outcome if reply and not reply.error else None) or Outcome.UNREACHABLE
        seen[item.body["subject"]].append(outcome)
        evidence = reply.data.get("evidence", {}) if reply else {}
        subject = item.body["subject"]
        number = item.body["previous"] if subject == "old" else item.body["generation"]
        context.fact(
            item.credential,
            "probe",
            subject=subject,
            generation=None if subject == "random" else number,
            outcome=str(outcome),
            host=item.host,
            evidence=evidence,
        )
    outcomes = {subject: combine(found, WORST[subject]) for subject, found in seen.items()}
    throttled = any(Outcome.THROTTLED in found for found in seen.values())
    detail = explain(answers, items) or unheard(answers, items)
    return Probed(outcomes["random"], outcomes["new"], outcomes["old"], detail, throttled)
