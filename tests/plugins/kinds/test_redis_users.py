"""Two Redis users that take turns, against a real server: who still tries the old one is seen, who uses the new one is not."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Any

import pytest
from kind_programs import calling, new_value
from kind_servers import Redis
from test_redis import hashed, login

users = calling("kind_redis", "redis_users")
probe = calling("kind_redis", "redis_acl")
RULES = "~app:* &app:* -@all +@read +@connection"


class Pair:
    """A server with an administrator, the user app_a with a value, and app_b without one."""

    def __init__(self, server: Redis) -> None:
        self.server, self.admin, self.old, self.new = server, new_value(), new_value(), new_value()
        acl = f"user default off -@all\nuser admin on #{hashed(self.admin)} ~* &* +@all\n"
        server.start(f"{acl}user app_a on #{hashed(self.old)} {RULES}\nuser app_b off {RULES}\n")

    def ask(self, entry: str, **more: Any) -> dict[str, Any]:
        options = self.server.options(**more.pop("options", {}))
        names = {"principal": "app_b", "previous_principal": "app_a", "admin_principal": "admin", "has_admin": True}
        values = {"value": hashed(self.new), "previous_value": hashed(self.old), "admin_values": [self.admin]}
        return users({"id": "1", "entry": entry, **names, **values, "options": options, **more})

    def seen(self, since: float, **more: Any) -> list[dict[str, Any]]:
        """What is told of app_a since that instant."""
        values = {"value": None, "previous_value": None, "since": since, "now": time.time(), "host": "cache", "hosts": {}}
        reply = self.ask("sightings", **{**values, **more})
        assert "error" not in reply, reply
        return list(reply["sightings"])

    def login(self, user: str, value: str) -> str:
        base = {"id": "1", "entry": "probe", "subject": "new", "principal": user, "value": value, "options": self.server.options()}
        return str(probe(base)["outcome"])


def before() -> float:
    """A moment that lies before whatever comes now also by the server's clock, which it reads now and then."""
    moment = time.time()
    time.sleep(0.3)
    return moment


@pytest.fixture
def pair(redis_server: Redis) -> Pair:
    return Pair(redis_server)


@pytest.fixture
def rotated(pair: Pair) -> Pair:
    assert pair.ask("mint")["changed"] is True
    assert pair.ask("revoke")["changed"] is True
    return pair


def test_the_whole_way_from_one_user_to_the_other(pair: Pair) -> None:
    assert pair.ask("preflight")["done"] is True
    assert pair.ask("parity")["equal"] is False, "the free user is off"
    assert pair.ask("mint")["changed"] is True
    assert pair.ask("mint")["changed"] is False
    assert pair.ask("parity")["equal"] is True
    assert pair.ask("persist")["persisted"] is False
    assert (pair.login("app_a", pair.old), pair.login("app_b", pair.new)) == ("accepted", "accepted")
    assert pair.ask("drain")["in_use"] == 0
    assert pair.ask("revoke")["changed"] is True
    assert pair.ask("revoke")["changed"] is False
    assert pair.ask("persist")["persisted"] is True
    pair.server.restart()
    assert (pair.login("app_a", pair.old), pair.login("app_b", pair.new)) == ("refused", "accepted")


def test_who_tries_the_old_user_is_told(rotated: Pair) -> None:
    began = before()
    for value in (rotated.old, rotated.old, new_value()):
        assert rotated.login("app_a", value) == "refused"
    (one,) = rotated.seen(began)
    assert (one["address"], one["host"], one["count"]) == ("127.0.0.1", "cache", 3)
    assert one["last"] == pytest.approx(time.time(), abs=2)
    assert rotated.seen(time.time() + 1) == [], "what is older does not count"


def test_the_user_in_force_is_not_told_of_right_or_wrong(rotated: Pair) -> None:
    """The control."""
    began = before()
    assert rotated.login("app_b", rotated.new) == "accepted"
    for user in ("app_b", "app", "app_ab", "admin"):
        assert rotated.login(user, rotated.old) == "refused"
    with login(rotated.server, "app_b", rotated.new) as stream:
        stream.sendall(b"FLUSHALL\r\n")
        assert b"NOPERM" in stream.recv(200), "a command that is refused is no login"
    assert rotated.seen(began) == []
    assert rotated.login("app_a", rotated.old) == "refused"
    assert [one["count"] for one in rotated.seen(began)] == [1]


def test_a_server_that_forgot_tells_nothing(rotated: Pair) -> None:
    began = before()
    rotated.login("app_a", rotated.old)
    with login(rotated.server, "admin", rotated.admin) as stream:
        stream.sendall(b"ACL LOG RESET\r\n")
        assert stream.recv(16) == b"+OK\r\n"
    assert rotated.seen(began) == []


def test_more_entries_are_read_than_a_server_tells_of_by_itself(rotated: Pair) -> None:
    began = before()
    rotated.login("app_a", rotated.old)
    for number in range(30):
        rotated.login(f"nobody{number}", rotated.old)
    assert [one["count"] for one in rotated.seen(began)] == [1]


def test_connections_of_the_old_user_are_counted_and_ended(pair: Pair) -> None:
    stream = login(pair.server, "app_a", pair.old)
    pair.ask("mint")
    reply = pair.ask("drain")
    assert (reply["in_use"], reply["evidence"]["clients"]) == (1, "127.0.0.1")
    stream.sendall(b"PING\r\n")
    assert stream.recv(16) == b"+PONG\r\n"
    assert pair.ask("revoke")["evidence"]["killed"] == "1"
    assert stream.recv(16) == b""
    assert pair.ask("drain")["in_use"] == 0


def test_a_free_user_that_somebody_uses_is_not_taken(pair: Pair) -> None:
    pair.ask("mint")
    other = {"value": sha256(b"another").hexdigest()}
    with login(pair.server, "app_b", pair.new):
        for entry in ("preflight", "mint"):
            assert pair.ask(entry, **other)["error"]["code"] == "slot_in_use"
        assert pair.ask("mint")["changed"] is False, "the same value again is no change"
    assert pair.ask("mint", **other)["changed"] is True


def test_the_way_back_switches_the_candidate_off(pair: Pair) -> None:
    pair.ask("mint")
    back = {"principal": "app_a", "previous_principal": "app_b", "value": hashed(pair.old), "previous_value": hashed(pair.new)}
    assert pair.ask("revoke", **back)["changed"] is True
    assert (pair.login("app_a", pair.old), pair.login("app_b", pair.new)) == ("accepted", "refused")


def test_the_old_user_stays_while_the_new_one_cannot_log_in(pair: Pair) -> None:
    assert pair.ask("revoke")["error"]["code"] == "new_not_ready"
    assert pair.login("app_a", pair.old) == "accepted"


def test_the_administrator_can_be_one_of_two_users_itself(redis_server: Redis) -> None:
    old, new = new_value(), new_value()
    redis_server.start(f"user default off -@all\nuser admin_a on #{hashed(old)} ~* &* +@all\nuser admin_b off ~* &* +@all\n")
    names = {"principal": "admin_b", "previous_principal": "admin_a", "has_admin": True, "options": redis_server.options()}
    values = {"value": hashed(new), "previous_value": hashed(old)}

    def ask(entry: str, admin: str, value: str) -> dict[str, Any]:
        return users({"entry": entry, **names, **values, "admin_principal": admin, "admin_values": [value]})

    assert ask("mint", "admin_a", old)["changed"] is True
    assert ask("drain", "admin_a", old)["in_use"] == 0, "the connection that asks is no use"
    assert ask("revoke", "admin_b", new)["changed"] is True
    assert ask("persist", "admin_b", new)["persisted"] is True
    assert ask("mint", "admin_a", old)["error"]["code"] == "admin_refused"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("+@write", "commands"),
        ("~other:*", "keys"),
        ("&other", "channels"),
        ("(~x +get)", "selectors"),
        ("off", "the new user is off"),
    ],
)
def test_a_difference_is_named(pair: Pair, change: str, named: str) -> None:
    pair.ask("mint")
    with login(pair.server, "admin", pair.admin) as stream:
        stream.sendall(f'ACL SETUSER app_b "{change}"\r\n'.encode())
        assert stream.recv(16) == b"+OK\r\n"
    reply = pair.ask("parity")
    assert (reply["equal"], named in reply["evidence"]["differences"]) == (False, True), reply


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"has_admin": False}, "no_admin"),
        ({"principal": "app_c"}, "unknown_user"),
        ({"admin_principal": "app_a"}, "admin_refused"),
        ({"options": {"aclfile": "/nonexistent/users.acl"}}, "other_aclfile"),
        ({"options": {"port": 1}}, "authority_unreachable"),
    ],
)
def test_what_is_missing_is_named(pair: Pair, change: dict[str, Any], code: str) -> None:
    assert pair.ask("preflight", **change)["error"]["code"] == code


def test_a_user_without_a_password_cannot_be_verified(redis_server: Redis) -> None:
    pair = Pair(redis_server)
    for user, rule in (("app_b", "nopass"), ("app_a", "off")):
        with login(pair.server, "admin", pair.admin) as stream:
            stream.sendall(f"ACL SETUSER {user} {rule}\r\n".encode())
            assert stream.recv(16) == b"+OK\r\n"
        assert pair.ask("preflight")["error"]["code"] == "cannot_verify"


def test_no_value_is_in_a_reply_and_check_mode_changes_nothing(pair: Pair) -> None:
    assert pair.ask("mint", check=True)["changed"] is True
    assert pair.login("app_b", pair.new) == "refused"
    replies = [pair.ask(entry) for entry in ("preflight", "mint", "parity", "drain", "revoke", "persist")]
    shown = str([*replies, pair.seen(0)])
    for value in (pair.old, pair.new, pair.admin):
        assert value not in shown
        assert str(hashed(value)) not in shown
