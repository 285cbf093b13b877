"""A command that cannot write a file of the control node ends with its name, the cause, what mends it, and a status that fits."""

from __future__ import annotations

import errno
import os

import pytest

from mycoops import durable
from mycoops.commands import looking, rotating
from mycoops.errors import Exit, ForwardOnly, MycoopsError, NotWritten, StepFailed
from mycoops.model import State
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_rotating import abort, resume, rotate, states


def full_from(made: Stage, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From this point on nothing more goes onto the disk."""

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def look(what: str) -> None:
        if what == point:
            monkeypatch.setattr(os, "write", full)

    made.clock.seen = look


def mended(made: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is space again."""
    made.clock.seen = lambda what: None
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("point", "kind", "status", "file"),
    [
        ("before the record state one PREFLIGHT", StepFailed, Exit.FAILED_OLD_INTACT, ".jsonl"),
        ("before the write of one.g2.vault", StepFailed, Exit.FAILED_OLD_INTACT, "pending/one.g2.vault"),
        ("before the write of vault.yml", StepFailed, Exit.FAILED_OLD_INTACT, "group_vars/all/vault.yml"),
        ("after the record state one REVOKING", ForwardOnly, Exit.FAILED_FORWARD_ONLY, ".jsonl"),
    ],
)
def test_a_full_disk_in_the_middle_says_which_file_and_what_to_do(
    stage: MakeStage, point: str, kind: type[MycoopsError], status: Exit, file: str
) -> None:
    made = stage()
    with pytest.MonkeyPatch.context() as patch:
        full_from(made, point, patch)
        outcome = rotate(made, "one")
        mended(made, patch)
    assert isinstance(outcome.error, kind)
    assert outcome.error.exit_status == status
    assert f"{file} cannot be written: No space left on device (ENOSPC)" in outcome.error.message
    assert outcome.error.hint == "Free some space on its file system, then `mycoops resume`."
    (told,) = [one for one in looking.status(made.opened()) if one.credential == "one"]
    assert told.next == "mycoops resume"
    (again,) = resume(made)
    assert (again.error, states(made)["one"]) == (None, State.CLOSED)
    assert made.opened().settings.rotation_log.exists()


def test_a_disk_that_is_full_before_anything_is_done_leaves_no_open_rotation(stage: MakeStage) -> None:
    made = stage()
    with pytest.MonkeyPatch.context() as patch:
        full_from(made, "before the record opened", patch)
        with pytest.raises(NotWritten, match=r"\.jsonl cannot be written") as caught:
            rotate(made, "one")
        mended(made, patch)
    assert caught.value.exit_status == Exit.CONFIGURATION
    assert made.journals == []
    assert made.opened().runs() == {}
    assert rotate(made, "one").error is None


def test_a_resume_on_a_full_disk_past_the_point_of_no_return_says_that_there_is_no_way_back(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one REVOKING", lambda: rotate(made, "one"))
    with pytest.MonkeyPatch.context() as patch:
        full_from(made, "before the record resumed", patch)
        (outcome,) = resume(made)
        mended(made, patch)
    assert isinstance(outcome.error, ForwardOnly)
    (again,) = resume(made)
    assert again.error is None


def test_a_way_back_on_a_full_disk_is_gone_on_with_by_abort(stage: MakeStage) -> None:
    made = stage()
    made.crash("after the record state one SWITCHED", lambda: rotate(made, "one"))
    with pytest.MonkeyPatch.context() as patch:
        full_from(made, "after the record state one ROLLING_BACK", patch)
        with pytest.raises(StepFailed, match="No space left") as caught:
            abort(made)
        mended(made, patch)
    assert caught.value.hint.endswith("then `mycoops abort`.")
    assert abort(made) == ["one"]
    assert states(made)["one"] is State.ROLLED_BACK


def test_a_file_that_cannot_be_read_stops_a_run_like_a_failing_step(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage()
    path = str(made.fleet / "pending" / "one.g2.vault")

    def unreadable(*_: object, **named: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    with monkeypatch.context() as patch:
        patch.setattr(made.world, "carry_out", unreadable)
        outcome = rotate(made, "one")
    assert isinstance(outcome.error, StepFailed)
    assert f"{path}: Input/output error" in outcome.error.message
    (again,) = resume(made)
    assert again.error is None


def test_the_rotation_log_is_the_last_thing_a_full_disk_keeps_a_run_from(stage: MakeStage) -> None:
    made = stage()
    with pytest.MonkeyPatch.context() as patch:
        full_from(made, "after the record finished", patch)
        outcome = rotate(made, "one")
        mended(made, patch)
    assert isinstance(outcome.error, NotWritten)
    assert "SECRET_ROTATION_LOG.md cannot be written" in outcome.error.message
    assert states(made)["one"] is State.CLOSED
    rotating.render_log(made.opened())


@pytest.mark.parametrize("name", ["lease.token", "lease.json"])
def test_a_state_directory_that_cannot_be_written_stops_before_anything_is_done(stage: MakeStage, name: str) -> None:
    made = stage()
    with pytest.MonkeyPatch.context() as patch:
        full_from(made, f"before the write of {name}", patch)
        with pytest.raises(NotWritten, match=f"{name} cannot be written"):
            rotate(made, "one")
        mended(made, patch)
    assert made.journals == []
    assert not list(made.state.rglob(".*.new"))
    assert durable.RESIDUE.fullmatch(".x.1-a.new")
