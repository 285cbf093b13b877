"""A developer's machine writes its own env files and says what it holds; the rotation believes that and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from mycoops import developers, durable, session
from mycoops.commands import pulling
from mycoops.drill.stories import KINDS
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.places import Places
from mycoops.secret import Secret, generate
from mycoops.session import Fleet
from mycoops.vault import Store, password_secrets
from tests.unit import fleets

ANN = {"developer": "ann", "env": {"DB": "postgresql://<principal>:<value|url>@h3/app", "PASSWORD": "<value>"}}
SITE = {"developer": "ann", "path": "site/.env.local", "env": {"TOKEN": "<value>"}}


def document() -> dict[str, Any]:
    data = fleets.document()
    data["mycoops_credentials"]["db"]["consumers"].append(ANN)
    data["mycoops_credentials"]["token"]["consumers"] += [SITE, {"developer": "bob", "env": {"TOKEN": "<value>"}}]
    return data


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet with two credentials, as the control node has it."""
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    where = fleets.write(tmp_path / "fleet", document())
    (tmp_path / "state" / "tale").mkdir(parents=True)
    durable.replace(tmp_path / "state" / "tale" / "vault-password", fleets.PASSWORD.encode())
    store = Store.open(where, password_secrets(fleets.PASSWORD))
    store.add("db", "a", generate("token"))
    store.add("token", "", generate("token"))
    return session.open_fleet(where)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    (made / "site").mkdir(parents=True)
    return made


def value(fleet: Fleet, credential: str, generation: int = 1) -> str:
    return fleet.store().secret(credential, generation).reveal()


def asked(fleet: Fleet, credential: str, generation: int) -> Any:
    """What the control node hears of ann's copy when it asks for this generation."""
    places = Places(fleet.settings.fleet, fleet.catalogue, fleet.kinds, fleet.store())
    (consumer,) = [one for one in fleet.catalogue.credentials[credential].outside if one.developer == "ann"]
    return places(credential, consumer, generation)


def test_new_files_hold_what_the_developer_may_have_and_nobody_elses(fleet: Fleet, work: Path) -> None:
    done = pulling.pull(fleet, "ann", work)
    assert dotenv_values(work / ".env") == {
        "DB": f"postgresql://app_a:{value(fleet, 'db')}@h3/app",
        "PASSWORD": value(fleet, "db"),
    }
    assert dotenv_values(work / "site" / ".env.local") == {"TOKEN": value(fleet, "token")}
    assert {file.stat().st_mode & 0o777 for file in (work / ".env", work / "site" / ".env.local")} == {0o600}
    assert [one.generations for one in done.files] == [{"db": 1}, {"token": 1}]
    pulling.pull(fleet, "bob", work)
    assert dotenv_values(work / ".env")["TOKEN"] == value(fleet, "token")


def test_what_a_developer_wrote_stays(fleet: Fleet, work: Path) -> None:
    before = "# mine\nexport EDITOR_COLOUR=dark\n\nPASSWORD=old # was\n#PASSWORD=older\nLAST='a b'\n"
    (work / ".env").write_text(before)
    (work / ".env").chmod(0o644)
    pulling.pull(fleet, "ann", work)
    lines = (work / ".env").read_text().splitlines()
    assert lines[:3] == before.splitlines()[:3]
    assert lines[3].startswith(f"PASSWORD={value(fleet, 'db')}")
    assert lines[4:6] == ["#PASSWORD=older", "LAST='a b'"]
    assert (work / ".env").stat().st_mode & 0o777 == 0o600


def test_lines_that_end_as_on_windows_go_on_so(fleet: Fleet, work: Path) -> None:
    (work / ".env").write_bytes(b"# mine\r\nPASSWORD=old\r\nPATH_TO=C:\\Users\\ann\r\n")
    pulling.pull(fleet, "ann", work)
    content = (work / ".env").read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") == 4
    assert b"PATH_TO=C:\\Users\\ann\r\n" in content
    assert dotenv_values(work / ".env")["PASSWORD"] == value(fleet, "db")


def test_a_second_pull_changes_nothing(fleet: Fleet, work: Path) -> None:
    pulling.pull(fleet, "ann", work)
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (work / ".env", work / "site" / ".env.local")}
    assert [one.changed for one in pulling.pull(fleet, "ann", work).files] == [(), ()]
    assert before == {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in before}


def test_a_file_that_nobody_understands_is_left_and_nothing_is_acknowledged(fleet: Fleet, work: Path) -> None:
    (work / "site" / ".env.local").write_text("OK=1\njust a token\n")
    with pytest.raises(ConfigurationError, match=r"site/\.env\.local:2"):
        pulling.pull(fleet, "ann", work)
    assert not (work / ".env").exists()
    assert asked(fleet, "db", 1).person


def test_a_link_is_not_followed(fleet: Fleet, work: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("A=1\n")
    (work / ".env").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        pulling.pull(fleet, "ann", work)
    assert (tmp_path / "elsewhere").read_text() == "A=1\n"


def test_who_is_not_declared_gets_nothing(fleet: Fleet, work: Path) -> None:
    with pytest.raises(WrongUsage, match="no credential has a developer eve") as caught:
        pulling.pull(fleet, "eve", work)
    assert "ann, bob" in caught.value.hint
    assert list(work.rglob("*.env*")) == []
    with pytest.raises(WrongUsage, match="is not a directory"):
        pulling.pull(fleet, "ann", work / "none")


def test_the_acknowledgement_is_of_the_generation_that_was_asked_for(fleet: Fleet, work: Path) -> None:
    fleet.store().put_pending("token", 2, "", generate("token"))
    pulling.pull(fleet, "ann", work)
    assert asked(fleet, "token", 2).person, "she has the old one"
    done = pulling.pull(fleet, "ann", work)
    assert dotenv_values(work / "site" / ".env.local") == {"TOKEN": value(fleet, "token", 2)}
    assert [one.generations for one in done.files] == [{"db": 1}, {"token": 2}]
    reached = asked(fleet, "token", 2)
    assert (reached.person, reached.mark) == (False, "2")
    assert asked(fleet, "token", 1).person, "on the way back she is asked for the old one"
    pulling.pull(fleet, "ann", work)
    assert dotenv_values(work / "site" / ".env.local") == {"TOKEN": value(fleet, "token", 1)}
    assert not asked(fleet, "token", 1).person


def test_a_generation_that_is_not_kept_any_more_is_not_asked_for(fleet: Fleet, work: Path) -> None:
    asked(fleet, "token", 7)
    pulling.pull(fleet, "ann", work)
    assert dotenv_values(work / "site" / ".env.local") == {"TOKEN": value(fleet, "token", 1)}


def test_it_goes_through_a_copy_of_the_fleet_directory_without_the_control_nodes_state(
    fleet: Fleet, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The developer has a clone and the vault password: no install key, no lease, and other journals than can be vouched for."""
    fleet.store().put_pending("token", 2, "", generate("token"))
    assert asked(fleet, "token", 2).person
    (fleet.settings.fleet / "journal").mkdir()
    (fleet.settings.fleet / "journal" / "x.jsonl").write_text("{}\n")
    shutil.copytree(fleet.settings.fleet, tmp_path / "clone")
    (tmp_path / "ann" / "tale").mkdir(parents=True)
    durable.replace(tmp_path / "ann" / "tale" / "vault-password", fleets.PASSWORD.encode())
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "ann"))
    done = pulling.pull(session.open_fleet(tmp_path / "clone"), "ann", work)
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    assert asked(fleet, "token", 2).person, "it has not come back yet"
    shutil.copy(done.acknowledgement, fleet.settings.fleet / "developers")
    assert not asked(fleet, "token", 2).person
    assert not (tmp_path / "ann" / "tale" / "install.key").exists()


def test_what_says_so_holds_no_value_and_cannot_be_made_without_the_password(fleet: Fleet, work: Path) -> None:
    pulling.pull(fleet, "ann", work)
    asked(fleet, "token", 1)
    place = fleet.settings.fleet / "developers"
    assert sorted(file.name for file in place.iterdir()) == ["ann.asked", "ann.holds"]
    for file in place.iterdir():
        assert not {value(fleet, "db"), value(fleet, "token")} & set(str(fleet.store().unsealed(file.read_bytes())).split("'"))
    assert not asked(fleet, "token", 1).person
    genuine = (place / "ann.holds").read_bytes()
    other = Store.open(fleet.settings.fleet, password_secrets("another password, of whom may not"))
    for forged in (b"{}", genuine[:-3] + b"00\n", other.sealed({"about": "ann.holds"}), (place / "ann.asked").read_bytes()):
        (place / "ann.holds").write_bytes(forged)
        assert asked(fleet, "token", 1).person
    (place / "ann.holds").write_bytes(genuine)
    assert not asked(fleet, "token", 1).person, "the control"


def test_asking_again_leaves_the_file(fleet: Fleet) -> None:
    asked(fleet, "token", 1)
    file = fleet.settings.fleet / "developers" / "ann.asked"
    before = file.read_bytes()
    asked(fleet, "token", 1)
    assert file.read_bytes() == before


def test_a_value_that_a_reader_would_read_otherwise_is_refused(fleet: Fleet, work: Path) -> None:
    fleet.store().put_pending("db", 2, "b", Secret("a # with ' and \" and ` quotes"))
    asked(fleet, "db", 2)
    with pytest.raises(ConfigurationError) as caught:
        pulling.pull(fleet, "ann", work)
    assert "quotes" not in caught.value.message
    assert developers.wanted(fleet.settings.fleet, fleet.store(), fleet.catalogue.credentials["db"].outside[0], "db") == 2
    assert KINDS["pair"].slots == ("a", "b")
