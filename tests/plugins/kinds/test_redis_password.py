"""The kind redis_password against a real server: one cut, no instant without a password, and no clear line that outlives it."""

from __future__ import annotations

import socket
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from kind_programs import calling, new_value
from kind_servers import Redis, free_port
from test_kinds_in_ansible import Fleet as Ansible

call = calling("kind_redis_password", "redis_password")


def hashed(value: str) -> str:
    return sha256(value.encode()).hexdigest()


class Fleet:
    """A server with one password in clear in its file."""

    def __init__(self, server: Redis) -> None:
        self.server, self.old, self.new = server, new_value(), new_value()
        self.file = server.home / "redis.conf"

    def start(self, more: str = "") -> Fleet:
        self.server.start_without_aclfile(f"requirepass {self.old}\n{more}")
        return self

    def ask(self, entry: str, **more: Any) -> dict[str, Any]:
        options = self.server.options(config=str(self.file), **more.pop("options", {}))
        values = {"value": hashed(self.new), "previous_value": hashed(self.old), "admin_values": [self.old, self.new]}
        reply = call(
            {"id": "1", "entry": entry, "admin_principal": "default", **values, "at_authority": True, "options": options, **more}
        )
        assert not [value for value in (self.old, self.new) if value in str(reply)]
        return reply

    def probe(self, value: str, subject: str = "new", **more: Any) -> str:
        return str(self.ask("probe", value=value, subject=subject, **more)["outcome"])

    def seen(self) -> list[str]:
        """Control first, then the new value and the old one."""
        return [self.probe(new_value(), "random"), self.probe(self.new), self.probe(self.old, "old")]


@pytest.fixture
def fleet(redis_server: Redis) -> Fleet:
    return Fleet(redis_server).start()


def test_the_cut_replaces_the_password_and_takes_the_clear_line_out(fleet: Fleet) -> None:
    checked = fleet.ask("preflight", value=new_value())
    assert (checked["done"], checked["evidence"]["clear line"]) == (True, "yes")
    assert fleet.seen() == [
        "refused",
        "refused",
        "accepted",
    ]
    assert fleet.ask("persist")["persisted"] is False
    assert fleet.ask("cutover")["changed"] is True
    assert fleet.ask("cutover")["changed"] is False
    assert fleet.seen() == [
        "refused",
        "accepted",
        "refused",
    ]
    assert fleet.ask("persist")["persisted"] is True
    text = fleet.file.read_text()
    assert not [word for word in ("requirepass", fleet.old, fleet.new) if word in text]
    fleet.server.restart()
    assert fleet.seen() == [
        "refused",
        "accepted",
        "refused",
    ]


def test_a_clear_line_that_came_back_is_noticed_and_would_undo_the_cut(fleet: Fleet) -> None:
    fleet.ask("cutover")
    good = fleet.file.read_text()
    fleet.file.write_text(f"{good}requirepass {fleet.old}\n")
    assert fleet.ask("persist")["evidence"]["clear line"] == "yes"
    fleet.file.write_text(f"requirepass {fleet.old}\n")
    assert fleet.ask("persist")["persisted"] is False
    fleet.server.restart()
    assert fleet.probe(fleet.old, "old") == "accepted", "this is the trap"
    assert fleet.ask("cutover")["changed"] is True
    assert fleet.ask("persist")["persisted"] is True
    assert fleet.probe(fleet.old, "old") == "refused"


def test_nobody_is_let_in_without_a_password_while_it_is_cut(fleet: Fleet) -> None:
    seen: set[bytes] = set()
    stop = threading.Event()

    def knock() -> None:
        while not stop.is_set():
            with socket.create_connection(("127.0.0.1", fleet.server.port), 2) as stream:
                stream.sendall(b"PING\r\n")
                seen.add(stream.recv(32)[:7])

    thread = threading.Thread(target=knock)
    thread.start()
    for _ in range(20):
        fleet.ask("cutover")
        fleet.old, fleet.new = fleet.new, fleet.old
    stop.set()
    thread.join()
    assert seen == {b"-NOAUTH"}


def test_a_lost_reply_is_repeated_with_the_password_that_is_in_force(fleet: Fleet) -> None:
    fleet.ask("cutover")
    assert fleet.ask("cutover", admin_values=[fleet.old, fleet.new])["done"] is True
    assert fleet.ask("cutover", admin_values=[fleet.old])["error"]["code"] == "admin_refused"


def test_check_mode_changes_nothing(fleet: Fleet) -> None:
    assert fleet.ask("cutover", check=True)["changed"] is True
    assert fleet.probe(fleet.old, "old") == "accepted"


def test_a_server_without_a_password_cannot_be_verified_against(redis_server: Redis) -> None:
    fleet = Fleet(redis_server)
    redis_server.start_without_aclfile("")
    assert fleet.probe(new_value(), "random") == "accepted"
    assert fleet.ask("preflight", value=new_value())["error"]["code"] == "cannot_verify"


def test_a_server_with_an_aclfile_is_for_the_other_kind(redis_server: Redis) -> None:
    fleet = Fleet(redis_server)
    redis_server.start(f"user default on #{hashed(fleet.old)} ~* &* +@all\n")
    assert fleet.ask("preflight", value=new_value())["error"]["code"] == "has_aclfile"


def test_a_stopped_or_full_server_is_no_refusal(fleet: Fleet) -> None:
    assert fleet.probe(fleet.old, options={"port": free_port()}) == "unreachable"
    fleet.server.start_without_aclfile(f"requirepass {fleet.old}\nmaxclients 1\n")
    with socket.create_connection(("127.0.0.1", fleet.server.port), 2) as stream:
        stream.sendall(b"PING\r\n")
        stream.recv(16)
        assert fleet.probe(fleet.old) == "unreachable"


def test_its_entries_through_the_role(redis_server: Redis, tmp_path: Path) -> None:
    fleet = Ansible(tmp_path)
    old, new = fleet.add("redis_password")
    redis_server.start_without_aclfile(f"requirepass {old}\n")
    more = {"options": redis_server.options(host="here", config=str(redis_server.home / "redis.conf"))}
    entries = [fleet.item("redis_password", entry, **more) for entry in ("preflight", "cutover", "persist")]
    of = fleet.run([*entries, *(fleet.item("redis_password", "probe", subject, **more) for subject in ("random", "new", "old"))])
    assert [of("redis_password", entry).error for entry in ("preflight", "cutover", "persist")] == [{}, {}, {}]
    assert of("redis_password", "persist").data["persisted"] is True
    assert [of("redis_password", "probe", subject).outcome for subject in ("random", "new", "old")] == [
        "refused",
        "accepted",
        "refused",
    ]
    text = (redis_server.home / "redis.conf").read_text()
    assert hashed(new) in text
    assert new not in text
