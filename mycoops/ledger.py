"""The state of every rotation as the fold of the journals; nothing else remembers anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mycoops import account
from mycoops.journal import Record
from mycoops.model import ENDED, ORDER, UNPROVEN, Leak, Outcome, Stage, State

BEGUN = frozenset({Stage.SWITCHING, Stage.FLIPPED, Stage.RESTARTED, Stage.HEALTHY, Stage.ACKNOWLEDGED})
"""The stages in which a consumer may hold what it was to be given."""


@dataclass(slots=True)
class Standing:
    """One rotation as its journal tells it."""

    credential: str
    from_generation: int
    to_generation: int
    approval: bool = False
    state: State = State.PLANNED
    place: State = State.PLANNED
    blocked: str = ""
    next_command: str = ""
    waiting: dict[str, Any] = field(default_factory=dict)
    deadlines: dict[str, str] = field(default_factory=dict)
    """Until when each command of a person was first asked for."""
    confirmed: str = ""
    """Who said that the old value is ended, since it was last to be."""
    stages: dict[str, Stage] = field(default_factory=dict)
    ahead: dict[str, Stage] = field(default_factory=dict)
    accepted_by: set[str] = field(default_factory=set)
    dropped_by: set[str] = field(default_factory=set)
    facts: list[Record] = field(default_factory=list)
    fingerprints: dict[int, str] = field(default_factory=dict)
    """Of the generations that this rotation has seen, by number: a dead value is known by nothing else."""
    soaked: bool = False
    cut: bool = False
    """Whether the one slot was seen to hold the new value, and is not being cut again."""
    forward_only: bool = False
    aborting: bool = False
    opened: str = ""
    proven: str = ""
    """When its old value was last seen dead."""
    ended: str = ""
    until: str = ""
    """Until when a provider may go on accepting the old value."""
    within: dict[str, str] = field(default_factory=dict)
    """By consumer outside the hosts: by when a person has to acknowledge (ISO date)."""
    marks: dict[str, str] = field(default_factory=dict)
    """By consumer outside the hosts: what its place said of what it holds, when it acknowledged."""
    said: dict[str, Record] = field(default_factory=dict)
    """By consumer outside the hosts: which generation a person has put there, and who."""
    waived: dict[str, Record] = field(default_factory=dict)
    """By consumer outside the hosts: who goes on without its acknowledgement, why, and until when."""

    @property
    def open(self) -> bool:
        """Whether the rotation is not over."""
        return self.state not in ENDED

    @property
    def halted(self) -> bool:
        """Whether it waits for a command or a person."""
        return bool(self.blocked or self.waiting)

    def reached(self, state: State) -> bool:
        """Whether the main line came at least as far as `state`, before a side state too."""
        return ORDER.index(self.place) >= ORDER.index(state)

    def excused(self, consumer: str, today: str) -> bool:
        """Whether a consumer outside the hosts is waived on a day (ISO date); what has begun to end is not held up any more."""
        until = self.waived.get(consumer, {}).get("until", "")
        return bool(until) and (self.forward_only or until >= today)

    def about(self, fact: Record) -> str:
        """What a probe asked for, by its generation: on the way back new and old are exchanged, and a fact is not."""
        if fact.get("generation") is None:
            return str(fact.get("subject", ""))
        return "old" if fact["generation"] == self.from_generation else "new"

    def seen(self, subject: str) -> str:
        """What the last probe of `new`, `old` or `random` saw; empty before the first."""
        return next((fact["outcome"] for fact in reversed(self.facts) if self.about(fact) == subject), "")

    @property
    def old_is_dead(self) -> bool:
        """Whether the old value is of no use any more: seen refused last, or replaced by a person where nobody can ask."""
        replaced = any(fact["fact"] == "cut" and fact["outcome"] == UNPROVEN for fact in self.facts)
        return self.seen("old") == Outcome.REFUSED or (self.cut and replaced)

    @property
    def unproven(self) -> bool:
        """Whether it ends without a proof, because nobody can probe its value."""
        return any(fact["fact"] == "unproven" for fact in self.facts)

    @property
    def shown(self) -> State:
        """The state with its side states: what `status` shows."""
        if self.waiting:
            return State.WAITING_HUMAN
        return State.BLOCKED if self.blocked and self.open else self.state

    def generation_for(self, service: str) -> int:
        """What a deploy writes for a service now: the candidate from the moment its switch began, else the old generation.

        After a cut, or once the new generation is the vault's, nobody is given the old one any more."""
        if self.cut or (self.reached(State.PROMOTED) and not self.aborting):
            return self.to_generation
        return self.to_generation if self.stages.get(service) in BEGUN else self.from_generation

    def ahead_for(self, service: str) -> int:
        """What a deploy writes as a service's next value now: the candidate from the moment it may have been given until the cut
        was seen, else none, which is 0."""
        past = self.cut or self.reached(State.PROMOTED)
        return self.to_generation if self.ahead.get(service) in BEGUN and not past else 0

    def accepted_for(self, service: str) -> list[int]:
        """The generations an authority service has to accept now, by its list: both from the moment it may have been told."""
        if service in self.dropped_by:
            return [self.from_generation if self.aborting else self.to_generation]
        return [self.from_generation, self.to_generation] if self.reached(State.MINTED) else [self.from_generation]


@dataclass(slots=True)
class Run:
    """One journal: its plan and the rotations in it."""

    plan: dict[str, Any]
    rotations: dict[str, Standing]
    opened: str = ""
    operator: str = ""
    reason: str = ""
    finished: str = ""
    leaks: list[Leak] = field(default_factory=list)
    scans: list[Record] = field(default_factory=list)
    """What each leak scan searched."""
    hands: list[Record] = field(default_factory=list)
    """What a person did to the store itself: a value that was set or split, a password that was changed."""
    operators: list[str] = field(default_factory=list)
    """Who opened or resumed it, each once."""
    approved: Record | None = None
    """The first approval by somebody who had neither opened nor resumed it until then."""

    @property
    def open(self) -> bool:
        """Whether any rotation of it is not over."""
        return any(standing.open for standing in self.rotations.values())

    def operated(self, identity: str) -> bool:
        """Whether the account behind an identity has opened or resumed it."""
        return account.of(identity) in map(account.of, self.operators)

    def lacks_approval(self, credential: str) -> bool:
        """Whether a rotation may not pass its point of no return yet, because only one person has agreed to it."""
        standing = self.rotations[credential]
        under_way = standing.open and not (standing.forward_only or standing.aborting)
        return standing.approval and self.approved is None and under_way


def fold(records: Iterable[Record]) -> Run | None:
    """Fold the records of one journal; None for an empty one."""
    run: Run | None = None
    for record in records:
        if record["event"] == "opened":
            run = _opened(record)
        elif run is not None:
            apply(run, record)
    return run


def _opened(record: Record) -> Run:
    plan = record["plan"]
    rotations = {
        entry["credential"]: Standing(
            entry["credential"],
            entry["from_generation"],
            entry["to_generation"],
            approval=bool(entry.get("approval")),
            opened=record["time"],
        )
        for entry in plan["rotations"]
    }
    operator = record.get("operator", "")
    return Run(plan, rotations, record["time"], operator, record.get("reason", ""), operators=[operator])


def apply(run: Run, record: Record) -> None:
    """Take one more record into the fold."""
    event = record["event"]
    if event == "finished":
        run.finished = record["time"]
    if event == "leak":
        run.leaks.append(Leak.of(record))
    if event in ("scanned", "set", "split", "rekeyed"):
        (run.scans if event == "scanned" else run.hands).append(record)
    if event == "resumed" and record.get("operator") and record["operator"] not in run.operators:
        run.operators.append(record["operator"])
    if event == "approved":
        _approved(run, record)
    standing = run.rotations.get(record.get("credential", ""))
    if standing is None:
        return
    if event == "state":
        _state(standing, record)
    elif event in ("consumer", "acknowledged", "waived"):
        _consumer(standing, record)
    elif event == "ahead":
        standing.ahead[record["service"]] = Stage(record["stage"])
    elif event in ("accepted", "dropped"):
        (standing.accepted_by if event == "accepted" else standing.dropped_by).add(record["service"])
    elif event == "fact":
        standing.facts.append(record)
        standing.soaked = standing.soaked or record["fact"] == "soaked"
        standing.cut = standing.cut or record["fact"] == "cut"
    elif event == "blocked":
        standing.blocked, standing.next_command = record["reason"], record["next"]
    elif event == "waiting":
        _waiting(standing, record)
    elif event == "confirmed":
        standing.confirmed, standing.waiting = record["by"], {}
    elif event == "unblocked":
        standing.blocked, standing.next_command, standing.waiting = "", "", {}
    elif event == "kept":
        standing.fingerprints[record["generation"]] = record["fingerprint"]
    elif event == "renumbered":
        standing.to_generation = record["to_generation"]


def _waiting(standing: Standing, record: Record) -> None:
    standing.waiting = {name: record.get(name, "") for name in ("step", "page", "owner", "deadline", "next")}
    if record.get("deadline"):
        standing.deadlines.setdefault(record["next"], record["deadline"])


def _consumer(standing: Standing, record: Record) -> None:
    """Take what is told of one consumer: by the engine, or by the person who put the value there, or goes on without it."""
    name = record["service"]
    if record["event"] == "acknowledged":
        standing.said[name], standing.waiting = record, {}
    elif record["event"] == "waived":
        standing.waived[name], standing.waiting = record, {}
    else:
        standing.stages[name] = Stage(record["stage"])
        standing.within |= {name: record["deadline"]} if record.get("deadline") else {}
        standing.marks |= {name: record["mark"]} if record.get("mark") else {}


def _approved(run: Run, record: Record) -> None:
    """Take an approval: of this very plan, and by somebody else; who goes on with the run after it may be anybody."""
    if run.approved or record["digest"] != run.plan["digest"] or run.operated(record["by"]):
        return
    run.approved = record
    for standing in run.rotations.values():
        if standing.waiting.get("next") == approve(record["digest"]):
            standing.waiting = {}


def approve(digest: str) -> str:
    """The command with which a second person approves a plan."""
    return f"mycoops approve {digest}"


def _state(standing: Standing, record: Record) -> None:
    standing.state = State(record["state"])
    if standing.state in ORDER:
        standing.place = standing.state
    if standing.state in (State.MINTING, State.MINTED):
        standing.accepted_by.clear()
    if standing.state in (State.MINTED, State.CUTOVER):
        # Whoever runs on the new value already has lived on one that was refused in between, and is looked at again.
        tried = {name: Stage.SWITCHING for name, stage in standing.stages.items() if stage is Stage.ACKNOWLEDGED}
        standing.stages.update(tried)
    if standing.state in (State.SWITCHING, State.CUTOVER):
        standing.soaked = False
    if standing.state is State.CUTOVER:
        standing.cut = False
    if standing.state is State.REVOKING:
        standing.dropped_by.clear()
        standing.confirmed = ""
    if standing.state is State.PROVEN_DEAD:
        standing.proven = record["time"]
    for name, number in (("fingerprint", standing.to_generation), ("from_fingerprint", standing.from_generation)):
        if record.get(name):
            standing.fingerprints[number] = record[name]
    standing.forward_only = standing.forward_only or bool(record.get("forward_only"))
    standing.until = record.get("until", "")
    if standing.state is State.ROLLING_BACK:
        standing.aborting = True
    if not standing.open:
        standing.ended = record["time"]
        standing.blocked, standing.waiting = "", {}
