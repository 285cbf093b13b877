"""`drift` compares hosts with what a deploy would bring now, in mid-rotation too, beside no other run, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mycoops import cli, last_drift, lease
from mycoops.commands import deploying, drifting
from mycoops.drift import Looked
from mycoops.errors import Exit, Invalid, Leaked, Locked, StepFailed, WrongUsage
from mycoops.model import Leak, Reply
from mycoops.runner import Outcome
from mycoops.values import resolve
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage, never
from tests.unit.commands.test_rotating import abort, resume, rotate

Looking = Callable[..., Stage]


class Hosts:
    """Answers a look as the scripted machines are: files and fence against what the request says."""

    def __init__(self, made: Stage) -> None:
        self.made, self.asked, self.outcome = made, 0, Outcome()
        self.unseen: dict[str, list[str]] = {}
        self.tokens: set[int] = set()
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, requests: Mapping[str, dict[str, Any]]) -> Outcome:
        self.asked += 1
        self.meanwhile()
        for host, request in requests.items():
            self.tokens.add(request["token"])
            if host not in self.outcome.unreachable:
                told = {"findings": list(self._findings(host, request)), "unseen": self.unseen.get(host, [])}
                self.outcome.replies.append(Reply(request["id"], host, told))
        return self.outcome

    def _findings(self, host: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        machine = self.made.world.machines[host]
        for file in resolve(request["files"], self.made.store()):
            now = machine.files.get(file["path"], {})
            names = [entry["name"] for entry in file["entries"] if now.get(entry["name"]) != entry["value"]]
            if names:
                yield {"what": "value-differs", "place": file["path"], "services": file["services"], "names": names}
        for credential, generation in request["generations"].items():
            if machine.fence.get(credential, 0) != generation:
                yield {"what": "fence-behind", "place": credential, "services": request["concerned"][credential]}


@pytest.fixture
def looking(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> Looking:
    """A stage whose hosts answer a look, after a first deploy."""

    def make(*story: str) -> Stage:
        made = stage(*story)
        monkeypatch.setattr(made.world, "look", Hosts(made), raising=False)
        monkeypatch.setattr("mycoops.commands.drifting.open_session", made.open_session)
        assert deploying.deploy(made.opened(), lambda *_: None, never).error is None
        return made

    return make


def drift(made: Stage, **options: str) -> drifting.Drifted:
    """One `mycoops drift`."""
    made.world.look.outcome = Outcome(unreachable=made.world.look.outcome.unreachable, leaks=made.world.look.outcome.leaks)
    return drifting.drift(made.opened(), lambda *_: None, **options)


def found(made: Stage) -> list[tuple[str, str, str, list[str]]]:
    return [(one.host, drift.what, drift.place, drift.names) for one in drift_of(made) for drift in one.findings]


def drift_of(made: Stage) -> list[Looked]:
    return drift(made).hosts


def everything(made: Stage) -> dict[Path, bytes]:
    """Fleet and state directory, byte for byte."""
    return {path: path.read_bytes() for top in (made.fleet, made.state) for path in top.rglob("*") if path.is_file()}


def test_what_was_deployed_does_not_differ_and_nothing_is_written(looking: Looking) -> None:
    made = looking("O1-slots")
    before = everything(made)
    done = drift(made)
    assert [(one.host, one.error, one.findings) for one in done.hosts] == [("h1", "", []), ("h2", "", [])]
    assert (done.error, done.found, made.world.look.asked) == (None, False, 1)
    assert made.world.look.tokens == {lease.latest(made.opened().settings.state)} != {0}
    assert everything(made) == before


def test_what_was_changed_by_hand_is_found_and_a_deploy_ends_it(looking: Looking) -> None:
    made = looking("O1-slots")
    made.world.machines["h1"].files["/etc/api.env"]["DB"] = "changed by hand"
    made.world.dead.add("db")
    (one, other) = drift_of(made)
    assert [(item.what, item.place, item.services, item.names, item.next) for item in one.findings] == [
        ("value-differs", "/etc/api.env", ["api"], ["DB"], "mycoops deploy --host h1")
    ]
    assert other.findings == []
    deploying.deploy(made.opened(), lambda *_: None, never)
    assert found(made) == []


STATES = ("ACTIVATED", "VERIFIED", "STAGED", "SWITCHED", "PROMOTED", "REVOKED", "PROVEN_DEAD")


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_in_the_middle_of_a_rotation_every_consumer_is_compared_with_what_it_has_come_to(looking: Looking, state: str) -> None:
    made = looking("O1-slots")
    made.crash(f"after the record state db {state}", lambda: rotate(made))
    assert deploying.under_way(made.opened()) == ["db"]
    assert found(made) == []
    resume(made)
    assert found(made) == []


def test_half_a_switch_is_no_drift_but_the_other_half_would_be(looking: Looking) -> None:
    """Of two consumers the first has switched: each of them has its own generation to hold."""
    made = looking("O1-slots")
    made.crash("after the record consumer db api acknowledged", lambda: rotate(made))
    assert found(made) == []
    machines = made.world.machines
    assert machines["h1"].files["/etc/api.env"]["DB"] != machines["h2"].files["/etc/web.env"]["DB"]
    made.world.dead.add("db")
    machines["h1"].files["/etc/api.env"]["DB"] = machines["h2"].files["/etc/web.env"]["DB"]
    assert [one[:2] for one in found(made)] == [("h1", "value-differs")]
    made.world.dead.clear()


def test_after_a_way_back_nothing_differs(looking: Looking) -> None:
    made = looking("O1-slots")
    made.crash("after the record state db SWITCHED", lambda: rotate(made))
    abort(made)
    assert found(made) == []


def test_one_host_is_asked_alone(looking: Looking) -> None:
    made = looking("O1-slots")
    assert [one.host for one in drift(made, host="h2").hosts] == ["h2"]
    with pytest.raises(WrongUsage, match="no service runs on h9"):
        drift(made, host="h9")


def test_a_fleet_with_findings_of_its_own_asks_nobody(looking: Looking) -> None:
    made = looking("O1-slots")
    (made.fleet / "hosts.yml").write_text("all: {hosts: {h1: {}}}\n")
    with pytest.raises(Invalid):
        drift(made)
    assert made.world.look.asked == 0


def test_beside_a_run_nobody_is_asked(looking: Looking) -> None:
    made = looking("O1-slots")
    with lease.hold(made.opened().settings.state, "rotate"), pytest.raises(Locked, match="`mycoops rotate`, since"):
        drift(made)
    assert made.world.look.asked == 0


def test_what_was_said_while_a_run_came_and_went_is_of_no_use(looking: Looking) -> None:
    made = looking("O1-slots")

    def run() -> None:
        with lease.hold(made.opened().settings.state, "deploy"):
            pass

    made.world.look.meanwhile = run
    with pytest.raises(Locked, match="has held this fleet while its hosts were asked"):
        drift(made)


def test_a_silent_host_is_an_error_and_the_others_are_told(looking: Looking) -> None:
    made = looking("O1-slots")
    made.world.machines["h2"].files["/etc/web.env"]["DB"] = "changed by hand"
    made.world.dead.add("db")
    made.world.look.outcome.unreachable.add("h1")
    done = drift(made)
    assert [(one.host, one.error, len(one.findings)) for one in done.hosts] == [
        ("h1", "h1 cannot be reached over ssh", 0),
        ("h2", "", 1),
    ]
    assert isinstance(done.error, StepFailed)
    assert done.error.message.endswith("\nh1 cannot be reached over ssh")
    made.world.dead.clear()


def test_a_value_among_what_came_back_is_a_leak_and_recorded(looking: Looking) -> None:
    made = looking("O1-slots")
    made.world.look.outcome.leaks.append(Leak("db", 1, "the directory of this run/run001/x"))
    done = drift(made)
    assert isinstance(done.error, Leaked)
    (run,) = made.opened().runs().values()
    assert [leak.credential for leak in run.leaks] == ["db"]


def test_what_a_killed_run_left_on_the_control_node_is_searched_before_it_goes(looking: Looking) -> None:
    made = looking("O1-slots")
    made.scanner = lambda: Outcome(leaks=[Leak("db", 1, "the directory of this run/left-by-x/run001/stdout")])
    assert isinstance(drift(made).error, Leaked)


def command(made: Stage, *words: str) -> Any:
    made.world.look.outcome = Outcome(unreachable=made.world.look.outcome.unreachable)
    return CliRunner().invoke(cli.app, ["drift", "--fleet", str(made.fleet), *words])


def test_the_command_says_it_in_its_status_to_people_and_to_programs(looking: Looking) -> None:
    made = looking("O1-slots")
    clean = command(made)
    assert (clean.exit_code, clean.stdout) == (Exit.DONE, "h1, h2: nothing differs\n")
    assert json.loads(command(made, "--json").stdout) == [{"host": host, "error": "", "findings": []} for host in ("h1", "h2")]
    made.world.machines["h1"].files["/etc/api.env"]["DB"] = "changed by hand"
    made.world.dead.add("db")
    told = command(made)
    assert told.exit_code == Exit.FINDINGS
    assert [word in told.stdout for word in ("value-differs", "/etc/api.env", "DB", "mycoops deploy --host h1")] == [True] * 4
    assert told.stdout.endswith("h2: nothing differs\n")
    assert "changed by hand" not in told.output
    (one, _) = json.loads(command(made, "--json").stdout)
    assert one["findings"] == [
        {
            "what": "value-differs",
            "place": "/etc/api.env",
            "services": ["api"],
            "names": ["DB"],
            "detail": "",
            "next": "mycoops deploy --host h1",
        }
    ]
    made.world.dead.clear()


def test_a_part_that_could_not_be_asked_outweighs_what_was_found(looking: Looking) -> None:
    made = looking("O1-slots")
    made.world.look.unseen = {"h1": ["api: its process ended while it was looked at"]}
    told = command(made)
    assert isinstance(told.exception, StepFailed)
    assert told.exception.exit_status == Exit.FAILED_OLD_INTACT
    assert "h1: api: its process ended while it was looked at" in told.exception.message
    assert told.stdout == "h2: nothing differs\n"


def test_a_rotation_under_way_is_named(looking: Looking) -> None:
    made = looking("O1-slots")
    made.crash("after the record state db SWITCHED", lambda: rotate(made))
    assert "in rotation: db: each consumer is compared with what its rotation has come to" in command(made).stderr


def test_a_look_at_the_whole_fleet_is_kept_by_counts_however_it_ended(looking: Looking) -> None:
    made = looking("O1-slots")
    state = made.opened().settings.state
    command(made)
    kept = last_drift.load(state)
    assert kept
    assert (kept.status, kept.hosts) == (0, (last_drift.Host("h1", True, {}), last_drift.Host("h2", True, {})))
    made.world.machines["h1"].files["/etc/api.env"]["DB"] = "changed by hand"
    made.world.dead.add("db")
    command(made, "--host", "h1")
    assert last_drift.load(state) == kept, "a look at one host says nothing about the fleet"
    command(made)
    kept = last_drift.load(state)
    assert kept
    assert (kept.status, kept.hosts[0]) == (8, last_drift.Host("h1", True, {"value-differs": 1}))
    assert "changed by hand" not in last_drift.path(state).read_text()
    with lease.hold(state, "deploy"):
        command(made)
    kept = last_drift.load(state)
    assert kept
    assert (kept.status, kept.hosts) == (7, ())
    made.world.dead.clear()
