"""Vault, journal and rotation log are whole when a writer is killed at any system call, or a disk fails; trying again ends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mycoops import durable, settings
from mycoops.commands.leaking import recorded
from mycoops.commands.looking import verify_log
from mycoops.commands.rendering import render_log
from mycoops.commands.replacing import put
from mycoops.errors import MycoopsError, NotWritten
from mycoops.journal import Journal, read
from mycoops.model import Leak
from mycoops.secret import generate
from mycoops.session import Fleet, open_fleet
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit import fleets
from tests.unit.disk import FAULTS, Disk
from tests.unit.dying import killed_at

pytestmark = pytest.mark.slow
NEW = generate("token")
KEY = b"k" * 32
LOG = Path("docs") / "SECRET_ROTATION_LOG.md"


@dataclass(frozen=True)
class Case:
    """Something that is written, and what a reader finds of it."""

    act: Callable[[Path], object]
    state: Callable[[Path], object]


def store(root: Path) -> Store:
    """As a new process opens it."""
    return Store.open(root / "fleet", password_secrets(fleets.PASSWORD))


def kept(root: Path) -> dict[tuple[str, int], str]:
    """Every value; that all of them open is the first promise."""
    return {(name, number): secret.reveal() for name, number, secret in store(root).secrets()}


def vault(root: Path) -> object:
    """Every value, and which is current."""
    return kept(root), store(root).metas()


def journal(root: Path) -> object:
    """The records up to where a write was cut off."""
    path = root / "a.jsonl"
    records, verdict = read(path, KEY) if path.exists() else ([], None)
    assert verdict is None or verdict.state in ("intact", "torn")
    return [record["event"] for record in records]


def log(root: Path) -> object:
    """The rotation log, byte by byte."""
    path = root / "fleet" / LOG
    return path.read_bytes() if path.exists() else b""


def fleet(root: Path) -> Fleet:
    """As a command opens it."""
    return open_fleet(root / "fleet")


def leak(root: Path) -> None:
    """Keep in a journal of its own that a value was found."""
    if error := recorded(fleet(root), [Leak("db", 1, "a place")], "a test"):
        raise error


def evidence(root: Path) -> object:
    """The current generation, and what the journals say."""
    assert {verdict.state for verdict in verify_log(fleet(root))} <= {"intact", "torn"}
    meta = store(root).meta("db")
    return meta and meta.generation, kept(root)["db", 1]


CASES = {
    "a candidate": Case(lambda root: store(root).put_pending("db", 2, "b", NEW), vault),
    "a first value": Case(lambda root: store(root).meta("more") or store(root).add("more", "", NEW), lambda root: len(kept(root))),
    "a promotion": Case(
        lambda root: store(root).promote("token", 2), lambda root: (kept(root)["token", 1], kept(root)["token", 2])
    ),
    "a value that is dropped": Case(lambda root: store(root).drop_pending("token", 2), vault),
    "a record": Case(lambda root: Journal(root / "a.jsonl", KEY).write("second"), journal),
    "the log": Case(lambda root: render_log(fleet(root)), log),
    "a value set by hand": Case(lambda root: put(fleet(root), "db", NEW), evidence),
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet with a candidate, a journal of one record, and a leak to render."""
    made = tmp_path / "first"
    monkeypatch.setenv("MYCOOPS_STATE", str(made / "state"))
    fleets.write(made / "fleet")
    (made / "state" / "tale").mkdir(parents=True)
    durable.replace(made / "state" / "tale" / "vault-password", fleets.PASSWORD.encode())
    first = store(made)
    first.add("db", "a", generate("token"))
    first.add("token", "", generate("token"))
    first.put_pending("token", 2, "", generate("token"))
    Journal(made / "a.jsonl", KEY).write("first")
    settings.install_key(fleet(made).settings)
    leak(made)
    (made / "fleet" / LOG).unlink()
    return made


def copied(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same once more."""
    place = root.with_name("one")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(root, place)
    monkeypatch.setenv("MYCOOPS_STATE", str(place / "state"))
    return place


def ends(root: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> tuple[object, object]:
    """What there is before it is written, and after."""
    place = copied(root, monkeypatch)
    before = case.state(place)
    case.act(place)
    return before, case.state(place)


def assert_narrow(place: Path) -> None:
    """Nothing of vault or journal, also on its way, is readable for others; the log is, which is to be read, and not written."""
    for path in place.rglob("*"):
        if path.is_file() and (
            path.suffix in (".new", ".vault", ".jsonl") or path.name in ("vault.yml", "vault-password", LOG.name)
        ):
            assert path.stat().st_mode & (0o022 if LOG.name in path.name else 0o077) == 0, path


def residue(place: Path) -> list[str]:
    """What writers left that will not write any more."""
    found = [durable.RESIDUE.fullmatch(path.name) for path in place.rglob(".*.new")]
    return [match[0] for match in found if match and int(match[1]) != os.getpid()]


@pytest.mark.parametrize("name", CASES)
def test_killed_anywhere_it_is_as_before_or_as_after(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    case = CASES[name]
    old, new = ends(root, monkeypatch, case)
    seen = []
    for number in range(1, 200):
        place = copied(root, monkeypatch)
        came = killed_at(number, lambda place=place: case.act(place))
        seen.append(case.state(place))
        assert seen[-1] in (old, new)
        assert_narrow(place)
        case.act(place)
        assert_again(case, place, new, name)
        assert residue(place) == []
        if not came:
            break
    assert old in seen
    assert seen[-1] == new
    assert number > 2


def assert_again(case: Case, place: Path, new: object, name: str) -> None:
    """It has come to its end; a record that was durable already is there twice, because who is killed does not know."""
    found = case.state(place)
    assert found == new or (name == "a record" and found == ["first", "second", "second"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("how", ["once", "lasting", "short"])
@pytest.mark.parametrize("number", FAULTS)
def test_on_a_failing_disk_it_is_as_before_or_as_after_and_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: str, number: int
) -> None:
    case, failures = CASES[name], 0
    old, new = ends(root, monkeypatch, case)
    for skip in range(number % 3, 200, 3):
        place = copied(root, monkeypatch)
        error = None
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, skip, number, lasting=how == "lasting", short=how == "short")
            try:
                case.act(place)
            except MycoopsError as caught:
                error = caught
        assert error is None or (isinstance(error, NotWritten) and FAULTS[number] in error.message)
        failures += error is not None
        assert case.state(place) in (old, new)
        assert_narrow(place)
        case.act(place)
        assert_again(case, place, new, name)
        assert residue(place) == []
        if disk.calls <= skip:
            break
    assert failures >= 1


def test_the_control_sees_a_file_that_is_half_or_wide(root: Path) -> None:
    path = vault_path(root / "fleet")
    path.chmod(0o644)
    with pytest.raises(AssertionError):
        assert_narrow(root)
    path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) // 3])
    with pytest.raises(MycoopsError):
        kept(root)
