"""A fleet directory of yesterday is refused before anything is done with it, and told by its file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mycoops import stale
from mycoops.catalogue import catalogue_path
from mycoops.commands import approving, checking, looking, providing, rotating
from mycoops.drill import truth
from mycoops.errors import ConfigurationError, Exit, Invalid
from mycoops.model import State
from mycoops.secret import generate
from mycoops.vault import vault_path
from tests.unit.commands.conftest import MakeStage, stage
from tests.unit.commands.stage import Quiet, Stage, never
from tests.unit.commands.test_rotating import resume, rotate, states

__all__ = ["stage"]


def refused(made: Stage, command: Callable[[Stage], object]) -> str:
    """What a command says that does nothing, because of the directory it was given."""
    before = len(made.world.calls)
    with pytest.raises(Invalid) as caught:
        command(made)
    assert caught.value.exit_status == Exit.CONFIGURATION
    assert len(made.world.calls) == before
    assert stale.FIX in caught.value.message
    return caught.value.message


def test_what_belongs_together_is_fine(stage: MakeStage) -> None:
    made = stage()
    assert checking.check(made.opened()) == []
    rotate(made, "one")
    made.crash("after the record state two PROMOTED", lambda: rotate(made, "two"))
    assert checking.check(made.opened()) == []
    resume(made)
    assert checking.check(made.opened()) == []


def test_a_whole_directory_of_yesterday_is_refused(stage: MakeStage, tmp_path: Path) -> None:
    made = stage()
    rotate(made, "one")
    yesterday = shutil.copytree(made.fleet, tmp_path / "yesterday")
    rotate(made, "two")
    newest = made.journals[-1].name
    shutil.rmtree(made.fleet)
    shutil.copytree(yesterday, made.fleet)
    told = refused(made, lambda made: rotate(made, "one"))
    assert f"{newest}: this control node has written this journal, and it is not here" in told


def test_a_journal_of_yesterday_is_refused(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made, "one"))
    (path,) = made.journals
    before = path.read_bytes()
    resume(made)
    path.write_bytes(before)
    made.opened().settings.rotation_log.unlink()
    assert "this control node has written more of this journal than is here" in refused(made, resume)


@pytest.mark.parametrize("where", ["after the record state one PROMOTED", ""])
def test_a_vault_of_yesterday_is_refused(stage: MakeStage, where: str) -> None:
    made = stage()
    path = vault_path(made.fleet)
    before = path.read_bytes()
    if where:
        made.crash(where, lambda: rotate(made, "one"))
    else:
        rotate(made, "one")
    path.write_bytes(before)
    told = refused(made, lambda made: rotate(made, "two"))
    line = before.decode().splitlines().index("  one:") + 1
    assert f"{path}:{line}: one has generation 1, and {made.journals[0].name} says that 2 is in force" in told


def test_a_candidate_that_is_gone_is_told(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one SWITCHED", lambda: rotate(made, "one"))
    left = made.fleet / "pending" / "one.g2.vault"
    content = left.read_bytes()
    left.unlink()
    assert "generation 2 of one is not here" in refused(made, resume)
    left.write_bytes(content)
    resume(made)
    assert checking.check(made.opened()) == []


@pytest.mark.parametrize("missing", ["mycoops_credentials", "mycoops_services", "kind"])
def test_a_catalogue_that_lacks_what_is_being_rotated_is_refused(stage: MakeStage, missing: str) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made, "one"))
    path = catalogue_path(made.fleet)
    before = yaml.safe_load(path.read_text())
    data = yaml.safe_load(path.read_text())
    if missing == "kind":
        data["mycoops_credentials"]["one"]["kind"] = "person"
    else:
        del data["mycoops_credentials"]["one"]
        if missing == "mycoops_services":
            del data["mycoops_services"]["api"]
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    store = made.store()
    opened = made.opened()
    told = [finding.problem for finding in stale.findings(opened, store)]
    assert f"one, a acl, is not declared, and {made.journals[0].name} has an open rotation of it" in told
    assert any(problem.startswith("api is not declared") for problem in told) is (missing == "mycoops_services")
    path.write_text(yaml.safe_dump(before, sort_keys=False))
    assert stale.findings(made.opened(), store) == []


def test_what_was_taken_back_and_what_was_rotated_since_is_no_finding(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one SWITCHED", lambda: rotate(made, "one"))
    rotating.abort(made.opened(), Quiet(), lambda *_: None, never)
    assert checking.check(made.opened()) == []
    rotate(made, "one")
    assert checking.check(made.opened()) == []


def test_a_memory_that_is_none_remembers_nothing(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    (made.opened().settings.state / stale.NAME).write_text("[")
    assert checking.check(made.opened()) == []
    stale.remember(made.opened())
    made.journals[0].unlink()
    made.opened().settings.rotation_log.unlink()
    assert len(stale.findings(made.opened(), made.store())) == 1
    stale.forget(made.opened())
    assert stale.findings(made.opened(), made.store()) == []


@pytest.mark.parametrize("story", ["O4", "O4-dual", "O4-bare"])
@pytest.mark.parametrize("where", ["state it CUTOVER", "fact it cut"])
def test_a_value_that_is_cut_and_gone_is_told_and_no_other_is_made(stage: MakeStage, story: str, where: str) -> None:
    made = stage(story)
    made.crash(f"after the record {where}", lambda: rotate(made, "it"))
    left = made.fleet / "pending" / "it.g2.vault"
    content = left.read_bytes()
    left.unlink()
    assert "generation 2 of it is not here" in refused(made, resume)
    assert not left.exists()
    left.write_bytes(content)
    resume(made)
    assert checking.check(made.opened()) == []


@pytest.mark.parametrize("state", ["MINTED", "STAGED"])
def test_a_value_that_is_gone_before_its_authority_heard_of_it_is_made_anew(stage: MakeStage, state: str) -> None:
    made = stage("O4")
    made.crash(f"after the record state it {state}", lambda: rotate(made, "it"))
    (made.fleet / "pending" / "it.g2.vault").unlink()
    resume(made)
    assert states(made) == {"it": State.CLOSED}


def test_a_next_value_that_its_consumers_hold_is_not_made_anew(stage: MakeStage) -> None:
    made = stage("O4-dual")
    made.crash("after the record state it STAGED", lambda: rotate(made, "it"))
    left = made.fleet / "pending" / "it.g2.vault"
    content = left.read_bytes()
    left.unlink()
    resume(made)
    assert (states(made), left.exists()) == ({"it": State.STAGED}, False)
    left.write_bytes(content)
    resume(made)
    assert states(made) == {"it": State.CLOSED}


@pytest.mark.parametrize("whole", [True, False])
def test_a_vault_that_is_gone_while_something_is_rotated_is_told(stage: MakeStage, whole: bool) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made, "one"))
    path = vault_path(made.fleet)
    content = path.read_text()
    if whole:
        path.unlink()
    else:
        path.write_text(re.sub(r"(?m)^  one:.*\n(?:    .*\n)+", "", content))
    assert f"{path}: one has no value, and {made.journals[0].name} says that generation 1 is in force" in refused(made, resume)
    path.write_text(content)
    resume(made)
    assert states(made)["one"] is State.CLOSED


def test_status_tells_that_it_is_of_yesterday(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    assert looking.doubts(made.opened()) == []
    made.journals[0].unlink()
    (doubt,) = looking.doubts(made.opened())
    assert doubt.problem == "this control node has written this journal, and it is not here"


def test_nobody_approves_behind_a_journal_of_yesterday(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one STAGED", lambda: rotate(made, "one"))
    (path,) = made.journals
    before = path.read_bytes()
    made.crash("after the record state one SWITCHED", lambda: resume(made))
    whole = path.read_bytes()
    path.write_bytes(before)
    made.opened().settings.rotation_log.unlink()
    (digest,) = {run.plan["digest"] for run in made.opened().runs().values()}
    with pytest.raises(Invalid, match="has written more of this journal than is here"):
        approving.approve(made.opened(), digest)
    assert path.read_bytes() == before
    path.write_bytes(whole)
    with pytest.raises(ConfigurationError, match="approval is somebody else's"):
        approving.approve(made.opened(), digest)


def test_no_value_is_taken_for_the_first_where_one_is_in_force(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage()
    monkeypatch.setattr(truth.Truth, "check", lambda self: None)  # The value is lost here: that is the story.
    rotate(made, "one")
    path = vault_path(made.fleet)
    content = path.read_text()
    path.write_text(re.sub(r"(?m)^  one:.*\n(?:    .*\n)+", "", content))
    with pytest.raises(Invalid, match=r"one has no value, and .* says that generation 2 is in force"):
        providing.provide(made.opened(), "one", generate("token"))
    assert "one" not in path.read_text()
