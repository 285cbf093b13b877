"""Who runs a command is what the kernel says of the login, whatever the environment says."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from mycoops import account

REPOSITORY = Path(__file__).resolve().parents[2]
OTHER = pwd.getpwnam("nobody")


def asked(before: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a new process says of itself, after `before` was done in it."""
    code = f"{before}\nfrom mycoops import account\nprint(account.name())"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )


def test_no_variable_of_the_environment_makes_somebody_another() -> None:
    assert asked("", LOGNAME="bob", USER="bob", SUDO_USER="bob", LNAME="bob").stdout == f"{account.name()}\n"


def test_without_a_login_it_is_the_account_of_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for content in (b"4294967295", b"", b"\xff"):
        (tmp_path / "loginuid").write_bytes(content)
        monkeypatch.setattr(account, "LOGIN", tmp_path / "loginuid")
        assert account.name() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(account, "LOGIN", tmp_path / "absent")
    assert account.name() == pwd.getpwuid(os.getuid()).pw_name


def test_the_login_stays_through_a_change_of_the_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As sudo leaves it: the process is another account's, the login is not."""
    (tmp_path / "loginuid").write_text(str(OTHER.pw_uid))
    monkeypatch.setattr(account, "LOGIN", tmp_path / "loginuid")
    assert account.name() == "nobody"
    assert os.getuid() != OTHER.pw_uid


def test_a_login_of_an_account_that_is_gone_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = next(number for number in range(61000, 61999) if not _known(number))
    (tmp_path / "loginuid").write_text(str(free))
    monkeypatch.setattr(account, "LOGIN", tmp_path / "loginuid")
    assert account.name() == f"uid-{free}"


def _known(number: int) -> bool:
    try:
        pwd.getpwuid(number)
    except KeyError:
        return False
    return True


@pytest.mark.skipif(
    not account.LOGIN.exists() or account.LOGIN.read_text() != str(account.UNSET),
    reason="needs a kernel that keeps the login, unset",
)
def test_the_kernel_is_asked() -> None:
    assert asked(f"open('/proc/self/loginuid', 'w').write('{OTHER.pw_uid}')").stdout == "nobody\n"


@pytest.mark.parametrize(("identity", "name"), [("ann@desk", "ann"), ("ann", "ann"), ("ann@corp@desk", "ann@corp")])
def test_an_identity_names_its_account(identity: str, name: str) -> None:
    assert account.of(identity) == name
    assert account.of(account.here()) == account.name()
