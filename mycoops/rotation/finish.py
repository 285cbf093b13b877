"""The moves around the end of the old value: soak and promote before it, prove after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mycoops.errors import StepFailed
from mycoops.model import Item, State
from mycoops.plan import Move, Rotation
from mycoops.rotation import outside
from mycoops.rotation.attest import attest, rehearsal
from mycoops.rotation.context import Context
from mycoops.rotation.lost import accepted, regain
from mycoops.rotation.probing import Probed, probe, standing_of
from mycoops.rotation.quarantine import shut
from mycoops.rotation.replies import explain, strays
from mycoops.rotation.switch import acknowledged
from mycoops.runner import Outcome as Answers
from mycoops.verdict import EXPLAINED, Standing

DRAIN_ATTEMPTS = 10
DRAIN_SECONDS = 2.0
"""How often, and how far apart, a server is asked whether the old value is still in use."""
GRACE_SECONDS = 24 * 3600
"""How long a provider of values that replace themselves may go on accepting the one before."""
SKEW_SECONDS = 1
"""Added to the longest life of a token signed with the old key."""


FAULT = "This is a fault of mycoops, and nothing was changed: keep the journal, and report it."


def soak(context: Context, move: Move) -> None:
    """Wait until nobody uses the old value any more: count it where the authority can, and look at every consumer again.

    Where the old one is revoked after it, the new value is asked for once more: it may have been lost since the switch."""
    for rotation in context.at(move.credentials, State.SWITCHED):
        context.state(rotation.credential, State.SOAKING)
    rotations = [r for r in context.at(move.credentials, State.SOAKING) if not context.standing(r.credential).soaked]
    if not rotations:
        return
    context.sleep(max(_seconds(context, rotation) for rotation in rotations))
    waiting = {r.credential: r for r in rotations if context.kind(r.credential).counts(r.from_principal, r.to_principal)}
    problems = dict.fromkeys(waiting, "")
    overlapping = [rotation for rotation in rotations if rotation.overlap.two_valid]
    seen: dict[str, Probed] = {}
    for attempt in range(DRAIN_ATTEMPTS):
        items = {name: context.items().entry(rotation, "drain") for name, rotation in waiting.items()}
        asked = [item for group in items.values() for item in group]
        found, answers = probe(context, () if seen else overlapping, asked, rehearsal(context, rotations))
        seen |= found
        problems = {name: _in_use(answers, group) for name, group in items.items()}
        waiting = {name: rotation for name, rotation in waiting.items() if problems[name]}
        if not waiting or attempt == DRAIN_ATTEMPTS - 1:
            break
        context.sleep(DRAIN_SECONDS)
    for name in waiting:
        context.block(name, problems[name])
    idle = [rotation for rotation in rotations if rotation.credential not in waiting]
    fine = accepted(context, [r for r in idle if r in overlapping], seen) + [r for r in idle if r not in overlapping]
    for rotation in attest(context, fine, answers):
        context.fact(rotation.credential, "soaked", outcome="no use seen", generation=rotation.from_generation)


def _seconds(context: Context, rotation: Rotation) -> float:
    if rotation.overlap.one_slot:
        return 0.0
    life = context.catalogue.credentials[rotation.credential].authority.options.get("max_ttl_seconds")
    return max(context.catalogue.fleet.soak_seconds, int(life) + SKEW_SECONDS if life else 0)


def _in_use(answers: Answers, items: list[Item]) -> str:
    if problem := explain(answers, items):
        return problem
    found = {item.host: answers.of(item.id) for item in items}
    busy = {host: reply.data.get("in_use") for host, reply in found.items() if reply and reply.data.get("in_use")}
    return "; ".join(f"{host} still counts {number} uses of the old value" for host, number in busy.items())


def promote(context: Context, move: Move) -> None:
    """The new generation becomes the one in the vault source; the old one is kept until it is proven dead."""
    for rotation in context.at(move.credentials, State.SOAKING):
        if outside.lapsed(context, rotation):
            continue
        if not (context.standing(rotation.credential).soaked and acknowledged(context, rotation)):
            raise StepFailed(f"{rotation.credential}: not every consumer has acknowledged the new value", hint=FAULT)
        context.store.promote(rotation.credential, rotation.to_generation)
        context.state(rotation.credential, State.PROMOTED, **context.named(rotation))


def prove(context: Context, move: Move) -> None:
    """See with fresh logins: random refused, new accepted, old refused; and that no restart of the authority undoes it."""
    rotations = context.at(move.credentials, State.REVOKED, State.RELEASED)
    rotations += [rotation for rotation in context.at(move.credentials, State.PROMOTED) if rotation.overlap.one_slot]
    rotations = [rotation for rotation in rotations if context.kind(rotation.credential).provable]
    persist = {
        rotation.credential: context.items().entry(rotation, "persist")
        for rotation in rotations
        if "persistence" in context.kind(rotation.credential).capabilities
    }
    lists = dict.fromkeys(service for rotation in rotations for service in _verifiers(context, rotation))
    rehearsed = context.requests().for_services(lists)
    asked = [item for group in persist.values() for item in group]
    probed, answers = probe(context, rotations, asked, rehearsed, passing=_early, scan=context.is_last(move))
    for rotation in rotations:
        problem = (
            _alive(context, rotation, probed[rotation.credential])
            or _volatile(context, answers, persist.get(rotation.credential, []))
            or _undone(context, rotation, answers)
        )
        if context.standing(rotation.credential).state is State.REVOKE_PENDING:
            continue
        if problem:
            context.block(rotation.credential, problem)
            continue
        if not (persist.get(rotation.credential) or _verifiers(context, rotation)):
            context.fact(rotation.credential, "persisted", outcome="not checked", evidence={"why": "its kind has no such entry"})
        context.state(rotation.credential, State.PROVEN_DEAD)


def _early(rotation: Rotation) -> tuple[Standing, ...]:
    """What may pass: an authority that does not know yet that the old value is revoked."""
    return () if rotation.overlap.mutating else (Standing.OVERLAP,)


def look_again(context: Context) -> None:
    """Let every old value that a provider went on accepting be looked at once more."""
    for name, standing in context.run.rotations.items():
        if standing.state is State.REVOKE_PENDING:
            context.state(name, standing.place)


def _verifiers(context: Context, rotation: Rotation) -> tuple[str, ...]:
    """The services of ours that accept a credential by a list."""
    listed = context.kind(rotation.credential).accepts_by == "delivery"
    return context.catalogue.credentials[rotation.credential].authority.services if listed else ()


def _alive(context: Context, rotation: Rotation, seen: Probed) -> str:
    standing = standing_of(seen)
    if standing is Standing.NOBODY:
        shut(context, rotation.credential)
    if standing in (Standing.OVERLAP, Standing.OLD_ONLY) and rotation.overlap.two_valid:
        context.state(rotation.credential, State.REVOKING)
    if standing is Standing.OLD_ONLY and rotation.overlap.one_slot:
        return regain(context, rotation)[0]
    if standing is Standing.OVERLAP and rotation.overlap.mutating:
        until = datetime.now(UTC) + timedelta(seconds=GRACE_SECONDS)
        context.state(rotation.credential, State.REVOKE_PENDING, until=until.strftime("%Y-%m-%d %H:%M UTC"))
    return "" if standing is Standing.NEW_ONLY else f"{EXPLAINED[standing]}. {seen.detail}".strip()


def _volatile(context: Context, answers: Answers, items: list[Item]) -> str:
    if problem := explain(answers, items):
        return problem
    for item in items:
        reply = answers.of(item.id)
        if reply is None or reply.data.get("persisted") is not True:
            return f"{item.host}: a restart of the authority would undo the change"
        evidence = reply.data.get("evidence", {})
        context.fact(item.credential, "persisted", outcome="persisted", host=item.host, evidence=evidence)
    return ""


def _undone(context: Context, rotation: Rotation, answers: Answers) -> str:
    """Of a list: read back on the host, the file holds the new one alone, and the process that verifies runs on it."""
    variables = context.catalogue.credentials[rotation.credential].authority.accepts
    for service in _verifiers(context, rotation):
        declared = context.catalogue.services[service]
        if problem := strays(context, answers, service, variables):
            context.state(rotation.credential, State.REVOKING)
            return problem
        evidence = {"path": " ".join(dict.fromkeys(declared.file_of(name).path for name in variables)), "service": service}
        context.fact(rotation.credential, "persisted", outcome="persisted", host=declared.host, evidence=evidence)
    return ""
