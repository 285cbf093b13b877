"""Opens journals, and renders the rotation log from them: not where it would vouch for less than before."""

from __future__ import annotations

from pathlib import Path

from mycoops import account, chain, durable, ledger, settings, stale
from mycoops.journal import Journal, new_path, paths, read
from mycoops.plan import Plan
from mycoops.planner import make
from mycoops.report import rotation_log
from mycoops.session import Fleet


def opened(fleet: Fleet, plan: Plan, token: int) -> Journal:
    """Open a journal for a plan. Raises NotWritten.

    What a killed writer left half at the end of another one goes, also of a journal that nobody resumes."""
    key = settings.install_key(fleet.settings)
    for path in paths(fleet.settings.journals):
        if read(path, key)[1].state == "torn":
            Journal(path, key)
    written = Journal(new_path(fleet.settings.journals, plan.digest), key)
    facts = {"operator": account.here(), "reason": plan.reason, "token": token, "after": chain.newest(fleet.settings)}
    written.write("opened", plan=plan.as_dict(), name=written.path.name, **facts)
    return written


def opened_for_nothing(fleet: Fleet, label: str, reason: str, token: int) -> Journal:
    """Open a journal with a plan of nothing, for what is to be on record and is no rotation."""
    return opened(fleet, make(fleet.catalogue, fleet.kinds, {}, [], label=label, reason=reason), token)


def concluded(fleet: Fleet, written: Journal) -> None:
    """End such a journal, render the log, and remember how far the journals have come."""
    written.write("finished")
    render_log(fleet)
    stale.remember(fleet)


def render_log(fleet: Fleet) -> Path:
    """Render the rotation log from every journal.

    Raises JournalError, leaving the log as it is, where it vouches for something a journal no longer holds, and
    NotWritten."""
    entries = []
    for records, verdict in chain.vouched(fleet.settings):
        chain.refuse(verdict)
        if run := ledger.fold(records):
            entries.append((verdict.path.name, run, str(records[-1]["mac"])))
    durable.replace(fleet.settings.rotation_log, rotation_log(entries).encode(), 0o644)
    return fleet.settings.rotation_log
