"""The summary and the log say what the journals say, and nothing that they do not."""

from __future__ import annotations

from typing import Any

from mycoops import ledger, report

ROTATION = {
    "credential": "db",
    "kind": "postgresql",
    "overlap": "O1",
    "category": "database_passwords",
    "from_generation": 1,
    "to_generation": 2,
}
PLAN = {"label": "2026-Q2", "reason": "quarterly", "digest": "d1", "rotations": [ROTATION], "not_applicable": []}


def at(second: int, event: str, **facts: Any) -> dict[str, Any]:
    """A record of the journal."""
    return {"time": f"2026-04-02T10:00:{second:02d}Z", "event": event, **facts}


def state(second: int, name: str) -> dict[str, Any]:
    return at(second, "state", credential="db", state=name)


def probe(second: int, subject: str, outcome: str) -> dict[str, Any]:
    return at(
        second, "fact", credential="db", fact="probe", subject=subject, outcome=outcome, host="h1", evidence={"code": "28P01"}
    )


RECORDS = [
    at(0, "opened", plan=PLAN, operator="ann@desk", reason="quarterly"),
    state(5, "MINTING"),
    at(6, "ahead", credential="db", service="api", stage="acknowledged", restarted=True),
    at(8, "consumer", credential="db", service="api", stage="acknowledged", restarted=True),
    at(9, "consumer", credential="db", service="agent", stage="acknowledged", restarted=False),
    probe(20, "new", "accepted"),
    probe(20, "random", "refused"),
    probe(20, "old", "refused"),
    state(21, "PROVEN_DEAD"),
    state(55, "CLOSED"),
]


def summary(records: list[dict[str, Any]]) -> report.Line:
    run = ledger.fold(records)
    assert run
    return report.lines(run, records)[0]


def test_the_time_of_a_credential_is_its_own_and_ends_when_the_old_value_is_dead() -> None:
    assert summary(RECORDS).seconds == 16


def test_a_rotation_under_way_has_no_time_yet() -> None:
    assert summary(RECORDS[:-2]).seconds == 0


def test_restarts_and_consumers_are_counted_apart() -> None:
    line = summary(RECORDS)
    assert (line.consumers, line.restarts, line.probes, line.state) == (2, 2, 3, "CLOSED")


def test_the_log_has_the_head_of_the_chain_and_the_error_class() -> None:
    run = ledger.fold(RECORDS)
    assert run
    text = report.rotation_log([("j.jsonl", run, "0123456789abcdef0123")])
    assert "head `0123456789abcdef`" in text
    assert "refused from h1 at 10:00:20 (28P01)" in text
