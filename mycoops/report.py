"""Renders what happened from the journals alone: the rotation log and the summary of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mycoops.checklist import CATEGORIES
from mycoops.exposure import Exposure, clock, exposures, minute
from mycoops.journal import Record
from mycoops.ledger import Run, Standing
from mycoops.model import UNPROVEN, State


@dataclass(frozen=True, slots=True)
class Line:
    """One credential of a run, as the summary shows it. Seconds: from its first effect to the old value's death, else its end."""

    credential: str
    overlap: str
    state: str
    from_generation: int
    to_generation: int
    consumers: int
    restarts: int
    probes: int
    seconds: float
    note: str


def lines(run: Run, records: Iterable[Record]) -> list[Line]:
    """Summarise a run, in the order of its plan."""
    records = list(records)
    return [
        _line(run, entry, [r for r in records if r.get("credential") == entry["credential"]]) for entry in run.plan["rotations"]
    ]


def _line(run: Run, entry: dict[str, Any], records: list[Record]) -> Line:
    standing = run.rotations[entry["credential"]]
    acknowledged = {r["service"] for r in records if r["event"] == "consumer" and r["stage"] == "acknowledged"}
    restarts = [r for r in records if r["event"] in ("ahead", "consumer", "accepted", "dropped") and r.get("restarted")]
    return Line(
        credential=standing.credential,
        overlap=entry["overlap"],
        state=str(standing.shown),
        from_generation=standing.from_generation,
        to_generation=standing.to_generation,
        consumers=len(acknowledged),
        restarts=len(restarts),
        probes=sum(1 for fact in standing.facts if fact["fact"] == "probe"),
        seconds=_between(_time_of(records, State.MINTING) or run.opened, _time_of(records, State.PROVEN_DEAD) or standing.ended),
        note=standing.blocked or str(standing.waiting.get("step", "")) or (UNPROVEN if standing.unproven else ""),
    )


def _time_of(records: Iterable[Record], state: State) -> str:
    """When a rotation first came to a state; empty where it has not."""
    return next((str(r["time"]) for r in records if r["event"] == "state" and r["state"] == str(state)), "")


def _between(first: str, last: str) -> float:
    """Seconds between two records; none where the clock was set back in between."""
    return max(0.0, (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()) if first and last else 0.0


SHOWN = 3
"""As many places as a line names."""
HEAD = re.compile(r"^- journal: `([^`]+)`, head `([0-9a-f]+)`$", re.MULTILINE)
HEAD_DIGITS = 16
PROVEN = {"random": {"refused"}, "new": {"accepted"}, "old": {"refused"}}
"""What the last probes of a rotation that is over have to say."""
HEADER = """# Secret rotation log

Rendered by mycoops from its journals; do not edit. It holds no value: generations are numbers,
evidence is what an authority answered.
"""


def rotation_log(runs: Iterable[tuple[str, Run, str]]) -> str:
    """The log as Markdown, newest run first; each entry is (journal name, run, head of its chain)."""
    entries = list(runs)
    exposed = exposures(run for _, run, _ in entries)
    parts = [HEADER]
    for name, run, head in reversed(entries):
        parts.append(_section(name, run, head, ended_in(run, exposed)))
    return "\n".join(parts)


def heads(log: str) -> dict[str, str]:
    """The heads of the journals that a rendered log vouches for, by the journal's name."""
    return dict(HEAD.findall(log))


def ended_in(run: Run, exposed: Iterable[Exposure]) -> list[Exposure]:
    """The exposures that a run ended: it proved the leaked generation dead, or took it back."""
    return [
        one
        for one in exposed
        if one.until and (standing := run.rotations.get(one.credential)) and one.until in (standing.proven, standing.ended)
    ]


def exposure_text(one: Exposure) -> str:
    """The exposure clock of one generation, as the summary and the log show it."""
    if one.alive:
        return f"EMERGENCY: {one.credential} {one}; valid still, for {clock(one.seconds())}"
    length = f"{clock(one.seconds())}, from {minute(one.since)} to PROVEN_DEAD at {minute(one.until)}"
    return f"exposure of {one.credential} generation {one.generation}: {length}"


def scan_text(run: Run) -> str:
    """What the last leak scan of a run searched, what it found and what it left out; empty where there was none."""
    if not run.scans:
        return ""
    last = run.scans[-1]
    return scan_words(last["places"], len(run.leaks), last["missed"].values(), last["skipped"])


def scan_words(places: Iterable[str], found: int, missed: Iterable[str], skipped: Iterable[str]) -> str:
    """A leak scan in one line."""
    words = f"{', '.join(places)}: " + (f"found in {found} place{'s'[: found != 1]}" if found else "nothing found")
    for name, what in (("not searched", list(missed)), ("left out", list(skipped))):
        more = f" and {len(what) - SHOWN} more" if len(what) > SHOWN else ""
        words += f"; {name}: {'; '.join(what[:SHOWN])}{more}" if what else ""
    return words


def _section(name: str, run: Run, head: str, ended: Iterable[Exposure]) -> str:
    plan = run.plan
    text = [f"## {run.opened[:10]} {plan['label']}", ""]
    text += [
        f"- operator: {run.operator}",
        f"- reason: {_on_one_line(run.reason or plan['reason'])}",
        f"- plan: `{plan['digest']}`",
    ]
    text += _approval(run)
    text += [f"- journal: `{name}`, head `{head[:HEAD_DIGITS]}`", ""]
    text += ["| date | credential | category | generation | state | new accepted | random refused | old refused | persistence |"]
    text += ["|---|---|---|---|---|---|---|---|---|"]
    for entry in plan["rotations"]:
        text.append(_row(run, entry))
    about = [_by_hand(record, run) for record in run.hands]
    about += [
        f"the old value was ended by hand: {name}, confirmed by {one.confirmed}"
        for name, one in run.rotations.items()
        if one.confirmed
    ]
    about += [line for standing in run.rotations.values() for line in _outside(standing)]
    about += [f"leak scan: {scan_text(run)}"] if run.scans else []
    about += [f"LEAK: {leak.credential} generation {leak.generation}: {leak}, at {minute(leak.time)}" for leak in run.leaks]
    about += [exposure_text(one) for one in ended]
    text += ["", *(f"- {line}" for line in about)] if about else []
    absent = plan.get("not_applicable") or []
    if absent:
        text += ["", "Not applicable:", ""]
        text += [f"- {item['category']}: {item['item']}: {_on_one_line(item['reason'])}" for item in absent]
    return "\n".join(text) + "\n"


def _outside(standing: Standing) -> Iterator[str]:
    """What persons said of consumers outside the hosts: who has put a value there, and whom somebody did without."""
    name = standing.credential
    for consumer, record in standing.said.items():
        yield f"acknowledged: {consumer} holds {name} generation {record['generation']}, by {record['by']}"
    for consumer, record in standing.waived.items():
        reason = _on_one_line(record["reason"])
        yield f"waived: {consumer} did not acknowledge {name}, until {record['until']}, by {record['by']}: {reason}"


def _on_one_line(text: str) -> str:
    """What a person wrote, so that no line of it can pass for one of the log's own."""
    return " ".join(text.split())


def _by_hand(record: Record, run: Run) -> str:
    """What a person did to the store, and whether it came to its end."""
    if record["event"] == "set":
        numbers = f"{record['from_generation']} → {record['generation']}"
        text = f"set by hand: {record['credential']} generation {numbers}, fingerprint `{record['fingerprint']}`"
    elif record["event"] == "split":
        names = ", ".join(record["into"])
        text = (
            f"split: {record['credential']} generation {record['generation']} into {names}, fingerprint `{record['fingerprint']}`"
        )
    else:
        text = f"the vault's password was changed: {record['values']} values, in {record['files']} files"
    return text if run.finished else f"{text}; cut off"


def _approval(run: Run) -> list[str]:
    """Who approved the plan and when, where it is asked for at all."""
    if run.approved:
        return [f"- approved: {run.approved['by']} at {run.approved['time'][:19].replace('T', ' ')}"]
    names = [name for name, standing in run.rotations.items() if standing.approval]
    return [f"- approved: not yet; asked for: {', '.join(names)}"] if any(run.rotations[name].open for name in names) else []


def _row(run: Run, entry: dict[str, Any]) -> str:
    standing = run.rotations[entry["credential"]]
    last = final_facts(standing)
    cells = [
        (standing.ended or run.opened)[:16].replace("T", " "),
        standing.credential,
        CATEGORIES[entry["category"]],
        f"{standing.from_generation} → {standing.to_generation}",
        str(standing.shown),
        *(_evidence(last.get(subject, [])) if not standing.unproven else UNPROVEN for subject in ("new", "random", "old")),
        _evidence([fact for fact in standing.facts if fact["fact"] == "persisted"]) if not standing.unproven else UNPROVEN,
    ]
    return "| " + " | ".join(cells) + " |"


def final_facts(standing: Standing) -> dict[str, list[Record]]:
    """The last round of probes by what they asked for: `random`, `old` (the generation that was to go), `new` (any later one)."""
    found: dict[str, dict[str, Record]] = {}
    for fact in standing.facts:
        if fact["fact"] == "probe":
            found.setdefault(standing.about(fact), {})[fact.get("host", "")] = fact
    return {subject: list(by_host.values()) for subject, by_host in found.items()}


def last_outcomes(standing: Standing) -> dict[str, set[str]]:
    """What the last round of probes saw of each subject; PROVEN where the rotation is as it has to be."""
    return {subject: {str(fact["outcome"]) for fact in facts} for subject, facts in final_facts(standing).items()}


def _evidence(facts: list[Record]) -> str:
    words = []
    for fact in facts:
        detail = ", ".join(str(value) for value in (fact.get("evidence") or {}).values() if value not in ("", None))
        host = f" from {fact['host']}" if fact.get("host") else ""
        words.append(f"{fact['outcome']}{host} at {fact['time'][11:19]}" + (f" ({detail})" if detail else ""))
    return "; ".join(words).replace("|", "/") or "–"
