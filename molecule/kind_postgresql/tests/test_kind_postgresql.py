"""The server's catalogue and a client of our own say the same as the role's probes."""

from __future__ import annotations

import psycopg
import pytest

QUERY = "SELECT rolname, rolcanlogin, rolpassword IS NULL FROM pg_authid WHERE rolname LIKE 'website_%' ORDER BY 1"


def log_in(user, password):
    told = {"host": "127.0.0.1", "port": 24432, "dbname": "website", "connect_timeout": 5}
    with psycopg.connect(user=user, password=password, **told) as connection:
        return connection.execute("SELECT current_user, count(*) FROM items").fetchone()


def test_the_catalogue(host):
    done = host.run(f'runuser -u postgres -- psql -XAtc "{QUERY}"')
    assert done.stdout.split() == ["website_a|f|t", "website_b|t|f", "website_owner|f|t"]


def test_the_new_slot_acts_as_the_owner(value):
    assert log_in("website_b", value(2)) == ("website_owner", 3)


def test_nobody_else_gets_in(value):
    for user, generation in (("website_a", 1), ("website_b", 1), ("website_a", 2)):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            log_in(user, value(generation))


def test_parity_drain_and_persistence(replies):
    assert replies.of("converge", "parity new")["equal"] is True
    assert replies.of("side_effect", "drain new")["in_use"] == 0
    assert replies.of("side_effect", "persist new")["persisted"] is True
