"""One password opens the role, the server's catalogue holds it as a verifier, and nothing waits to put the old one back."""

from __future__ import annotations

import psycopg
import pytest

QUERY = "SELECT rolcanlogin, left(rolpassword, 14) FROM pg_authid WHERE rolname = 'reports'"


def log_in(password):
    told = {"host": "127.0.0.1", "port": 24432, "dbname": "website", "connect_timeout": 5}
    with psycopg.connect(user="reports", password=password, **told) as connection:
        return connection.execute("SELECT current_user, count(*) FROM items").fetchone()


def test_the_catalogue(host):
    done = host.run(f'runuser -u postgres -- psql -XAtc "{QUERY}"')
    assert done.stdout.split() == ["t|SCRAM-SHA-256$"]


def test_the_new_password_opens_the_role(value):
    assert log_in(value(2)) == ("reports", 3)


def test_the_old_one_does_not(value):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(value(1))


def test_the_way_back_is_called_off(host):
    assert "mycoops-revert" not in host.run("systemctl list-units --all --plain --no-legend").stdout
    assert host.file("/run/mycoops").listdir() == []


def test_persistence(replies):
    assert replies.of("side_effect", "persist new")["persisted"] is True
