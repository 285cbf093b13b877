"""The vault's password is changed as a whole or not at all: killed at any system call, or with a disk that fails at any of them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib

from mycoops import chain, durable, lease, vault_switch
from mycoops.commands import checking, looking, rekeying
from mycoops.errors import ConfigurationError, Exit, Locked, MycoopsError, NotWritten, VaultError
from mycoops.secret import Secret, generate
from mycoops.session import Fleet, open_fleet
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit import fleets
from tests.unit.disk import FAULTS, Disk
from tests.unit.dying import killed_at

OLD = fleets.PASSWORD
COMMENT = "# a comment of a person\n"


@dataclass(frozen=True)
class Desk:
    """A fleet with a current value, a candidate and an old one, and its control node."""

    root: Path
    new: str

    @property
    def fleet(self) -> Path:
        """The fleet directory."""
        return self.root / "fleet"

    @property
    def state(self) -> Path:
        """The state directory of the fleet."""
        return self.root / "state" / "tale"

    @property
    def password(self) -> Path:
        """What the catalogue's source of the password gives."""
        return self.state / "vault-password"

    def opened(self) -> Fleet:
        """As a command opens it."""
        return open_fleet(self.fleet)

    def rekey(self) -> rekeying.Rekeyed:
        """The command, as the command line calls it."""
        opened = self.opened()
        return rekeying.finish(opened) if rekeying.cut_off(opened) else rekeying.rekey(opened, self.new)

    def residue(self) -> list[str]:
        """What is of no use to anybody; but for what this very process could not remove, which the next one does."""
        marks = (vault_switch.BESIDE, vault_switch.NEXT, ".new", vault_switch.MARKER)
        found = [path.name for path in self.root.rglob("*") if path.name.endswith(marks)]
        return [name for name in found if not (own := durable.RESIDUE.fullmatch(name)) or int(own[1]) != os.getpid()]


def made(root: Path, source: dict[str, str]) -> Desk:
    """A desk whose catalogue names this source of the password."""
    data = fleets.document()
    data["mycoops_fleet"]["vault_password"] = source
    desk = Desk(root, generate("token").reveal())
    fleets.write(desk.fleet, data)
    desk.state.mkdir(parents=True)
    desk.password.write_text(OLD)
    desk.password.chmod(0o600)
    if name := source.get("script"):
        (desk.state / name).write_text('#!/bin/sh\nexec cat "$(dirname "$0")/vault-password"\n')
        (desk.state / name).chmod(0o700)
    store = Store.open(desk.fleet, password_secrets(OLD))
    store.add("db", "a", generate("token"))
    store.add("token", "", generate("token"))
    store.put_pending("db", 2, "b", generate("token"))
    store.promote("db", 2)
    store.put_pending("db", 3, "a", generate("token"))
    vault_path(desk.fleet).write_text(vault_path(desk.fleet).read_text().replace("  token:\n", f"  {COMMENT}  token:\n"))
    return desk


@pytest.fixture(params=["file", "script"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with the password in a file, and one with a program that prints it."""
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    return made(tmp_path, {"file": "vault-password"} if request.param == "file" else {"script": "print-it"})


def values(store: Store) -> dict[tuple[str, int], str]:
    """Every value, by credential and generation."""
    return {(name, number): secret.reveal() for name, number, secret in store.secrets()}


def under(desk: Desk, password: str) -> dict[tuple[str, int], str]:
    """Every value as this password opens it; none where it does not open them all."""
    try:
        return values(Store.open(desk.fleet, password_secrets(password)))
    except VaultError:
        return {}


def assert_whole(desk: Desk, before: dict[tuple[str, int], str]) -> str:
    """Exactly one of the two passwords opens everything, and the fleet reads with it; returns which one."""
    opened = {password for password in (OLD, desk.new) if under(desk, password) == before}
    assert len(opened) == 1
    assert under(desk, OLD if desk.new in opened else desk.new) == {}
    (password,) = opened
    if desk.opened().password_path():
        assert desk.opened().password() == password
        assert values(desk.opened().store()) == before
    wide = [path for path in desk.root.rglob("*") if secret_file(path) and path.stat().st_mode & 0o077]
    assert wide == []
    return password


def secret_file(path: Path) -> bool:
    """Whether ciphertext or a password is in it, or will be."""
    return path.is_file() and ("vault" in path.name or path.name.startswith(".rekey"))


def assert_done(desk: Desk, before: dict[tuple[str, int], str]) -> None:
    """The new password is in force, nothing is left of the way to it, and the evidence is there."""
    assert assert_whole(desk, before) == desk.new
    assert desk.residue() == []
    if not desk.opened().password_path():
        durable.replace(desk.password, desk.new.encode())
    assert [one for one in checking.check(desk.opened()) if "password" in one.problem or "decrypt" in one.problem] == []
    assert {verdict.state for verdict in looking.verify_log(desk.opened())} == {"intact"}
    log = desk.opened().settings.rotation_log.read_text()
    assert "- the vault's password was changed: 4 values, in 4 files" in log.splitlines()


def test_everything_is_under_the_new_password(desk: Desk) -> None:
    before, text = under(desk, OLD), vault_path(desk.fleet).read_text()
    assert len(before) == 4
    done = desk.rekey()
    assert (done.values, done.files, done.changed, done.left) == (4, 4, True, ())
    assert_done(desk, before)
    after = vault_path(desk.fleet).read_text()
    assert [line for line in after.splitlines() if not line.strip().isalnum()] == [
        line for line in text.splitlines() if not line.strip().isalnum()
    ], "nothing but ciphertext has changed"
    assert COMMENT in after


def test_what_a_person_has_to_do_is_told(desk: Desk) -> None:
    done = desk.rekey()
    if done.source == "file":
        assert desk.password.read_text() == desk.new
        assert done.next == "mycoops check"
    else:
        assert desk.password.read_text() == OLD, "what a program prints is not mycoops' to change"
        assert done.next.startswith("let print-it print the new password, then")
        with pytest.raises(VaultError) as caught:
            values(desk.opened().store())
        assert "After `mycoops vault rekey` it is the new one" in caught.value.hint


def test_the_same_password_once_more_changes_nothing(desk: Desk) -> None:
    before = under(desk, OLD)
    desk.rekey()
    content = vault_path(desk.fleet).read_bytes()
    assert desk.rekey().changed is False
    durable.replace(desk.password, desk.new.encode())
    assert desk.rekey().changed is False
    assert vault_path(desk.fleet).read_bytes() == content
    assert under(desk, desk.new) == before


def test_a_file_that_came_back_from_a_backup_is_put_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    desk = made(tmp_path, {"file": "vault-password"})
    desk.rekey()
    desk.password.write_text(OLD)
    assert desk.rekey().changed is False
    assert desk.password.read_text() == desk.new


def test_a_second_change_follows_the_first(desk: Desk) -> None:
    before = under(desk, OLD)
    desk.rekey()
    durable.replace(desk.password, desk.new.encode())
    other = Desk(desk.root, generate("token").reveal())
    other.rekey()
    assert under(other, other.new) == before
    assert under(other, desk.new) == {}


def test_the_control_sees_a_vault_that_is_half_changed_or_wide(desk: Desk) -> None:
    before = under(desk, OLD)
    assert assert_whole(desk, before) == OLD
    vault_path(desk.fleet).chmod(0o640)
    with pytest.raises(AssertionError):
        assert_whole(desk, before)
    files = Store.open(desk.fleet, password_secrets(OLD)).under(password_secrets(desk.new))
    durable.replace(vault_path(desk.fleet), files[vault_path(desk.fleet)][1])
    with pytest.raises(AssertionError):
        assert_whole(desk, before)


@pytest.mark.slow
def test_killed_at_any_system_call_every_value_is_read_and_the_next_one_ends_it(desk: Desk, tmp_path: Path) -> None:
    before, found = under(desk, OLD), []
    for number in range(1, 400):
        place = tmp_path / "one"
        shutil.copytree(desk.root / "fleet", place / "fleet")
        shutil.copytree(desk.root / "state", place / "state")
        one = Desk(place, desk.new)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MYCOOPS_STATE", str(place / "state"))
            came = killed_at(number, lambda one=one: one.rekey())
            found.append(assert_whole(one, before))
            if rekeying.cut_off(one.opened()):
                assert_nothing_else_writes(one)
            if came:
                one.rekey()
            assert_done(one, before)
        shutil.rmtree(place)
        if not came:
            break
    assert found == sorted(found, key=[OLD, desk.new].index), "once decided it stays"
    assert found.count(OLD) > 40
    assert found.count(desk.new) > 20


def assert_nothing_else_writes(desk: Desk) -> None:
    """Between the decision and the end nothing is written, and the command that ends it is named."""
    store = Store.open(desk.fleet, password_secrets(desk.new))
    for write in (
        lambda: store.put_pending("db", 9, "a", generate("token")),
        lambda: store.add("more", "", generate("token")),
        lambda: store.drop_pending("db", 3),
    ):
        with pytest.raises(VaultError) as caught:
            write()
        assert "mycoops vault rekey" in caught.value.hint
    with pytest.raises(ConfigurationError, match="not every file of it is in its place"):
        checking.refuse(desk.opened())
    assert looking.status(desk.opened()), "what only looks goes on"


@pytest.mark.slow
@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("how", ["once", "lasting", "short"])
def test_a_disk_that_fails_anywhere_leaves_one_password_for_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, how: str
) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    first = made(tmp_path, {"file": "vault-password"})
    before, place, failures = under(first, OLD), tmp_path / "one", 0
    for skip in range(number % 3, 400, 3):
        for name in ("fleet", "state"):
            shutil.copytree(tmp_path / name, place / name)
        desk = Desk(place, first.new)
        monkeypatch.setenv("MYCOOPS_STATE", str(place / "state"))
        error = None
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, skip, number, lasting=how == "lasting", short=how == "short")
            try:
                desk.rekey()
            except MycoopsError as caught:
                error = caught
        assert error is None or isinstance(error, NotWritten)
        failures += error is not None
        password = assert_whole(desk, before)
        if password == OLD and how != "lasting":
            assert desk.residue() == []
        desk.rekey()
        assert_done(desk, before)
        shutil.rmtree(place)
        if disk.calls <= skip:
            break
    assert failures > 20


def test_a_value_that_does_not_open_stops_it_before_anything_is_done(desk: Desk) -> None:
    foreign = VaultLib(password_secrets("another password")).encrypt(b"{}")
    (desk.fleet / "pending" / "token.g7.vault").write_bytes(foreign)
    content = vault_path(desk.fleet).read_bytes()
    with pytest.raises(VaultError, match=r"token\.g7\.vault: token does not decrypt"):
        desk.rekey()
    assert vault_path(desk.fleet).read_bytes() == content
    assert desk.residue() == []
    assert not (desk.fleet / "journal").exists()


def test_a_file_that_changes_meanwhile_stops_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = under(desk, OLD), vault_switch.prepare

    def slow(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        Store.open(desk.fleet, password_secrets(OLD)).put_pending("token", 5, "", Secret("brought meanwhile, and kept"))

    monkeypatch.setattr(vault_switch, "prepare", slow)
    with pytest.raises(VaultError, match=r"token\.g5\.vault was changed by someone else meanwhile"):
        desk.rekey()
    monkeypatch.undo()
    monkeypatch.setenv("MYCOOPS_STATE", str(desk.root / "state"))
    assert desk.residue() == []
    assert under(desk, OLD).items() > before.items()
    desk.rekey()
    assert under(desk, desk.new).items() > before.items()


def test_another_run_is_waited_for(desk: Desk) -> None:
    with lease.hold(desk.state, "rotate"), pytest.raises(Locked, match="mycoops rotate"):
        desk.rekey()
    assert under(desk, OLD)


def test_ciphertext_of_somebody_else_is_told(desk: Desk) -> None:
    foreign = VaultLib(password_secrets(OLD)).encrypt(b"mine").decode()
    (desk.fleet / "group_vars" / "all" / "more.yml").write_text(foreign)
    lines = "".join(f"  {line}\n" for line in foreign.splitlines())
    vault_path(desk.fleet).write_text(vault_path(desk.fleet).read_text() + f"another: !vault |\n{lines}")
    line = next(n for n, text in enumerate(vault_path(desk.fleet).read_text().splitlines(), 1) if text.startswith("another"))
    done = desk.rekey()
    assert done.left == (f"{desk.fleet}/group_vars/all/more.yml:1", f"{vault_path(desk.fleet)}:{line + 1}")
    assert under(desk, desk.new)


@pytest.mark.parametrize("weak", ["", "short", "with\na line break in it", " with a space before it", "fifteen chars.."])
def test_a_weak_password_is_refused(desk: Desk, weak: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 16 characters") as caught:
        rekeying.rekey(desk.opened(), weak)
    assert caught.value.exit_status is Exit.CONFIGURATION
    assert len(weak) < 6 or weak not in caught.value.message + caught.value.hint


def test_an_older_copy_of_the_fleet_is_refused(desk: Desk) -> None:
    desk.rekey()
    durable.replace(desk.password, desk.new.encode())
    (journal,) = (desk.fleet / "journal").iterdir()
    journal.unlink()
    desk.opened().settings.rotation_log.unlink()
    with pytest.raises(ConfigurationError, match="this control node has written this journal"):
        Desk(desk.root, generate("token").reveal()).rekey()
    assert under(desk, desk.new)
    assert desk.residue() == []


def test_a_catalogue_whose_password_file_is_a_link_keeps_the_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    desk = made(tmp_path, {"file": "vault-password"})
    kept = tmp_path / "kept"
    kept.mkdir()
    desk.password.rename(kept / "it")
    desk.password.symlink_to(kept / "it")
    before = under(desk, OLD)
    desk.rekey()
    assert desk.password.is_symlink()
    assert (kept / "it").read_text() == desk.new
    assert_done(desk, before)


def test_no_password_and_no_value_is_written_down(desk: Desk) -> None:
    before = under(desk, OLD)
    desk.rekey()
    secret = [OLD, desk.new, *before.values()]
    for path in desk.root.rglob("*"):
        if path.is_file() and path != desk.password:
            assert not [text for text in secret if text.encode() in path.read_bytes()], path
    assert chain.newest(desk.opened().settings)
