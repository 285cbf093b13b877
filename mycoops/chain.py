"""Holds every journal against its own chain, the log that names its head, the journals after it, and what was remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mycoops import journal, settings
from mycoops.errors import JournalError
from mycoops.journal import Record, Verdict
from mycoops.report import heads
from mycoops.settings import Settings

TRUSTED = ("intact", "torn")
"""What may be gone on from: a record that was cut off by a crash was not acted on yet."""
RESTORE = "`mycoops log verify` says what is wrong; restore the journal from version control or a backup."
WORDS = {
    "tampered": "this record was changed",
    "foreign": "written under another install key",
    "shortened": "the rotation log names a record that is not in it any more",
    "copied": "it was opened under another name: this is a copy, or it was renamed",
    "missing": "the rotation log knows of it, and it is not there",
}
Vouched = list[tuple[list[Record], Verdict]]


def vouched(where: Settings) -> Vouched:
    """Every journal with its verdict, oldest first; those that only the rendered log knows of come last."""
    return _judged(where, linked=False)


def verified(where: Settings, remembered: Mapping[str, str]) -> Vouched:
    """The same, and each journal also has to hold what the one opened after it says it held, and what this control node remembers:
    heads by names. Without an install key nothing can be verified, and none is made."""
    if not settings.has_install_key(where):
        return [([], Verdict(path, "unverified", 0)) for path in journal.paths(where.journals)]
    return _judged(where, linked=True, remembered=remembered)


def _judged(where: Settings, *, linked: bool, remembered: Mapping[str, str] | None = None) -> Vouched:
    key, log = settings.install_key(where), where.rotation_log
    wanted: dict[str, list[str]] = {name: [head] for name, head in (remembered or {}).items()}
    for name, head in heads(log.read_text(encoding="utf-8")).items() if log.exists() else ():
        wanted.setdefault(name, []).append(head)
    # What vouches is read before what it vouches for: a run may be writing meanwhile.
    found = [journal.read(path, key) for path in sorted(journal.paths(where.journals), reverse=True)]
    for records, _ in found if linked else ():
        if after := (records[0].get("after") if records else None):
            wanted.setdefault(str(after["journal"]), []).append(str(after["head"]))
    judged = [(records, _held(records, verdict, wanted.pop(verdict.path.name, []))) for records, verdict in reversed(found)]
    return judged + [([], Verdict(where.journals / name, "missing", 0)) for name in wanted]


def _held(records: list[Record], verdict: Verdict, wanted: Iterable[str]) -> Verdict:
    """A journal is copied where it was opened under another name, and shortened where a head somebody vouches for is not in it."""
    name = verdict.path.name
    if verdict.state in TRUSTED and records and records[0].get("name", name) != name:
        return replace(verdict, state="copied", line=1)
    macs = [str(record["mac"]) for record in records]
    there = all(any(mac.startswith(head) for mac in macs) for head in wanted)
    return verdict if there or verdict.state not in TRUSTED else replace(verdict, state="shortened", line=len(records) + 1)


def refuse(verdict: Verdict) -> None:
    """Raise JournalError for a journal that cannot be trusted."""
    if verdict.state in TRUSTED:
        return
    place = f"{verdict.path}:{verdict.line}" if verdict.line else str(verdict.path)
    hint = RESTORE
    if verdict.state == "copied":
        hint = "Remove it if the journal of the right name is there, else give it back its name, which is in its first record."
    if verdict.state == "foreign":
        hint = "Put the install.key it was written under back into the state directory of this fleet."
    raise JournalError(f"{place}: {WORDS[verdict.state]}", hint=hint)


def newest(where: Settings) -> dict[str, str] | None:
    """The newest journal and the head of its chain, for the next one to vouch for; None where there is none."""
    key = settings.install_key(where)
    for path in sorted(journal.paths(where.journals), reverse=True):
        if records := journal.read(path, key)[0]:
            return {"journal": path.name, "head": str(records[-1]["mac"])}
    return None
