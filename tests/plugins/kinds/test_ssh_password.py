"""The kind ssh_password on a stand-in for systemd and shadow: the way back is armed before the cut and gone only after proof."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import bcrypt
import mycoops_way_back
import pytest
from kind_programs import load, new_value, wrapped


def hashed(value: str) -> str:
    return bcrypt.hashpw(value.encode(), bcrypt.gensalt(4)).decode()


class Host:
    """Answers the commands as a host would; `fire` lets the timer run out."""

    def __init__(self, home: Path, value: str) -> None:
        self.shadow, self.armed, self.commands, self.sudo = home / "shadow", False, [], (0, "")
        self.kept = home / "kept" / "revert-app"
        self.broken: set[str] = set()
        self.set(hashed(value))

    def set(self, hash_: str) -> None:
        self.shadow.write_text(f"root:*:1::::::\napp:{hash_}:1:0:99999:7:::\n")

    def call(self, command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        self.commands.append(" ".join(command))
        name = command[0].rsplit("/", 1)[-1]
        code, said = (1, "") if name in self.broken else getattr(self, "_" + name.replace("-", "_"))(command, text)
        return subprocess.CompletedProcess(command, code, "", said)

    def _systemd_run(self, command: list[str], text: str) -> tuple[int, str]:
        self.armed = True
        return 0, ""

    def _systemctl(self, command: list[str], text: str) -> tuple[int, str]:
        if command[1] == "is-active":
            return (0 if self.armed else 3), ""
        self.armed = self.armed and command[1] != "stop"
        return 0, ""

    def _chpasswd(self, command: list[str], text: str) -> tuple[int, str]:
        self.set(text.strip().split(":", 1)[1])
        return 0, ""

    def _runuser(self, command: list[str], text: str) -> tuple[int, str]:
        return self.sudo

    def fire(self) -> None:
        self._chpasswd([], self.kept.read_text())
        self.kept.unlink()
        self.armed = False


class Fleet:
    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.old, self.new = new_value(), new_value()
        self.host = Host(home, self.old)
        module = load("kind_ssh_password", "unix_password")
        systemd = home / "systemd"
        systemd.mkdir()
        for name, path in {"SHADOW": self.host.shadow, "CLOUD_INIT": home / "cloud"}.items():
            monkeypatch.setattr(module, name, path)
        for name, stand_in in {"KEPT": home / "kept", "SYSTEMD": systemd, "call": self.host.call}.items():
            monkeypatch.setattr(mycoops_way_back, name, stand_in)
        self.call = wrapped(module)

    def ask(self, entry: str, **more: Any) -> dict[str, Any]:
        base = {"id": "1", "entry": entry, "generation": 2, "previous": 1, "options": {"account": "app"}}
        return self.call({**base, "value": self.new, "previous_value": self.old, "hash": hashed(self.new), **more})

    def back(self, entry: str) -> dict[str, Any]:
        return self.ask(entry, generation=1, previous=2, value=self.old, previous_value=self.new)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(tmp_path, monkeypatch)


def test_the_whole_way(fleet: Fleet) -> None:
    assert fleet.ask("preflight")["evidence"]["hash"] == "2b"
    assert fleet.ask("stage")["done"] is True
    assert fleet.host.armed
    assert fleet.host.kept.stat().st_mode & 0o777 == 0o600
    assert fleet.host.kept.parent.stat().st_mode & 0o777 == 0o700
    assert fleet.ask("cutover")["done"] is True
    assert fleet.ask("persist")["persisted"] is False
    assert fleet.ask("confirm")["evidence"]["sudo"] == "accepted"
    assert not fleet.host.armed
    assert not fleet.host.kept.exists()
    assert fleet.ask("confirm")["done"] is True
    assert fleet.ask("persist")["persisted"] is True


def test_no_value_and_no_hash_is_in_a_command_or_a_reply(fleet: Fleet) -> None:
    replies = [fleet.ask(entry) for entry in ("preflight", "stage", "cutover", "confirm", "persist")]
    shown = str(replies) + str(fleet.host.commands)
    assert fleet.old not in shown
    assert fleet.new not in shown
    assert "$2b$" not in shown


def test_a_repeated_cut_still_goes_back_to_the_first_hash(fleet: Fleet) -> None:
    fleet.ask("stage")
    for _ in range(3):
        fleet.ask("cutover")
    fleet.ask("stage")
    fleet.host.fire()
    assert fleet.ask("persist", value=fleet.old, previous_value=fleet.new)["persisted"] is True


def test_the_cut_arms_again_where_the_timer_ran_out_while_staged(fleet: Fleet) -> None:
    fleet.ask("stage")
    fleet.host.fire()
    assert fleet.ask("cutover")["done"] is True
    assert fleet.host.armed


def test_what_an_older_run_left_behind_is_not_restored(fleet: Fleet) -> None:
    fleet.host.kept.parent.mkdir()
    fleet.host.kept.write_text(f"app:{hashed(new_value())}\n")
    fleet.ask("cutover")
    fleet.host.fire()
    assert fleet.ask("persist", value=fleet.old, previous_value=None)["persisted"] is True


def test_a_cut_that_the_timer_undid_is_not_confirmed(fleet: Fleet) -> None:
    fleet.ask("cutover")
    fleet.host.fire()
    assert fleet.ask("confirm")["error"]["code"] == "not_in_force"


def test_sudo_that_refuses_leaves_the_timer_armed(fleet: Fleet) -> None:
    fleet.ask("cutover")
    fleet.host.sudo = (1, "sudo: 1 incorrect password attempt\n")
    assert fleet.ask("confirm")["error"]["code"] == "sudo_refused"
    assert fleet.host.armed
    fleet.host.sudo = (1, "app is not in the sudoers file.\n")
    assert fleet.ask("confirm")["evidence"]["sudo"] == "not allowed"


def test_restore_puts_the_old_hash_back_at_once_and_can_be_repeated(fleet: Fleet) -> None:
    fleet.ask("cutover")
    assert fleet.ask("restore")["changed"] is True
    assert fleet.ask("restore")["changed"] is False
    assert not fleet.host.armed
    assert fleet.ask("persist", value=fleet.old, previous_value=fleet.new)["persisted"] is True


def test_restore_says_when_there_is_nothing_to_restore(fleet: Fleet) -> None:
    fleet.ask("cutover")
    fleet.ask("confirm")
    assert fleet.ask("restore")["error"]["code"] == "nothing_to_restore"


def test_an_abort_disarms_a_stage_and_undoes_a_cut(fleet: Fleet) -> None:
    fleet.ask("stage")
    assert fleet.back("confirm")["done"] is True
    assert not fleet.host.armed
    fleet.ask("cutover")
    assert fleet.back("confirm")["done"] is True
    assert fleet.ask("persist", value=fleet.old, previous_value=fleet.new)["persisted"] is True


@pytest.mark.parametrize("entry", ["preflight", "stage", "cutover"])
def test_without_a_second_way_in_nothing_starts(fleet: Fleet, entry: str) -> None:
    assert fleet.ask(entry, by_password=True)["error"]["code"] == "no_second_way"
    assert fleet.host.commands == []


def test_without_a_timer_nothing_is_cut(fleet: Fleet) -> None:
    fleet.host.broken = {"systemd-run"}
    assert fleet.ask("stage")["error"]["code"] == "not_armed"
    assert fleet.ask("cutover")["error"]["code"] == "not_armed"
    assert not any(command == "chpasswd -e" for command in fleet.host.commands)
    assert fleet.ask("persist", value=fleet.old, previous_value=None)["evidence"]["new"] == "present"


def test_a_locked_account_and_an_unknown_one_are_named(fleet: Fleet) -> None:
    fleet.host.set("!locked")
    assert fleet.ask("preflight")["error"]["code"] == "no_password"
    assert fleet.ask("preflight", options={"account": "nobody_here"})["error"]["code"] == "unknown_account"
    assert fleet.ask("preflight", options={"account": "../x"})["error"]["code"] == "bad_account"


def test_a_clear_password_is_turned_away(fleet: Fleet) -> None:
    assert fleet.ask("cutover", hash=fleet.new)["error"]["code"] == "no_hash"


def test_check_mode_changes_nothing(fleet: Fleet) -> None:
    before = fleet.host.shadow.read_bytes()
    for entry in ("stage", "cutover"):
        assert fleet.ask(entry, check=True)["changed"] is True
    assert fleet.host.commands == []
    assert fleet.host.shadow.read_bytes() == before
