"""Brings new values to consumers outside the hosts, and waits for the persons who have to acknowledge them.

What such a place says, or a person, is the acknowledgement; without it nothing old is touched, unless somebody has waived it by
name and for a while."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mycoops.consumer import Consumer
from mycoops.model import Reached, Stage, State
from mycoops.plan import Rotation
from mycoops.rotation.context import RESUME, Context

PATIENCE = (1.0, 2.0, 4.0, 8.0)
"""Seconds to wait, once after the other, for a place that is busy or did not answer."""
LONGEST = 60.0
"""As many seconds as a place may ask to wait; where it asks for more, the rotation is stopped and goes on with the next command."""
AGAIN = "mycoops abort"


def today() -> str:
    """The day by which waivers and deadlines are judged (ISO date, UTC)."""
    return datetime.now(UTC).date().isoformat()


def named(context: Context, credential: str, consumer: str) -> Consumer | None:
    """The consumer outside the hosts of this name; None for a service, the rotator, or one that is not declared any more."""
    return next((one for one in context.catalogue.credentials[credential].outside if one.name == consumer), None)


def settled(context: Context, credential: str, consumer: Consumer) -> bool:
    """Whether a consumer has acknowledged, or is waived today."""
    standing = context.standing(credential)
    acknowledged = standing.stages.get(consumer.name) is Stage.ACKNOWLEDGED
    return acknowledged or (consumer.outside and standing.excused(consumer.name, today()))


def bring(context: Context, rotations: Iterable[Rotation]) -> None:
    """Bring the new generation of each to every place that has not acknowledged it; whoever waits for a person says so."""
    for rotation in rotations:
        declared = context.catalogue.credentials[rotation.credential].outside
        if declared and context.standing(rotation.credential).state is not State.SWITCHING:
            context.state(rotation.credential, State.SWITCHING)
        for consumer in declared:
            if context.standing(rotation.credential).stages.get(consumer.name) is not Stage.ACKNOWLEDGED:
                _bring(context, rotation, consumer)
        if not context.standing(rotation.credential).halted:
            _wait(context, rotation)


def _bring(context: Context, rotation: Rotation, consumer: Consumer) -> None:
    name, number = rotation.credential, rotation.to_generation
    if context.standing(name).stages.get(consumer.name) is not Stage.SWITCHING:
        deadline = "" if consumer.github else (datetime.now(UTC).date() + timedelta(days=consumer.within_days)).isoformat()
        context.record("consumer", credential=name, service=consumer.name, stage=str(Stage.SWITCHING), deadline=deadline)
    reached = _reached(context, name, consumer, number)
    if reached.problem:
        if not context.standing(name).halted:
            context.block(name, reached.problem)
    elif not reached.person:
        _told(context, name, consumer, Stage.ACKNOWLEDGED, reached)


def _told(context: Context, credential: str, consumer: Consumer, stage: Stage, reached: Reached) -> None:
    facts = {"mark": reached.mark, "evidence": reached.evidence}
    context.record("consumer", credential=credential, service=consumer.name, stage=str(stage), **facts)
    if left := reached.evidence.get("not_searched"):
        context.progress.note(f"{credential}: {consumer.name}: not looked for what hides it: {left}")


def _reached(context: Context, credential: str, consumer: Consumer, generation: int, *, look: bool = False) -> Reached:
    """Bring or look, once more where nobody answered; what only a person can do is done when the journal says so."""
    if consumer.manual:
        said = context.standing(credential).said.get(consumer.name, {})
        done = said.get("generation") == generation
        return Reached(person=not done, evidence={"by": said["by"]} if done else {})
    found = context.reach(credential, consumer, generation, look=look)
    for seconds in PATIENCE:
        if not found.again or found.seconds > LONGEST:
            break
        context.sleep(max(seconds, found.seconds))
        found = context.reach(credential, consumer, generation, look=look)
    return found


def _wait(context: Context, rotation: Rotation) -> None:
    """Record what a rotation waits for; after the deadline it is stopped, and somebody has to decide."""
    name = rotation.credential
    missing = [one for one in context.catalogue.credentials[name].outside if not settled(context, name, one)]
    if not missing:
        return
    deadlines = {one.name: context.standing(name).within.get(one.name, "") for one in missing}
    late = [one for one in missing if deadlines[one.name] and deadlines[one.name] < today()]
    if late:
        first = late[0].name
        context.block(name, f"{first} has not acknowledged by {deadlines[first]}", waive(name, first))
        return
    steps = "; ".join(step(name, one) for one in missing)
    deadline = min(filter(None, deadlines.values()), default="")
    following = command(name, missing[0])
    context.record("waiting", credential=name, step=steps, page=missing[0].page, deadline=deadline, next=following)
    context.progress.note(f"{name}: waits for {', '.join(one.name for one in missing)}")


def step(credential: str, consumer: Consumer) -> str:
    """What a person has to do for a consumer."""
    if consumer.developer:
        return f"{consumer.developer} fetches {credential} into {consumer.path}"
    look = f", and sees: {consumer.check}" if consumer.check else ""
    return f"put {credential} into {consumer.manual}{look}"


def command(credential: str, consumer: Consumer) -> str:
    """The command with which a person acknowledges."""
    if consumer.developer:
        return f"mycoops pull --as {shlex.quote(consumer.developer)}"
    return f"mycoops acknowledge {credential} {shlex.quote(consumer.name)}"


def waive(credential: str, consumer: str) -> str:
    """The command that goes on without an acknowledgement."""
    return f"mycoops waive {credential} {shlex.quote(consumer)} --until DATE --reason TEXT"


def unready(context: Context, rotation: Rotation) -> str:
    """What would keep a new value from a place outside, seen before anything is made; empty where there is nothing."""
    name, number = rotation.credential, rotation.from_generation
    for consumer in context.catalogue.credentials[name].outside:
        if consumer.github and (problem := _reached(context, name, consumer, number, look=True).problem):
            return problem
    return ""


def lapsed(context: Context, rotation: Rotation) -> bool:
    """Whether a place outside has not acknowledged, and its waiver has run out since; it is waited for once more."""
    name = rotation.credential
    for consumer in context.catalogue.credentials[name].outside:
        if not settled(context, name, consumer) and consumer.name in context.standing(name).waived:
            _once_more(context, name, consumer, f"the waiver of {consumer.name} has run out, and it has not acknowledged")
            return True
    return False


def astray(context: Context, rotation: Rotation) -> bool:
    """Look at every place once more before the old value is ended.

    Where one does not hold any more what it acknowledged, the rotation is stopped, and that place is switched again."""
    name = rotation.credential
    if lapsed(context, rotation):
        return True
    for consumer in context.catalogue.credentials[name].outside:
        if consumer.github and context.standing(name).stages.get(consumer.name) is Stage.ACKNOWLEDGED:
            mark = context.standing(name).marks.get(consumer.name, "")
            seen = _reached(context, name, consumer, rotation.to_generation, look=True)
            if seen.problem:
                context.block(name, seen.problem)
                return True
            if seen.mark != mark:
                when = f"it was written at {seen.mark}" if seen.mark else "it is gone"
                _once_more(context, name, consumer, f"somebody has changed {consumer.name}: {when}")
                return True
    return False


def _once_more(context: Context, credential: str, consumer: Consumer, problem: str) -> None:
    """Have the switch of a place made again by the next command."""
    context.state(credential, State.SWITCHING)
    context.record("consumer", credential=credential, service=consumer.name, stage=str(Stage.SWITCHING))
    context.block(credential, problem, RESUME)


def back(context: Context, rotation: Rotation, consumer: Consumer) -> None:
    """Bring the old value back to a place that may hold the candidate; where only a person can, it is waited for."""
    name, number = rotation.credential, rotation.from_generation
    reached = _reached(context, name, consumer, number)
    if reached.problem:
        context.block(name, reached.problem, AGAIN)
    elif reached.person and not context.standing(name).excused(consumer.name, today()):
        what = f"{consumer.name} may hold the new value, which is about to end: {step(name, consumer)} once more, the old one"
        context.block(name, what, command(name, consumer))
    else:
        _told(context, name, consumer, Stage.ROLLED_BACK, reached)
