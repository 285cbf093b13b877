"""The kind redis against a real server: two hashes on one user, and the file that outlives a restart."""

from __future__ import annotations

import socket
import threading
import time
from hashlib import sha256
from typing import Any

import pytest
from kind_programs import calling, new_value
from kind_servers import Redis, free_port

call = calling("kind_redis", "redis_acl")


def hashed(value: str | None) -> str | None:
    return sha256(value.encode()).hexdigest() if value else None


class Fleet:
    """A server with an administrator and the user `app` holding one value."""

    def __init__(self, server: Redis) -> None:
        self.server, self.admin, self.old, self.new = server, new_value(), new_value(), new_value()

    def start(self) -> Fleet:
        acl = f"user default off -@all\nuser admin on #{hashed(self.admin)} ~* &* +@all\n"
        self.server.start(acl + f"user app on #{hashed(self.old)} ~app:* -@all +@read +@connection\n")
        return self

    def ask(self, entry: str, **more: Any) -> dict[str, Any]:
        options = self.server.options(**more.pop("options", {}))
        base = {"id": "1", "entry": entry, "principal": "app", "previous_principal": "app", "admin_principal": "admin"}
        values = {"value": hashed(self.new), "previous_value": hashed(self.old), "admin_values": [self.admin]}
        return call({**base, **values, "at_authority": True, "options": options, **more})

    def probe(self, value: str, subject: str = "new", **more: Any) -> dict[str, Any]:
        return self.ask("probe", value=value, subject=subject, admin_values=None, previous_value=None, **more)


@pytest.fixture
def fleet(redis_server: Redis) -> Fleet:
    return Fleet(redis_server).start()


def login(server: Redis, user: str, value: str) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", server.port), 2)
    stream.sendall(f"AUTH {user} {value}\r\n".encode())
    assert stream.recv(16) == b"+OK\r\n"
    return stream


def test_the_whole_way_from_two_values_to_one(fleet: Fleet) -> None:
    assert fleet.ask("preflight")["done"] is True
    assert fleet.ask("mint")["changed"] is True
    assert fleet.ask("mint")["changed"] is False
    assert fleet.ask("parity")["equal"] is True
    assert fleet.ask("persist")["persisted"] is False
    assert [fleet.probe(value)["outcome"] for value in (fleet.old, fleet.new)] == ["accepted", "accepted"]
    assert fleet.ask("revoke")["changed"] is True
    assert fleet.ask("revoke")["changed"] is False
    assert fleet.ask("persist")["persisted"] is True
    fleet.server.restart()
    assert fleet.probe(fleet.old, "old")["outcome"] == "refused"
    assert fleet.probe(fleet.new)["outcome"] == "accepted"


def test_a_value_appears_in_no_reply(fleet: Fleet) -> None:
    replies = [fleet.ask(entry) for entry in ("preflight", "mint", "parity", "revoke", "persist")]
    shown = str([*replies, fleet.probe(fleet.new), fleet.probe(fleet.old)])
    for value in (fleet.old, fleet.new, fleet.admin):
        assert value not in shown
        assert str(hashed(value)) not in shown


def test_connections_live_through_the_mint_and_end_with_the_revoke(fleet: Fleet) -> None:
    stream = login(fleet.server, "app", fleet.old)
    fleet.ask("mint")
    stream.sendall(b"PING\r\n")
    assert stream.recv(16) == b"+PONG\r\n"
    assert fleet.ask("revoke")["evidence"]["killed"] == "1"
    assert stream.recv(16) == b""


def test_a_connection_that_comes_by_the_new_password_lives_through_the_revoke(fleet: Fleet) -> None:
    fleet.ask("mint")
    kept, failed, stop = login(fleet.server, "app", fleet.old), [], threading.Event()
    asked = 0

    def ask() -> None:
        nonlocal asked
        while not stop.is_set():
            with login(fleet.server, "app", fleet.new) as fresh:
                fresh.sendall(b"PING\r\n")
                failed.extend([] if fresh.recv(16) == b"+PONG\r\n" else ["cut off"])
                time.sleep(0.02)
            asked += 1

    load = [threading.Thread(target=ask) for _ in range(8)]
    for one in load:
        one.start()
    ended = fleet.ask("revoke")["evidence"]["killed"]
    stop.set()
    for one in load:
        one.join()
    assert (ended, failed, asked > 8) == ("1", [], True)
    assert kept.recv(16) == b""


def test_who_may_not_see_the_connections_changes_nothing(fleet: Fleet) -> None:
    fleet.ask("mint")
    with login(fleet.server, "admin", fleet.admin) as stream:
        stream.sendall(b"ACL SETUSER admin -client|list\r\n")
        assert stream.recv(16) == b"+OK\r\n"
    assert "error" in fleet.ask("revoke")
    assert fleet.probe(fleet.old)["outcome"] == "accepted"


def test_the_way_back_leaves_connections_alone(fleet: Fleet) -> None:
    fleet.ask("mint")
    with login(fleet.server, "app", fleet.old) as stream:
        back = {"value": hashed(fleet.old), "previous_value": hashed(fleet.new), "generation": 1, "previous": 2}
        assert fleet.ask("revoke", **back)["changed"] is True
        stream.sendall(b"PING\r\n")
        assert stream.recv(16) == b"+PONG\r\n"
    assert fleet.probe(fleet.new)["outcome"] == "refused"


def test_parity_needs_both_passwords_on_the_user(fleet: Fleet) -> None:
    assert fleet.ask("parity")["equal"] is False


def test_a_change_that_was_never_saved_is_saved_by_the_retry(fleet: Fleet) -> None:
    with login(fleet.server, "admin", fleet.admin) as stream:
        stream.sendall(f"ACL SETUSER app #{hashed(fleet.new)}\r\n".encode())
        assert stream.recv(16) == b"+OK\r\n"
    assert fleet.ask("persist")["evidence"]["new"] == "absent"
    assert fleet.ask("mint")["changed"] is True
    assert fleet.ask("persist")["evidence"]["new"] == "present"


def test_a_revoke_that_was_never_saved_is_seen_in_the_file(fleet: Fleet) -> None:
    fleet.ask("mint")
    with login(fleet.server, "admin", fleet.admin) as stream:
        stream.sendall(f"ACL SETUSER app !{hashed(fleet.old)}\r\n".encode())
        assert stream.recv(16) == b"+OK\r\n"
    assert fleet.probe(fleet.old, "old")["outcome"] == "refused"
    assert fleet.ask("persist")["evidence"]["old"] == "present"
    fleet.ask("revoke")
    assert fleet.ask("persist")["persisted"] is True


def test_the_old_value_stays_while_the_new_one_is_missing(fleet: Fleet) -> None:
    assert fleet.ask("revoke")["error"]["code"] == "new_not_ready"
    assert fleet.probe(fleet.old)["outcome"] == "accepted"


def test_the_administrator_rotates_itself_and_survives_a_lost_reply(fleet: Fleet) -> None:
    def own(entry: str) -> dict[str, Any]:
        return fleet.ask(entry, principal="admin", previous_value=hashed(fleet.admin), admin_values=[fleet.admin, fleet.new])

    assert own("mint")["changed"] is True
    assert own("revoke")["changed"] is True
    assert own("revoke")["changed"] is False
    assert own("persist")["persisted"] is True


def test_a_server_without_aclfile_cannot_keep_anything(redis_server: Redis) -> None:
    fleet = Fleet(redis_server)
    users = f"user default off\nuser admin on #{hashed(fleet.admin)} ~* &* +@all\nuser app on +@all\n"
    redis_server.start_without_aclfile(users)
    assert fleet.ask("preflight")["error"]["code"] == "no_persistence"
    assert fleet.ask("mint")["error"]["code"] == "no_persistence"
    assert fleet.probe(fleet.new)["outcome"] == "refused"
    assert fleet.ask("persist")["error"]["code"] == "no_persistence"


def test_a_server_without_authentication_cannot_be_verified(redis_server: Redis) -> None:
    redis_server.start("user default on nopass ~* &* +@all\nuser app on nopass ~* +@all\n")
    fleet = Fleet(redis_server)
    assert fleet.probe(new_value(), "random")["outcome"] == "accepted"
    assert fleet.probe(new_value(), "random", principal="nobody")["outcome"] == "accepted"
    assert fleet.ask("preflight", at_authority=False, value=new_value())["error"]["code"] == "cannot_verify"


def test_the_control_is_refused_on_a_server_that_checks(fleet: Fleet) -> None:
    reply = fleet.probe(new_value(), "random")
    assert (reply["outcome"], reply["evidence"]["error"]) == ("refused", "WRONGPASS")
    assert fleet.ask("preflight", at_authority=False, value=new_value())["done"] is True


def test_what_is_not_an_answer_to_the_password_is_unreachable(fleet: Fleet) -> None:
    assert fleet.probe(fleet.old, options={"port": free_port()})["outcome"] == "unreachable"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"port": silent.getsockname()[1], "timeout_seconds": 0.2}
        assert fleet.probe(fleet.old, options=options)["outcome"] == "unreachable"
    with login(fleet.server, "admin", fleet.admin) as stream:
        stream.sendall(b"CONFIG SET maxclients 1\r\n")
        assert stream.recv(16) == b"+OK\r\n"
        assert fleet.probe(fleet.old)["outcome"] == "unreachable"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"principal": "nobody"}, "unknown_user"),
        ({"admin_principal": "app"}, "admin_refused"),
        ({"options": {"aclfile": "/nonexistent/users.acl"}}, "other_aclfile"),
        ({"options": {"port": 1}}, "unreachable"),
    ],
)
def test_what_is_missing_is_named(fleet: Fleet, change: dict[str, Any], code: str) -> None:
    assert fleet.ask("preflight", **change)["error"]["code"] == code


def test_a_clear_value_is_turned_away(fleet: Fleet) -> None:
    assert fleet.ask("mint", value=fleet.new)["error"]["code"] == "no_hash"


def test_check_mode_changes_nothing(fleet: Fleet) -> None:
    assert fleet.ask("mint", check=True)["changed"] is True
    assert fleet.probe(fleet.new)["outcome"] == "refused"
