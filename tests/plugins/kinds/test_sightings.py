"""Who still tries a retired login is read from what a real server says, and a wrong password of the login in force is not that."""

from __future__ import annotations

import contextlib
import os
import time
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kind_programs import load, new_value, wrapped
from kind_servers import Postgres
from mycoops_reply import Refusal
from test_postgresql import authority, item, minted, session

from mycoops.values import scram_verifier

program = load("kind_postgresql", "postgresql_log")
log = wrapped(program)
PREFIX = "%m [%p] %q%u@%d %h "


class Prefixed:
    """A server whose lines have a prefix of the test's choice."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres

    def __call__(self, prefix: str, **settings: str) -> Postgres:
        for name, value in {"log_line_prefix": prefix, **settings}.items():
            self.postgres.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        self._reload(prefix)
        return self.postgres

    def _reload(self, prefix: str) -> None:
        self.postgres.sql("SELECT pg_reload_conf()")
        limit = time.monotonic() + 5
        while self.postgres.sql("SHOW log_line_prefix") != prefix.strip() and time.monotonic() < limit:
            time.sleep(0.05)

    def reset(self) -> None:
        self.postgres.sql("ALTER SYSTEM RESET log_timezone")
        self(PREFIX)


@pytest.fixture
def prefixed(postgres: Postgres) -> Iterator[Prefixed]:
    postgres.slots("app")
    made = Prefixed(postgres)
    yield made
    made.reset()


def ask(postgres: Postgres, since: float, **options: Any) -> dict[str, Any]:
    """What is told of app_a, which was retired at that instant."""
    where = {"log_file": str(postgres.home / "log"), **options}
    return log(item(postgres, "sightings", options=where, since=since, now=time.time(), host="db", hosts={}))


def counts(postgres: Postgres, since: float, **options: Any) -> list[int]:
    """How often each address was seen."""
    return [one["count"] for one in ask(postgres, since, **options)["sightings"]]


def refused(postgres: Postgres, user: str, value: str) -> None:
    """One login that is refused: without TLS, which a client might try first and log in twice."""
    where = {"host": "127.0.0.1", "port": postgres.port, "dbname": "app", "sslmode": "disable"}
    with pytest.raises(psycopg.OperationalError), contextlib.closing(psycopg.connect(user=user, password=value, **where)):
        pass


def retired(postgres: Postgres, seconds: float = 0.05) -> tuple[str, str, float]:
    """app_a rotated to app_b; returns the dead value, the living one, and an instant after that. The log is of all tests."""
    old, new = minted(postgres, "app_a"), minted(postgres)
    assert authority(item(postgres, "revoke"))["done"] is True
    time.sleep(seconds)
    return old, new, time.time()


@pytest.mark.parametrize(
    "prefix",
    [
        PREFIX,
        "%m %u %r ",
        "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
        "%n %c %l %v %x %e <%20u> %-15h %b %i ",
        "%m %s [%p-%l] %e %q%u@%d/%a %r: ",
        "%t %m %u %u %h %r %% ",
    ],
)
def test_a_login_with_the_dead_value_is_told_whatever_the_lines_look_like(prefixed: Prefixed, prefix: str) -> None:
    postgres = prefixed(prefix)
    old, new, since = retired(postgres)
    time.sleep(1.1 if "%t" in prefix else 0)
    refused(postgres, "app_a", old)
    refused(postgres, "app_a", new_value())
    reply = ask(postgres, since)
    (one,) = reply["sightings"]
    assert (one["address"], one["host"], one["count"]) == ("127.0.0.1", "db", 2)
    assert since < one["first"] <= one["last"] <= time.time()
    assert reply["evidence"]["path"] == str(postgres.home / "log")
    assert old not in str(reply)
    assert new not in str(reply)


def test_the_login_in_force_is_not_told_of_right_or_wrong(prefixed: Prefixed) -> None:
    """The control: what was tried of another principal, or before, is no use of what was retired."""
    postgres = prefixed(PREFIX)
    old = minted(postgres, "app_a")
    refused(postgres, "app_a", new_value())
    new = minted(postgres)
    authority(item(postgres, "revoke"))
    time.sleep(0.05)
    since = time.time()
    for user in ("app_b", "app_ab", "xapp_a", "app_a2"):
        refused(postgres, user, old)
    with contextlib.closing(session(postgres, "app_b", new)):
        pass
    assert counts(postgres, since) == []
    refused(postgres, "app_a", old)
    assert counts(postgres, since) == [1]


def test_a_role_that_is_gone_or_may_not_log_in_is_told_of_too(prefixed: Prefixed) -> None:
    postgres = prefixed(PREFIX)
    old, _, since = retired(postgres)
    postgres.sql(f"ALTER ROLE app_a PASSWORD '{scram_verifier(old)}'")
    refused(postgres, "app_a", old)
    postgres.sql("DROP ROLE app_a")
    refused(postgres, "app_a", old)
    assert counts(postgres, since) == [2]


def test_the_time_zone_of_the_log_does_not_matter(prefixed: Prefixed) -> None:
    for zone in ("UTC", "Asia/Kolkata", "America/New_York"):
        postgres = prefixed(PREFIX, log_timezone=zone)
        old, _, since = retired(postgres)
        refused(postgres, "app_a", old)
        (one,) = ask(postgres, since)["sightings"]
        assert since < one["last"] <= time.time(), zone
        assert one["count"] == 1


def test_of_the_hour_that_comes_twice_the_zone_says_which_it_is() -> None:
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    twice = [program._when({"time": "2031-10-26 02:30:00.000", "zone": name}, zone) for name in ("CEST", "CET")]
    assert twice[1] - twice[0] == 3600
    assert program._when({"time": "2031-10-26 02:30:00.000", "zone": "IST"}, zone) is None, "the log had another zone then"


@pytest.mark.parametrize("prefix", ["%m [%p] ", "%u %h ", "%m %h "])
def test_a_prefix_that_does_not_say_enough_is_refused_with_what_to_add(prefixed: Prefixed, prefix: str) -> None:
    error = ask(prefixed(prefix), time.time())["error"]
    assert error["code"] == "log_line_prefix"
    assert [word for word in ("%m", "%u", "%h") if word not in error["message"]] == []


def test_another_language_needs_the_state_in_the_prefix() -> None:
    settings = {"prefix": PREFIX, "messages": "de_DE.UTF-8"}
    with pytest.raises(Refusal, match="log_language"):
        program.line_pattern(settings, "app_a")
    pattern = program.line_pattern({**settings, "prefix": PREFIX + "%e "}, "app_a")
    line = "2031-01-01 00:00:00.000 UTC [7] app_a@app 192.0.2.7 {} FATAL:  Passwort-Authentifizierung schlug fehl"
    assert program._is_refusal(pattern.match(line.format("28P01")))
    assert not program._is_refusal(pattern.match(line.format("53300")))
    for english in ("C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en", ""):
        program.line_pattern({"prefix": PREFIX, "messages": english}, "app_a")


def test_a_log_that_is_not_there_is_told(prefixed: Prefixed) -> None:
    postgres = prefixed(PREFIX)
    for file in ("/nowhere/at/all", ""):
        error = ask(postgres, time.time(), log_file=file)["error"]
        assert error["code"] == "no_log_file"
        assert "log_file" in error["message"]


def test_a_log_that_was_rotated_is_read_with_the_one_before(prefixed: Prefixed, tmp_path: Path) -> None:
    postgres = prefixed(PREFIX)
    old, _, since = retired(postgres)
    refused(postgres, "app_a", old)
    current, before = tmp_path / "postgresql.log", tmp_path / "postgresql.log.1"
    current.write_text("")
    before.write_text((postgres.home / "log").read_text())
    assert counts(postgres, since, log_file=str(current)) == [1]
    os.utime(before, (since - 9, since - 9))
    assert counts(postgres, since, log_file=str(current)) == [], "what ended before needs no reading"


def test_the_end_of_a_large_log_is_read_and_strange_bytes_do_no_harm(
    prefixed: Prefixed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = prefixed(PREFIX)
    old, _, since = retired(postgres)
    refused(postgres, "app_a", old)
    line = [one for one in (postgres.home / "log").read_bytes().splitlines() if b"app_a" in one and b"FATAL" in one][-1]
    current = tmp_path / "big.log"
    current.write_bytes(b"\xff\xfe\x00 \n" + line + b"\n" + b"x" * 4000 + b"\n\n" + line + b"\n")
    monkeypatch.setattr(program, "LARGEST", 2000)
    assert counts(postgres, since, log_file=str(current)) == [1]


def test_of_a_line_that_a_client_wrote_nothing_is_told_but_an_address_and_numbers(prefixed: Prefixed) -> None:
    """A client may send any user name, with a line break in it too."""
    postgres = prefixed(PREFIX)
    _, _, since = retired(postgres)
    for address in ("\x1b[31m", "192.0.2.9"):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S.999 UTC", time.gmtime())
        refused(postgres, f'x\n{stamp} [1] app_a@app {address} FATAL:  password authentication failed for user "app_a"', "x")
    assert {one["address"] for one in ask(postgres, since)["sightings"]} <= {"192.0.2.9", "127.0.0.1"}
