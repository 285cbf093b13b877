"""`metrics` is what Prometheus' own parser reads back, tells what `status` tells, and is there whole or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner, Result

from mycoops import cli, last_drift
from mycoops.commands import looking, measuring
from mycoops.drift import Drift, Looked
from mycoops.errors import ConfigurationError, Exit, NotWritten
from mycoops.last_drift import LastDrift, counted
from mycoops.metrics import METRICS
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_rotating import rotate

Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """The samples by name and the values of their labels but the fleet's, as Prometheus reads them."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        for sample in family.samples:
            labels = {
                name: sample.labels[name] for name in ("credential", "host", "what", "state", "outcome") if name in sample.labels
            }
            assert sample.labels["fleet"] == "tale"
            assert (sample.name.removeprefix("mycoops_"), *labels.values()) not in found
            found[sample.name.removeprefix("mycoops_"), *labels.values()] = sample.value
    return found


def measured(made: Stage, now: datetime | None = None) -> Samples:
    """What `mycoops metrics` tells of the stage's fleet."""
    return samples(measuring.text(made.opened(), now))


def invoke(made: Stage, *words: str) -> Result:
    """`mycoops metrics` on the command line."""
    return CliRunner().invoke(cli.app, ["metrics", "--fleet", str(made.fleet), *words])


def test_a_young_fleet_is_due_and_nothing_has_happened(stage: MakeStage) -> None:
    made = stage()
    found = measured(made)
    one = looking.status(made.opened())[0]
    assert 0 <= found["credential_age_seconds", "one"] < 3600
    assert (
        found["credential_due_timestamp_seconds", "one"] == datetime.combine(date.fromisoformat(one.due), time(), UTC).timestamp()
    )
    assert (found["credential_overdue", "one"], found["credential_state", "one", "CURRENT"]) == (0, 1)
    assert (found["waiting_steps",], found["blocked_rotations",]) == (0, 0)
    assert not any(name.startswith(("drift", "last_run", "credential_last")) for name, *_ in found)


def test_what_missed_its_window_is_overdue(stage: MakeStage) -> None:
    found = measured(stage(), datetime.now(UTC) + timedelta(days=200))
    assert (found["credential_overdue", "one"], found["credential_overdue", "two"]) == (1, 1)
    assert 199 * 86400 < found["credential_age_seconds", "one"] < 201 * 86400


def test_outcomes_states_and_the_last_run_are_those_of_the_journals(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    found = measured(made)
    assert (found["credential_last_outcome", "one", "CLOSED"], found["last_run_open",]) == (1, 0)
    assert abs(found["last_run_timestamp_seconds",] - datetime.now(UTC).timestamp()) < 3600
    made.crash("after the record state two STAGED", lambda: rotate(made, "two"))
    found = measured(made)
    assert (found["credential_state", "two", "STAGED"], found["last_run_open",]) == (1, 1)
    assert ("credential_last_outcome", "two", "CLOSED") not in found


def test_a_step_of_a_person_is_counted(stage: MakeStage) -> None:
    made = stage("O3")
    rotate(made)
    assert measured(made)["waiting_steps",] == 1


def kept(made: Stage, status: int, *hosts: Looked) -> None:
    """A look at the fleet that was kept."""
    last_drift.save(made.opened().settings.state, LastDrift(1900000000.5, 2.25, status, counted(hosts)))


def test_the_last_drift_is_told_by_counts(stage: MakeStage) -> None:
    made = stage()
    copy = Drift("copy", "/etc/api.env.bak", ["api"], ["DB"], "", "")
    kept(made, 8, Looked("h1", "", [copy, copy]), Looked("h2", "not reached", []))
    found = measured(made)
    assert {key: value for key, value in found.items() if key[0].startswith("drift_")} == {
        ("drift_findings", "h1", "copy"): 2,
        ("drift_host_findings", "h1"): 2,
        ("drift_host_asked", "h1"): 1,
        ("drift_host_findings", "h2"): 0,
        ("drift_host_asked", "h2"): 0,
        ("drift_exit_status",): 8,
        ("drift_last_run_timestamp_seconds",): 1900000000,
        ("drift_run_duration_seconds",): 2.25,
    }


def test_a_drift_that_cannot_be_read_is_told_with_what_mends_it(stage: MakeStage) -> None:
    made = stage()
    kept(made, 0)
    last_drift.path(made.opened().settings.state).write_text("{")
    with pytest.raises(ConfigurationError, match=r"drift\.json cannot be read"):
        measuring.text(made.opened())


def test_the_file_is_whole_readable_by_all_and_leaves_nothing_beside_it(stage: MakeStage, tmp_path: Path) -> None:
    made, folder = stage(), tmp_path / "metrics"
    folder.mkdir()
    path = folder / "mycoops_tale.prom"
    path.write_text("of yesterday")
    assert invoke(made, "--textfile", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o644
    assert ("credential_overdue", "one") in samples(path.read_text())
    assert [one.name for one in folder.iterdir()] == [path.name]
    wrong = invoke(made, "--textfile", str(folder / "mycoops.txt"))
    assert getattr(wrong.exception, "exit_status", None) == Exit.USAGE


def test_a_file_that_cannot_be_written_keeps_what_it_held(stage: MakeStage, tmp_path: Path) -> None:
    made, path = stage(), tmp_path / "a folder.prom"
    path.mkdir()
    with pytest.raises(NotWritten):
        measuring.write(made.opened(), path)
    assert list(path.iterdir()) == []


def test_no_metric_holds_a_value(stage: MakeStage) -> None:
    made = stage()
    rotate(made)
    values = [secret.reveal() for _, _, secret in made.store().secrets()]
    text = invoke(made).stdout
    assert values
    assert [value for value in [*values, *made.world.known] if value in text] == []


def test_every_metric_is_documented() -> None:
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text()
    assert [name for name in METRICS if f"`{name}`" not in readme] == []
