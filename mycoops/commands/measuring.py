"""`mycoops metrics`: what `status`, the journals and the last drift tell, as numbers; without a password or a host."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

from mycoops import durable, last_drift
from mycoops.commands import looking
from mycoops.errors import WrongUsage
from mycoops.metrics import Metrics
from mycoops.model import ENDED, State
from mycoops.session import Fleet

SUFFIX = ".prom"
"""Of the files that the textfile collector reads."""


def text(fleet: Fleet, now: datetime | None = None) -> str:
    """The metrics of a fleet at a moment, in the text format of Prometheus."""
    moment = now or datetime.now(UTC)
    made = Metrics(fleet.catalogue.fleet.name)
    _credentials(made, fleet, moment)
    _runs(made, fleet)
    _drift(made, fleet)
    made.add("metrics_timestamp_seconds", int(moment.timestamp()))
    return made.text()


def write(fleet: Fleet, path: Path) -> None:
    """Put the metrics where the collector reads: whole or not at all, for everybody to read. Raises WrongUsage and NotWritten."""
    if path.suffix != SUFFIX:
        raise WrongUsage(f"{path} does not end in {SUFFIX}: the collector would not read it", hint=f"Name it {path.stem}{SUFFIX}.")
    durable.replace(path, text(fleet).encode(), 0o644)


def _credentials(made: Metrics, fleet: Fleet, moment: datetime) -> None:
    store, dates = fleet.facts(), fleet.dues(moment.date())
    found = looking.status(fleet, moment.date())
    for one in found:
        due, meta = dates[one.credential], store.meta(one.credential)
        if meta and meta.created and not due.ahead:
            age = (moment - datetime.fromisoformat(meta.created)).total_seconds()
            made.add("credential_age_seconds", max(0, int(age)), credential=one.credential)
        start = datetime.combine(due.opens, time(), UTC).timestamp()
        made.add("credential_due_timestamp_seconds", start, credential=one.credential, owner=due.owner)
        made.add("credential_overdue", due.overdue, credential=one.credential, owner=due.owner)
        made.add("credential_state", 1, credential=one.credential, state=one.state)
    made.add("waiting_steps", sum(one.state == State.WAITING_HUMAN for one in found))
    made.add("blocked_rotations", sum(one.state == State.BLOCKED for one in found))


def _runs(made: Metrics, fleet: Fleet) -> None:
    runs = [run for run in fleet.runs().values() if run.rotations]
    outcomes = {name: one.state for run in runs for name, one in run.rotations.items() if one.state in ENDED}
    for name in fleet.catalogue.credentials:
        if name in outcomes:
            made.add("credential_last_outcome", 1, credential=name, outcome=str(outcomes[name]))
    if runs:
        made.add("last_run_timestamp_seconds", int(datetime.fromisoformat(runs[-1].opened).timestamp()))
        made.add("last_run_open", runs[-1].open)


def _drift(made: Metrics, fleet: Fleet) -> None:
    last = last_drift.load(fleet.settings.state)
    if last is None:
        return
    for host in last.hosts:
        for what, count in host.findings.items():
            made.add("drift_findings", count, host=host.host, what=what)
        made.add("drift_host_findings", sum(host.findings.values()), host=host.host)
        made.add("drift_host_asked", host.asked, host=host.host)
    made.add("drift_exit_status", last.status)
    made.add("drift_last_run_timestamp_seconds", int(last.ended))
    made.add("drift_run_duration_seconds", round(last.seconds, 3))
