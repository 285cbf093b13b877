"""The kind ssh_key on files: one line comes, one line goes, and nothing else of the file changes."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

import pytest
from kind_programs import calling

from mycoops.secret import generate
from mycoops.values import public_key

call = calling("kind_ssh_key", "authorized_keys")
OTHERS = '# by hand\n\nfrom="10.0.0.0/8",command="echo \\"a b\\"" ssh-rsa AAAAB3other me@desk\nssh-ed25519 AAAAC3last'


def key() -> str:
    return public_key(generate("ed25519").reveal())


class Account:
    """A file with other people's lines and the old key."""

    def __init__(self, home: Path, options: str = "") -> None:
        self.old, self.new = key(), key()
        self.path = home / ".ssh" / "authorized_keys"
        self.path.parent.mkdir(mode=0o700)
        self.path.write_text(f"{options}{self.old} mycoops/rotator/g1\n{OTHERS}")

    def ask(self, entry: str, **more: Any) -> dict[str, Any]:
        options = {"account": getpass.getuser(), "path": str(self.path)}
        base = {"id": "1", "entry": entry, "credential": "rotator", "generation": 2, "options": options}
        return call({**base, "value": self.new, "previous_value": self.old, **more})


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_the_whole_way_leaves_other_lines_as_they_were(account: Account) -> None:
    assert account.ask("preflight")["evidence"]["keys"] == "3"
    assert account.ask("mint")["changed"] is True
    assert account.ask("mint")["changed"] is False
    assert account.ask("parity")["equal"] is True
    assert account.ask("persist")["persisted"] is False
    assert account.ask("revoke")["changed"] is True
    assert account.ask("revoke")["changed"] is False
    assert account.ask("persist")["persisted"] is True
    assert account.path.read_text() == f"{OTHERS}\n{account.new} mycoops/rotator/g2\n"


def test_the_file_is_private_and_keeps_its_owner(account: Account) -> None:
    account.path.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(account.path, 4711, 4712)
    before = account.path.stat()
    account.ask("mint")
    after = account.path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode & 0o777) == (before.st_uid, before.st_gid, 0o600)
    assert [path.name for path in account.path.parent.iterdir()] == ["authorized_keys"]


def test_a_missing_file_is_made(account: Account) -> None:
    account.path.unlink()
    assert account.ask("mint")["changed"] is True
    assert account.path.read_text() == f"{account.new} mycoops/rotator/g2\n"
    assert account.path.stat().st_mode & 0o777 == 0o600


def test_restrictions_of_the_old_line_go_to_the_new_one(tmp_path: Path) -> None:
    account = Account(tmp_path, 'restrict,from="10.0.0.1" ')
    account.ask("mint")
    assert f'restrict,from="10.0.0.1" {account.new} ' in account.path.read_text()
    assert account.ask("parity")["equal"] is True


def test_a_line_with_other_restrictions_is_no_parity(account: Account) -> None:
    account.path.write_text(account.path.read_text() + f"\nrestrict {account.new}\n")
    assert account.ask("parity")["equal"] is False


def test_the_old_line_stays_while_the_new_one_is_missing(account: Account) -> None:
    before = account.path.read_bytes()
    assert account.ask("revoke")["error"]["code"] == "new_not_ready"
    assert account.ask("revoke", value=account.old)["error"]["code"] == "new_not_ready"
    assert account.path.read_bytes() == before


def test_every_line_of_the_old_key_goes(account: Account) -> None:
    account.path.write_text(account.path.read_text() + f"\n{account.old} a copy\n")
    account.ask("mint")
    assert account.ask("revoke")["evidence"]["removed"] == "2"


def test_bytes_that_are_not_utf8_survive(account: Account) -> None:
    account.path.write_bytes(b"# caf\xe9\r\n" + account.path.read_bytes())
    account.ask("mint")
    assert account.path.read_bytes().startswith(b"# caf\xe9\r\n")


@pytest.mark.parametrize("what", ["file", "directory", "hard link"])
def test_a_link_leads_nowhere(account: Account, tmp_path: Path, what: str) -> None:
    victim = tmp_path / "victim"
    if what == "directory":
        account.path.parent.rename(victim)
        account.path.parent.symlink_to(victim)
    else:
        account.path.rename(victim)
        (account.path.symlink_to if what == "file" else account.path.hardlink_to)(victim)
    assert account.ask("mint")["error"]["code"] == "unsafe_path"
    assert account.new not in (victim.read_text() if victim.is_file() else (victim / "authorized_keys").read_text())


def test_a_private_key_is_turned_away(account: Account) -> None:
    private = generate("ed25519").reveal()
    reply = account.ask("mint", value=private)
    assert reply["error"]["code"] == "no_public_key"
    assert private not in account.path.read_text() + str(reply)


def test_an_unknown_account_is_named(account: Account) -> None:
    reply = account.ask("preflight", options={"account": "nobody-here"})
    assert reply["error"]["code"] == "unknown_account"


def test_check_mode_changes_nothing(account: Account) -> None:
    before = account.path.read_bytes()
    assert account.ask("mint", check=True)["changed"] is True
    assert account.path.read_bytes() == before
