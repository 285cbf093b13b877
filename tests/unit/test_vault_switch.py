"""A reader sees every file as it was before the decision, or every file as it is after it, at every moment in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycoops import vault_switch
from mycoops.vault import vault_path


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet directory with two files of a vault, and a password beside it."""
    for path in files(tmp_path):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"old")
    (tmp_path / "password").write_bytes(b"old")
    return tmp_path


def files(fleet: Path) -> list[Path]:
    """Both."""
    return [vault_path(fleet), fleet / "pending" / "db.g1.vault"]


def seen(fleet: Path) -> set[bytes]:
    """What a reader finds: in the files, and as the password."""
    return {vault_switch.read(fleet, path) for path in files(fleet)} | {
        vault_switch.password_file(fleet, fleet / "password").read_bytes()
    }


def prepared(fleet: Path) -> None:
    """Everything lies beside what it is to replace."""
    vault_switch.prepare(dict.fromkeys(files(fleet), b"new"), fleet / "password", b"new")


def test_nothing_is_seen_of_a_preparation_and_all_of_a_decision(fleet: Path) -> None:
    assert seen(fleet) == {b"old"}
    prepared(fleet)
    assert seen(fleet) == {b"old"}
    assert vault_switch.findings(fleet) == []
    vault_switch.decide(fleet, "a.jsonl")
    assert seen(fleet) == {b"new"}
    assert vault_switch.journal(fleet) == "a.jsonl"
    assert [finding.place for finding in vault_switch.findings(fleet)] == [str(fleet / vault_switch.MARKER)]


@pytest.mark.parametrize("moved", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("password", [True, False])
def test_any_of_them_may_have_its_place_already(fleet: Path, moved: tuple[int, ...], password: bool) -> None:
    prepared(fleet)
    vault_switch.decide(fleet, "a.jsonl")
    for number in moved:
        vault_switch.beside(files(fleet)[number]).replace(files(fleet)[number])
    if password:
        vault_switch.beside(fleet / "password", vault_switch.NEXT).replace(fleet / "password")
    assert seen(fleet) == {b"new"}
    vault_switch.settle(fleet, fleet / "password")
    vault_switch.settle(fleet, fleet / "password")
    vault_switch.end(fleet)
    assert seen(fleet) == {b"new"}
    assert not vault_switch.decided(fleet)
    assert sorted(path.name for path in fleet.rglob("*") if path.is_file()) == ["db.g1.vault", "password", "vault.yml"]


def test_what_was_not_decided_goes_without_a_trace(fleet: Path) -> None:
    before = sorted(fleet.rglob("*"))
    prepared(fleet)
    assert {path.stat().st_mode & 0o777 for path in fleet.rglob("*") if path.name.startswith(".")} == {0o600}
    vault_switch.discard(fleet, fleet / "password")
    vault_switch.discard(fleet, None)
    assert sorted(fleet.rglob("*")) == before
    assert seen(fleet) == {b"old"}


@pytest.mark.parametrize("text", ["", "[]", "{}", "no JSON"])
def test_a_marker_that_tells_nothing_still_decides(fleet: Path, text: str) -> None:
    prepared(fleet)
    (fleet / vault_switch.MARKER).write_text(text)
    assert vault_switch.journal(fleet) == ""
    assert seen(fleet) == {b"new"}


def test_a_file_that_is_nowhere_is_missed(fleet: Path) -> None:
    vault_switch.decide(fleet, "")
    with pytest.raises(FileNotFoundError):
        vault_switch.read(fleet, fleet / "pending" / "gone.vault")
