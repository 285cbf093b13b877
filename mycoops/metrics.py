"""Everything mycoops measures, by name, in the text format of Prometheus; names, numbers and times, never a value."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mycoops_credential_age_seconds": ("How old the current value is.", ("credential",)),
    "mycoops_credential_due_timestamp_seconds": ("When the credential is due, from midnight UTC on.", ("credential", "owner")),
    "mycoops_credential_overdue": (
        "1 where its window has closed, or its cadence has ended, without a rotation.",
        ("credential", "owner"),
    ),
    "mycoops_credential_state": ("1 for the state that `mycoops status` shows.", ("credential", "state")),
    "mycoops_credential_last_outcome": ("1 for how its last rotation that is over ended.", ("credential", "outcome")),
    "mycoops_waiting_steps": ("Rotations that wait for a person.", ()),
    "mycoops_blocked_rotations": ("Rotations that were stopped and wait for a command.", ()),
    "mycoops_last_run_timestamp_seconds": ("When the newest run of rotations was opened.", ()),
    "mycoops_last_run_open": ("1 while a rotation of it is not over.", ()),
    "mycoops_drift_findings": ("What differs on a host from what it has to hold, by what it is.", ("host", "what")),
    "mycoops_drift_host_findings": ("Everything that differs on a host.", ("host",)),
    "mycoops_drift_host_asked": ("Whether all of a host could be asked.", ("host",)),
    "mycoops_drift_exit_status": (
        "How the last look ended: 0 nothing differs, 8 something does, 4 not everything could be asked, else why there was none.",
        (),
    ),
    "mycoops_drift_last_run_timestamp_seconds": ("When the last look ended.", ()),
    "mycoops_drift_run_duration_seconds": ("How long it took.", ()),
    "mycoops_metrics_timestamp_seconds": ("When all of this was written.", ()),
}
"""Each metric: what it means, and its labels beside `fleet`. All are gauges."""


class Metrics:
    """The samples of one fleet; a metric without a sample is left out."""

    def __init__(self, fleet: str) -> None:
        self._fleet, self._registry = fleet, CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def add(self, name: str, value: float, **labels: str) -> None:
        """Add one sample of a metric of METRICS, named without its `mycoops_`, with all its labels."""
        if name not in self._gauges:
            meaning, names = METRICS[f"mycoops_{name}"]
            self._gauges[name] = Gauge(f"mycoops_{name}", meaning, ("fleet", *names), registry=self._registry)
        self._gauges[name].labels(fleet=self._fleet, **labels).set(value)

    def text(self) -> str:
        """All samples, as the textfile collector of the node exporter reads them."""
        return generate_latest(self._registry).decode()
