"""Whatever is done to a real journal, `log verify` tells which of the things it was, and none but a torn one is gone on from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mycoops import chain, cli, journal, settings, stale
from mycoops.commands import approving, deploying, looking, planning, rotating
from mycoops.drill.faults import Fault
from mycoops.drill.kept import Quiet
from mycoops.drill.points import watching
from mycoops.drill.stories import STORIES
from mycoops.errors import ConfigurationError, Exit, Invalid, JournalError
from mycoops.model import State
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Stage, never
from tests.unit.commands.test_rotating import abort, planned, resume, rotate, states

KEY_LENGTH = 32


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A key, and the bytes of a journal that a rotation wrote under it."""
    with pytest.MonkeyPatch.context() as patch, watching(lambda: None):
        made = Stage(tmp_path_factory.mktemp("real"), STORIES["O4-bare"])
        patch.setenv("MYCOOPS_STATE", str(made.state))
        patch.setattr("mycoops.session.password_secrets", lambda _: [])
        patch.setattr("mycoops.commands.rotating.open_session", made.open_session)
        assert rotate(made).error is None
        return settings.install_key(made.opened().settings), made.journals[0].read_bytes()


def verdict(path: Path, key: bytes, content: bytes) -> journal.Verdict:
    """What the chain says of these bytes."""
    path.write_bytes(content)
    return journal.read(path, key)[1]


def some(content: bytes, step: int) -> Iterable[int]:
    """Every byte, or some of them and all around the ends of some records."""
    ends = [index for index, byte in enumerate(content) if byte == 10]
    near = {index + more for index in (*ends[:2], *ends[-2:]) for more in (-1, 0, 1, 2)}
    return sorted({*range(0, len(content), step), *near} & set(range(len(content))))


EVERY = [pytest.param(1, marks=pytest.mark.slow, id="every byte"), pytest.param(131, id="some bytes")]


@pytest.mark.parametrize("step", EVERY)
def test_a_cut_is_torn_wherever_it_is_and_keeps_all_that_is_whole(real: tuple[bytes, bytes], tmp_path: Path, step: int) -> None:
    key, content = real
    ends = [index + 1 for index, byte in enumerate(content) if byte == 10]
    assert len(ends) > 40
    for length in some(content, step):
        found = verdict(tmp_path / "j.jsonl", key, content[:length])
        whole = sum(1 for end in ends if end <= length)
        told = ("intact", 0) if length in (0, *ends) else ("torn", whole + 1)
        assert (found.state, found.line, found.records) == (*told, whole), length


@pytest.mark.parametrize("step", EVERY)
def test_a_changed_byte_is_told_with_its_line(real: tuple[bytes, bytes], tmp_path: Path, step: int) -> None:
    key, content = real
    for place in some(content, step):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        found = verdict(tmp_path / "j.jsonl", key, changed)
        line = content[:place].count(b"\n") + 1
        state = "torn" if place == len(content) - 1 else "tampered"
        assert (found.state, found.line, found.records) == (state, line, line - 1), place


@pytest.mark.parametrize("new", [b"\n", b" ", b"", b"xx"], ids=["a line end", "a space", "one less", "one more"])
def test_a_byte_replaced_by_another_number_of_them_is_a_change(real: tuple[bytes, bytes], tmp_path: Path, new: bytes) -> None:
    key, content = real
    for place in range(7, len(content) - 2, 509):
        if content[place : place + 1] in (b"\n", new):
            continue
        assert verdict(tmp_path / "j.jsonl", key, content[:place] + new + content[place + 1 :]).state == "tampered", place


def test_swapped_removed_and_doubled_records_are_told_at_the_first_that_is_wrong(real: tuple[bytes, bytes], tmp_path: Path) -> None:
    key, content = real
    lines, path = content.splitlines(keepends=True), tmp_path / "j.jsonl"
    for number in (*range(0, len(lines) - 1, 9), len(lines) - 2):
        one, two = lines[number : number + 2]
        orders = {"swapped": [two, one], "removed": [two], "doubled": [one, one, two]}
        for what, middle in orders.items():
            found = verdict(path, key, b"".join([*lines[:number], *middle, *lines[number + 2 :]]))
            line = number + (2 if what == "doubled" else 1)
            assert (found.state, found.line) == ("tampered", line), (what, number)


def test_a_record_of_another_journal_under_the_same_key_does_not_fit_in(real: tuple[bytes, bytes], tmp_path: Path) -> None:
    key, content = real
    other = journal.Journal(tmp_path / "other.jsonl", key)
    for line in content.splitlines()[:5]:
        other.write(json.loads(line)["event"])
    strange, lines = other.path.read_bytes().splitlines(keepends=True), content.splitlines(keepends=True)
    for number in range(5):
        found = verdict(tmp_path / "j.jsonl", key, b"".join([*lines[:number], strange[number], *lines[number + 1 :]]))
        assert found.state == "tampered"


def test_another_key_is_told_from_every_change(real: tuple[bytes, bytes], tmp_path: Path) -> None:
    key, content = real
    found = verdict(tmp_path / "j.jsonl", bytes(KEY_LENGTH), content)
    assert (found.state, found.line, found.records) == ("foreign", 1, 0)
    assert verdict(tmp_path / "j.jsonl", key, content).state == "intact"


# what is done about it

Damage = Callable[[Stage, Path], None]


def _cut_off(made: Stage, path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'{"seq": 99, "time": "20')


def _changed(made: Stage, path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"accepted"', b'"refused"', 1))


def _swapped(made: Stage, path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[4], lines[3], *lines[5:]]))


def _one_from_the_middle(made: Stage, path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5] + lines[6:]))


def _one_from_the_end(made: Stage, path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _half_of_the_end(made: Stage, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-25])


def _everything(made: Stage, path: Path) -> None:
    path.write_bytes(b"")


def _away(made: Stage, path: Path) -> None:
    path.unlink()


def _another_key(made: Stage, path: Path) -> None:
    (made.opened().settings.state / "install.key").write_bytes(bytes(KEY_LENGTH))


DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "changed": (_changed, "tampered", "this record was changed"),
    "swapped": (_swapped, "tampered", "this record was changed"),
    "one from the middle": (_one_from_the_middle, "tampered", "this record was changed"),
    "one from the end": (_one_from_the_end, "shortened", "the rotation log names a record that is not in it any more"),
    "half of the end": (_half_of_the_end, "shortened", "the rotation log names a record that is not in it any more"),
    "everything in it": (_everything, "shortened", "the rotation log names a record that is not in it any more"),
    "the whole journal": (_away, "missing", "the rotation log knows of it, and it is not there"),
    "another key": (_another_key, "foreign", "written under another install key"),
}


def stopped(made: Stage) -> Path:
    """A rotation that stopped past its point of no return, beside one that is over; returns the journal of the first."""
    rotate(made, "two")
    made.world.faults = [Fault("error", "revoke", credential="one")]
    rotate(made, "one")
    assert states(made) == {"one": State.REVOKING, "two": State.CLOSED}
    return made.journals[-1]


@pytest.mark.parametrize("name", DAMAGES)
def test_nothing_goes_on_from_a_journal_that_cannot_be_trusted(stage: MakeStage, name: str) -> None:
    damage, state, told = DAMAGES[name]
    made = stage()
    path = stopped(made)
    whole, key = path.read_bytes(), settings.install_key(made.opened().settings)
    digest, plan = path.stem.split("-")[1], planned(made, "two")
    damage(made, path)
    content = path.read_bytes() if path.exists() else None
    found = looking.verify_log(made.opened())
    assert {one.state for one in found if one.path == path} == {state}
    made.world.calls.clear()
    for command in (
        lambda: resume(made),
        lambda: abort(made),
        lambda: rotating.rotate(made.opened(), plan, made.progress, lambda *_: None, never),
        lambda: approving.approve(made.opened(), digest),
        lambda: deploying.deploy(made.opened(), lambda *_: None, never),
        lambda: looking.status(made.opened()),
        lambda: rotating.render_log(made.opened()),
    ):
        with pytest.raises(JournalError, match=told) as caught:
            command()
        assert caught.value.hint
        assert caught.value.exit_status == Exit.CONFIGURATION
    assert made.world.calls == [], "no host was asked anything"
    assert (path.read_bytes() if path.exists() else None) == content, "the evidence stays as it is"
    path.write_bytes(whole)
    (made.opened().settings.state / "install.key").write_bytes(key)
    (outcome,) = resume(made)
    assert outcome.error is None


def test_a_torn_journal_is_gone_on_from_and_loses_what_was_never_acted_on(stage: MakeStage) -> None:
    made = stage()
    path = stopped(made)
    whole = path.read_bytes()
    _cut_off(made, path)
    assert [one.state for one in looking.verify_log(made.opened())] == ["intact", "torn"]
    (outcome,) = resume(made)
    assert outcome.error is None
    assert path.read_bytes().startswith(whole + b'{"seq": ')
    assert {one.state for one in looking.verify_log(made.opened())} == {"intact"}


def test_a_record_that_was_cut_off_at_any_byte_is_cut_away(stage: MakeStage) -> None:
    made = stage()
    path = stopped(made)
    key, whole = settings.install_key(made.opened().settings), path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    before = whole[: -len(last)]
    for length in (*range(0, len(last) - 1, 11), len(last) - 1):
        path.write_bytes(before + last[:length])
        opened = journal.Journal(path, key)
        assert len(opened.records) == before.count(b"\n")
        assert path.read_bytes() == before


def test_an_opening_that_was_cut_off_has_opened_nothing(stage: MakeStage) -> None:
    made = stage()
    rotate(made, "one")
    before = chain.newest(made.opened().settings)
    (made.fleet / "journal" / "20310101T000000000000-d1.jsonl").write_bytes(b'{"seq": 1, "time": "2031')
    assert [one.state for one in looking.verify_log(made.opened())] == ["intact", "torn"]
    with pytest.raises(ConfigurationError, match="no rotation is open"):
        resume(made)
    rotating.refuse_open(made.opened(), ["one", "two"])
    assert chain.newest(made.opened().settings) == before


@pytest.mark.parametrize(("name", "status"), [("none", 0), ("torn", 0), *((name, Exit.FINDINGS) for name in DAMAGES)])
def test_the_status_of_the_command_is_the_verdict(stage: MakeStage, name: str, status: int) -> None:
    made = stage()
    path = stopped(made)
    {"none": lambda *_: None, "torn": _cut_off, **{one: damage for one, (damage, *_) in DAMAGES.items()}}[name](made, path)
    done = CliRunner().invoke(cli.app, ["log", "verify", "--json", "--fleet", str(made.fleet)])
    assert done.exit_code == status
    expected = {"none": "intact", "torn": "torn", **{one: state for one, (_, state, _) in DAMAGES.items()}}[name]
    assert [one["state"] for one in json.loads(done.stdout) if one["path"] == str(path)] == [expected]


# without the log


def forget(made: Stage, path: Path) -> None:
    """Take the section of a journal out of the rotation log, as somebody would who removes the journal itself."""
    log = made.opened().settings.rotation_log
    text = log.read_text()
    sections = re.split(r"(?=^## )", text, flags=re.MULTILINE)
    log.write_text("".join(section for section in sections if path.name not in section))
    assert log.read_text() != text


def test_a_journal_removed_with_its_section_is_missed_by_the_next_one(stage: MakeStage) -> None:
    made = stage()
    for name in ("one", "two", "one"):
        assert rotate(made, name).error is None
    gone = made.journals[1]
    gone.unlink()
    forget(made, gone)
    missed = {made.journals[0]: "intact", made.journals[1]: "intact", gone: "missing"}
    assert {one.path: one.state for one in looking.verify_log(made.opened())} == missed
    with pytest.raises(Invalid, match="this control node has written this journal"):
        rotate(made, "two")
    stale.forget(made.opened())
    assert {one.path: one.state for one in looking.verify_log(made.opened())} == missed, "the next one alone vouches for it"
    assert rotate(made, "two").error is None, "who took it out of the log, in the open, and out of the memory beside it, can go on"


def test_a_journal_shortened_with_its_section_is_told_by_the_next_one(stage: MakeStage) -> None:
    made = stage()
    for name in ("one", "two"):
        assert rotate(made, name).error is None
    first = made.journals[0]
    _one_from_the_end(made, first)
    forget(made, first)
    stale.forget(made.opened())
    assert [one.state for one in looking.verify_log(made.opened())] == ["shortened", "intact"]


@pytest.mark.parametrize("name", ["{} (copy).jsonl", "9{}.jsonl"])
def test_a_copy_of_a_journal_is_told_and_nothing_goes_on_from_it(stage: MakeStage, name: str) -> None:
    made = stage()
    path = stopped(made)
    copy = path.with_name(name.format(path.stem))
    copy.write_bytes(path.read_bytes())
    found = {one.path: one.state for one in looking.verify_log(made.opened())}
    assert (found[path], found[copy]) == ("intact", "copied")
    with pytest.raises(JournalError, match="opened under another name") as refused:
        resume(made)
    assert "Remove it if the journal of the right name is there" in refused.value.hint
    copy.unlink()
    assert {one.state for one in looking.verify_log(made.opened())} == {"intact"}


def test_a_reason_is_one_line_of_the_log_whatever_is_in_it(stage: MakeStage) -> None:
    made = stage()
    forged = "see ticket\n- journal: `old.jsonl`, head `0123456789abcdef`\n## 2020-01-01 forged\n- approved: somebody"
    plan = planning.plan(made.opened(), made.store(), ["one"], label="single", reason=forged)
    assert rotating.rotate(made.opened(), plan, Quiet(), lambda *_: None, never).error is None
    lines = made.opened().settings.rotation_log.read_text().splitlines()
    assert f"- reason: {' '.join(forged.split())}" in lines
    assert not [line for line in lines if line.startswith(("- approved", "## 2020"))]
    assert [one.state for one in looking.verify_log(made.opened())] == ["intact"]


def test_what_nobody_vouches_for_is_not_missed(stage: MakeStage) -> None:
    """The control, and the limit: the newest journal, its section and what is remembered, removed together."""
    made = stage()
    for name in ("one", "two"):
        assert rotate(made, name).error is None
    newest = made.journals[1]
    newest.unlink()
    forget(made, newest)
    assert [one.state for one in looking.verify_log(made.opened())] == ["intact", "missing"], "this control node knows of it"
    stale.forget(made.opened())
    assert [one.state for one in looking.verify_log(made.opened())] == ["intact"]


def test_a_run_that_writes_meanwhile_is_not_taken_for_damage(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What vouches is read first: here a whole rotation ends between the reading of one journal and of the one before it."""
    made = stage()
    assert rotate(made, "one").error is None
    assert rotate(made, "two").error is None
    read, writing = journal.read, [True]

    def slow(path: Path, key: bytes) -> tuple[list[journal.Record], journal.Verdict]:
        found = read(path, key)
        if writing and path == made.journals[0]:
            writing.clear()
            assert rotate(made, "one").error is None
        return found

    opened = made.opened()
    monkeypatch.setattr(journal, "read", slow)
    assert {one.state for one in looking.verify_log(opened)} == {"intact"}
    assert not writing


def test_journals_that_are_gone_with_the_log_are_known_to_this_control_node(stage: MakeStage) -> None:
    made = stage("O4-bare")
    assert rotate(made).error is None
    name = made.journals[0].name
    for path in (*made.journals, made.opened().settings.rotation_log):
        path.unlink()
    assert [(one.path.name, one.state) for one in looking.verify_log(made.opened())] == [(name, "missing")]


def test_without_the_key_nothing_is_verified_and_no_key_is_made(stage: MakeStage) -> None:
    made = stage("O4-bare")
    assert rotate(made).error is None
    key = made.opened().settings.state / "install.key"
    key.unlink()
    done = CliRunner().invoke(cli.app, ["log", "verify", "--json", "--fleet", str(made.fleet)])
    assert [one["state"] for one in json.loads(done.stdout)] == ["unverified"]
    assert (done.exit_code, key.exists(), "cannot verify here" in done.stderr) == (Exit.FINDINGS, False, True)
