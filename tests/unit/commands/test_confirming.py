"""`confirm` takes a person's word only where it is proven, and `todo` lists what persons have to do until then."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from mycoops import cli, lease
from mycoops import cli_completion as completion
from mycoops.commands import confirming, looking, providing, tasking
from mycoops.errors import ConfigurationError, Exit, JournalError, Locked, WaitingForPerson, WrongUsage
from mycoops.model import State
from mycoops.secret import generate
from mycoops.session import open_fleet
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never
from tests.unit.commands.test_rotating import planned, resume, rotate, states


def begun(made: Stage) -> Stage:
    """A rotation that waits for its new value."""
    assert isinstance(rotate(made).error, WaitingForPerson)
    return made


def at_the_end(made: Stage) -> Stage:
    """A rotation that waits for its old value to be ended."""
    begun(made)
    providing.provide(made.opened(), "it", made.world.hand_over("it"))
    (outcome,) = resume(made)
    assert isinstance(outcome.error, WaitingForPerson)
    return made


def confirm(made: Stage) -> confirming.Confirmed:
    return confirming.confirm(made.opened(), "it", Quiet(), lambda *_: None, never)


def test_a_proven_word_is_recorded_and_the_rotation_goes_on(stage: MakeStage) -> None:
    made = at_the_end(stage("O3-manual"))
    made.world.end_by_hand("it", 1)
    done = confirm(made)
    assert (done.credential, done.generation, done.next) == ("it", 1, "mycoops resume")
    assert tasking.tasks(made.opened()) == []
    (one,) = looking.status(made.opened())
    assert f"confirmed by {done.by}" in one.waiting_for
    with pytest.raises(ConfigurationError, match="has confirmed it already"):
        confirm(made)
    (outcome,) = resume(made)
    assert outcome.error is None
    assert states(made) == {"it": State.CLOSED}
    assert {verdict.state for verdict in looking.verify_log(made.opened())} == {"intact"}
    assert (
        f"the old value was ended by hand: it, confirmed by {done.by}" in (made.fleet / "docs/SECRET_ROTATION_LOG.md").read_text()
    )


def test_an_untrue_word_is_refused_and_changes_nothing(stage: MakeStage) -> None:
    made = at_the_end(stage("O3-manual"))
    with pytest.raises(WaitingForPerson, match="still accepted") as caught:
        confirm(made)
    assert caught.value.exit_status is Exit.WAITING
    assert "https://console.example/tokens" in caught.value.hint
    assert "confirmed" not in [record["event"] for record in made.records()]
    (task,) = tasking.tasks(made.opened())
    assert task.next == "mycoops confirm it"


def test_the_plan_shows_both_steps(stage: MakeStage) -> None:
    steps = planned(stage("O3-manual")).human_steps
    assert [step["what"] for step in steps] == ["make a token named after the tag", "delete the old token"]
    assert {step["page"] for step in steps} == {"https://console.example/tokens"}


def test_who_nobody_waits_for_is_told_so(stage: MakeStage) -> None:
    made = begun(stage("O3-manual"))
    with pytest.raises(ConfigurationError, match="no rotation waits for its old value") as caught:
        confirm(made)
    assert "mycoops todo" in caught.value.hint
    with pytest.raises(WrongUsage, match="unknown credential"):
        confirming.confirm(made.opened(), "nothing", Quiet(), lambda *_: None, never)


def test_it_is_held_off_by_another_run(stage: MakeStage) -> None:
    made = at_the_end(stage("O3-manual"))
    with lease.hold(made.opened().settings.state, "rotate"), pytest.raises(Locked):
        confirm(made)


def test_the_steps_in_their_order_with_who_where_and_until_when(stage: MakeStage) -> None:
    made = begun(stage("O3-manual"))
    (task,) = tasking.tasks(made.opened())
    assert (task.credential, task.step, task.page) == ("it", "make a token named after the tag", "https://console.example/tokens")
    assert (task.owner, task.overdue, task.next) == ("nobody", False, "mycoops provide it")
    (late,) = tasking.tasks(made.opened(), datetime.now(UTC) + timedelta(days=8))
    assert late.overdue
    assert datetime.fromisoformat(late.deadline) - datetime.now(UTC) <= timedelta(days=7)


def test_a_refused_value_is_a_step_again(stage: MakeStage) -> None:
    made = begun(stage("O3-manual"))
    first = tasking.tasks(made.opened())[0].deadline
    providing.provide(made.opened(), "it", generate("token"))
    resume(made)
    (task,) = tasking.tasks(made.opened())
    assert "refused: bring another" in task.step
    assert (task.page, task.deadline, task.next) == ("https://console.example/tokens", first, "mycoops provide it")


def test_what_is_overdue_is_named_by_status(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(stage("O3-manual"))
    (one,) = looking.status(made.opened())
    assert "overdue" not in one.waiting_for

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) + timedelta(days=8)

    monkeypatch.setattr(looking, "datetime", Later)
    (one,) = looking.status(made.opened(), datetime.now(UTC).date())
    assert "; overdue since " in one.waiting_for
    assert one.waiting_for.endswith(": nobody")


def test_todo_on_the_command_line(stage: MakeStage) -> None:
    made = stage("O3-manual")
    where = ["--fleet", str(made.fleet)]
    done = CliRunner().invoke(cli.app, ["todo", *where])
    assert (done.exit_code, done.stdout) == (0, "nothing waits for a person\n")
    at_the_end(made)
    done = CliRunner().invoke(cli.app, ["todo", *where, "--json"])
    assert done.exit_code == Exit.WAITING
    (told,) = json.loads(done.stdout)
    assert (told["credential"], told["next"], told["overdue"]) == ("it", "mycoops confirm it", False)
    done = CliRunner().invoke(cli.app, ["todo", *where, "--markdown"])
    assert done.exit_code == Exit.WAITING
    assert done.stdout.startswith(
        "- [ ] `it`: delete the old token; it is generation 1, the old one at <https://console.example/tokens>"
    )
    assert done.stdout.endswith("; then `mycoops confirm it`\n")
    done = CliRunner().invoke(cli.app, ["todo", *where])
    assert "delete the old token" in done.stdout
    done = CliRunner().invoke(cli.app, ["todo", *where, "--json", "--markdown"])
    assert isinstance(done.exception, WrongUsage)


def test_confirm_on_the_command_line(stage: MakeStage) -> None:
    made = at_the_end(stage("O3-manual"))
    made.world.end_by_hand("it", 1)
    done = CliRunner().invoke(cli.app, ["confirm", "it", "--fleet", str(made.fleet), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["generation"] == 1


def test_the_shell_offers_what_waits_for_a_confirmation(stage: MakeStage) -> None:
    made = begun(stage("O3-manual"))
    asking = SimpleNamespace(params={"fleet": made.fleet})
    assert completion.unconfirmed(asking, "") == []  # type: ignore[arg-type]
    providing.provide(made.opened(), "it", made.world.hand_over("it"))
    resume(made)
    assert completion.unconfirmed(asking, "i") == ["it"]  # type: ignore[arg-type]
    assert completion.unconfirmed(asking, "x") == []  # type: ignore[arg-type]


def elsewhere(made: Stage, monkeypatch: pytest.MonkeyPatch, *brought: str) -> Path:
    """Another machine: a copy of the fleet directory, and of the state directory what was brought along."""
    other, state = made.fleet.parent / "elsewhere" / "tale", made.fleet.parent / "other-state"
    shutil.copytree(made.fleet, other)
    (state / "tale").mkdir(parents=True)
    for name in brought:
        shutil.copy(made.state / "tale" / name, state / "tale" / name)
    monkeypatch.setenv("MYCOOPS_STATE", str(state))
    return other


def test_a_value_is_brought_on_another_machine_and_the_first_one_goes_on(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(stage("O3-manual"))
    other = elsewhere(made, monkeypatch, "install.key", "vault-password")
    assert [task.next for task in tasking.tasks(open_fleet(other))] == ["mycoops provide it"]
    kept = providing.provide(open_fleet(other), "it", made.world.hand_over("it"))
    assert kept.generation == 2
    changed = [
        path.relative_to(other)
        for path in other.rglob("*")
        if path.is_file() and not (made.fleet / path.relative_to(other)).exists()
    ]
    assert [path.parts[0] for path in changed] == ["pending"]
    shutil.copytree(other / "pending", made.fleet / "pending", dirs_exist_ok=True)
    made.forget()
    monkeypatch.setenv("MYCOOPS_STATE", str(made.state))
    (outcome,) = resume(made)
    assert isinstance(outcome.error, WaitingForPerson)
    assert states(made) == {"it": State.REVOKING}


def test_another_machine_without_the_key_is_told_what_it_lacks(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(stage("O3-manual"))
    other = elsewhere(made, monkeypatch, "vault-password")
    with pytest.raises(JournalError, match="another install key") as caught:
        providing.provide(open_fleet(other), "it", made.world.hand_over("it"))
    assert "install.key" in caught.value.hint
