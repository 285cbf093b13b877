"""Commands, requests and logins end in a named outcome, and nothing they printed comes along."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import command_outcome
import http_outcome
import paramiko
import pytest
from fake_host import Health, fresh
from mycoops_reply import Refusal

from mycoops import ssh_login

OUTCOMES = {
    "accepted": {"rc": 0, "stdout": "OK!"},
    "refused": {"rc": [1, 2], "stderr": "denied"},
    "done": {"rc": 0, "changed": True},
}


@pytest.mark.parametrize(
    ("script", "outcome"),
    [("cat; echo OK!", "accepted"), ("echo denied >&2; exit 2", "refused"), ("cat", "done")],
)
def test_commands(script: str, outcome: str) -> None:
    value = fresh()
    reply = command_outcome.run({"argv": ["sh", "-c", script], "stdin": value, "outcomes": OUTCOMES})
    assert reply["outcome"] == outcome
    assert reply["changed"] is (outcome == "done")
    assert value not in str(reply)


def test_an_undeclared_end_is_an_error() -> None:
    for argv, code in ((["sh", "-c", "cat; exit 9"], "unexpected_outcome"), (["/no/such"], "missing_program")):
        with pytest.raises(Refusal) as caught:
            command_outcome.run({"argv": argv, "stdin": "x" * 20, "outcomes": {"accepted": {"rc": 0}}})
        assert caught.value.code == code
        assert "xxx" not in str(caught.value.error())
    with pytest.raises(Refusal, match="timeout"):
        command_outcome.run({"argv": ["sleep", "5"], "outcomes": {"accepted": {"rc": 0}}, "timeout": 0.1})
    with pytest.raises(Refusal, match="invalid_request"):
        command_outcome.run({"argv": ["true"], "outcomes": {"accepted": {"status": 0}}})


def test_check_mode_does_not_run_what_changes(tmp_path: Path) -> None:
    request = {"argv": ["touch", str(tmp_path / "x")], "outcomes": {"done": {"rc": 0, "changed": True}}, "check": True}
    assert command_outcome.run(request)["changed"]
    assert not (tmp_path / "x").exists()


def test_requests(health: Health) -> None:
    value = fresh()
    rules = {"accepted": {"status": [200], "json": {"ok": True}}, "forbidden": {"status": 403}, "refused": {"status": [401, 302]}}
    request = {"url": health.url, "headers": {"Authorization": f"Bearer {value}"}, "outcomes": rules}
    answers = [(200, {"ok": True}, "accepted"), (403, {}, "forbidden"), (401, {}, "refused"), (429, {}, "throttled")]
    for status, data, outcome in answers:
        health.says(data, status)
        assert http_outcome.run(request)["outcome"] == outcome
    assert health.seen[0][1]["Authorization"] == f"Bearer {value}"
    health.says({"ok": value}, 200)
    with pytest.raises(Refusal) as caught:
        http_outcome.run(request)
    assert caught.value.error()["status"] == 200
    assert value not in str(caught.value.error())


def test_a_redirect_takes_no_header_elsewhere(health: Health) -> None:
    health.status, health.headers = 302, {"Location": health.url + "/elsewhere"}
    reply = http_outcome.run({"url": health.url, "headers": {"X-Token": fresh()}, "outcomes": {"refused": {"status": 302}}})
    assert reply["outcome"] == "refused"
    assert [path for path, _ in health.seen] == ["/health"]


def test_no_answer_is_unreachable() -> None:
    assert http_outcome.run({"url": "http://127.0.0.1:1/", "outcomes": {"accepted": {"status": 200}}})["outcome"] == "unreachable"
    for url, headers in (("file:///etc/passwd", {}), ("http://127.0.0.1:1/", {"X": "a\nb"})):
        with pytest.raises(Refusal, match="invalid_request"):
            http_outcome.run({"url": url, "headers": headers, "outcomes": {"accepted": {"status": 200}}})


class Server(paramiko.ServerInterface):
    """Accepts one user, one password, one key."""

    def __init__(self, password: str, methods: str, key: paramiko.PKey) -> None:
        self.password, self.methods, self.key = password, methods, key
        self.tried: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return self.methods

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append("password")
        return paramiko.AUTH_SUCCESSFUL if password == self.password else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.tried.append("publickey")
        return paramiko.AUTH_SUCCESSFUL if key == self.key else paramiko.AUTH_FAILED


class Sshd:
    """A server for one test; its host key is in `known`."""

    def __init__(self, folder: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.host_key, self.password = paramiko.ECDSAKey.generate(), fresh()
        self.private = ed25519()
        self.server = Server(self.password, "password,publickey", paramiko.Ed25519Key.from_private_key(io.StringIO(self.private)))
        self.known = folder / "known_hosts"
        self.known.write_text(f"[127.0.0.1]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n")
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            transport.start_server(server=self.server, event=threading.Event())

    def try_(self, **changes: Any) -> dict[str, Any]:
        request = {"host": "127.0.0.1", "port": self.port, "user": "deploy", "timeout": 5, **changes}
        return ssh_login.attempt(request, [self.known])


def ed25519() -> str:
    from mycoops.secret import generate

    return generate("ed25519").reveal()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """An SSH server."""
    made = Sshd(tmp_path)
    yield made
    made.listener.close()


def test_logins(sshd: Sshd) -> None:
    assert sshd.try_(password=sshd.password)["outcome"] == "accepted"
    refused = sshd.try_(password=fresh())
    assert refused["outcome"] == "refused"
    assert sorted(refused["methods"]) == ["password", "publickey"]
    assert sshd.try_(private_key=sshd.private)["outcome"] == "accepted"
    assert sshd.try_(private_key=ed25519())["outcome"] == "refused"
    assert sshd.server.tried[:2] == ["password", "password"]


def test_only_the_given_method_is_tried(sshd: Sshd) -> None:
    sshd.server.methods = "publickey"
    reply = sshd.try_(password=sshd.password)
    assert (reply["outcome"], reply["methods"]) == ("forbidden", ["publickey"])
    assert sshd.server.tried == []


def test_an_impostor_gets_nothing(sshd: Sshd) -> None:
    sshd.known.write_text("")
    assert sshd.try_(password=sshd.password)["error"]["code"] == "unknown_host_key"
    other = paramiko.ECDSAKey.generate()
    sshd.known.write_text(f"[127.0.0.1]:{sshd.port} {other.get_name()} {other.get_base64()}\n")
    assert sshd.try_(password=sshd.password)["error"]["code"] == "unknown_host_key"
    assert sshd.server.tried == []


def test_nobody_there_is_unreachable(sshd: Sshd) -> None:
    assert sshd.try_(port=1, password=fresh())["outcome"] == "unreachable"


def test_known_hosts_are_those_of_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSIBLE_SSH_ARGS", raising=False)
    named = {"ansible_ssh_common_args": "-o UserKnownHostsFile=/a/b -o StrictHostKeyChecking=yes"}
    assert ssh_login.known_hosts_of(named) == [Path("/a/b")]
    assert len(ssh_login.known_hosts_of({})) == 2
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-o BatchMode=yes -oUserKnownHostsFile=/c/d")
    assert ssh_login.known_hosts_of({}) == [Path("/c/d")]
