"""One password opens the account, the method is still offered, and nothing waits to put the old one back."""

from __future__ import annotations

import os
from pathlib import Path

import paramiko
import pytest


@pytest.fixture
def transport():
    known = paramiko.HostKeys(str(Path(os.environ["MOLECULE_RUN"]) / "known_hosts"))
    with paramiko.Transport(("127.0.0.1", 24189)) as opened:
        opened.start_client(timeout=10)
        assert known.check("[127.0.0.1]:24189", opened.get_remote_server_key())
        yield opened


def test_the_new_password_opens_the_account(transport, value):
    assert transport.auth_password("mycosoft", value(2), fallback=False) == []
    assert transport.is_authenticated()


def test_the_old_one_is_refused_though_passwords_are_taken(transport, value):
    with pytest.raises(paramiko.BadAuthenticationType) as offered:
        transport.auth_none("mycosoft")
    assert "password" in offered.value.allowed_types
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("mycosoft", value(1), fallback=False)


def test_the_way_back_is_called_off(host):
    assert "mycoops-revert" not in host.run("systemctl list-units --all --plain --no-legend").stdout
    assert host.file("/run/mycoops").listdir() == []


def test_persistence(replies):
    assert replies.of("side_effect", "persist new")["persisted"] is True
