"""The server itself: TLS with an authority of its own, a control API apart, time that can be moved, and nothing said of values."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.probes import BY_NAME, PROBES
from tests.providers.server import PROGRAM, Base, Lost, Providers, bearer


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "ca.pem"


@pytest.fixture
def secured(ca_file: Path) -> Iterator[Providers]:
    server = Providers("--name", "providers.lab", ca_file=ca_file)
    try:
        yield server
    finally:
        assert server.stop() == ""


def host_of(url: str) -> tuple[str, int]:
    name, _, port = url.rpartition("/")[2].partition(":")
    return name, int(port)


def test_tls_is_verified_with_the_authority_and_refused_without(secured: Providers, ca_file: Path) -> None:
    value = BY_NAME["github"].make(secured)
    assert secured.url.startswith("https://")
    assert secured.at("github")("GET", "/user", bearer(value)).status == 200
    assert secured.ask("GET", "/ca.pem") == ca_file.read_text()
    with pytest.raises(ssl.SSLCertVerificationError):
        Base(f"{secured.url}/github")("GET", "/user", bearer(value))
    with pytest.raises((Lost, ssl.SSLError)):
        Base(f"http://{secured.url.partition('://')[2]}/github")("GET", "/user", bearer(value))


@pytest.mark.parametrize(
    ("name", "valid"), [("api.github.com", True), ("providers.lab", True), ("api.example.org", False), ("github.com", False)]
)
def test_the_certificate_is_for_the_names_of_production_and_no_other(
    secured: Providers, ca_file: Path, name: str, valid: bool
) -> None:  # fmt: skip
    context = ssl.create_default_context(cafile=ca_file)
    with socket.create_connection(host_of(secured.url), timeout=5) as plain:
        if not valid:
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(plain, server_hostname=name)
            return
        with context.wrap_socket(plain, server_hostname=name) as connection:
            connection.sendall(f"GET /user HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            status = connection.recv(64).split(b" ", 2)[1]
            assert status == (b"401" if name == "api.github.com" else b"404")


def test_a_lost_reply_over_tls(secured: Providers) -> None:
    value, base = BY_NAME["asana"].make(secured), secured.at("asana")
    secured.switch("asana", "lost_reply")
    with pytest.raises((Lost, ssl.SSLError)):
        base("GET", "/api/1.0/users/me", bearer(value))
    assert base("GET", "/api/1.0/users/me", bearer(value)).status == 200


def test_a_client_that_says_nothing_holds_up_nobody(secured: Providers) -> None:
    with socket.create_connection(host_of(secured.url), timeout=5):
        assert secured.at("github")("GET", "/user", timeout=5).status == 401


def test_the_key_of_the_authority_is_nowhere(secured: Providers, ca_file: Path) -> None:
    assert "PRIVATE KEY" not in ca_file.read_text()
    opened = [link.resolve() for link in Path(f"/proc/{secured.process.pid}/fd").iterdir() if link.exists()]
    assert [path for path in opened if path.suffix == ".pem"] == []


def test_each_process_has_another_authority(secured: Providers, ca_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    second = Providers(ca_file=other)
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            Base(f"{second.url}/github", ca_file)("GET", "/user")
        assert second.at("github")("GET", "/user").status == 401
    finally:
        second.stop()


def test_the_control_api_is_not_at_the_providers_port_nor_the_other_way_round(providers: Providers) -> None:
    base = Base(providers.url)
    assert base("POST", "/clock", body={"seconds": 5}).status == 404
    assert base("POST", "/github/console/create_token", body={"name": "t", "user": "a", "permissions": {}}).status == 404
    value = BY_NAME["github"].make(providers)
    assert providers.control("GET", "/github/user", bearer(value)).status == 404
    assert providers.at("github")("GET", "/user", bearer(value)).status == 200
    assert base("GET", "/unknown/user").status == 404


def test_time_moves_forward_only(providers: Providers) -> None:
    before = providers.ask("GET", "/clock")["now"]
    assert providers.ask("POST", "/clock", {"seconds": 100})["now"] >= before + 100
    assert providers.control("POST", "/clock", body={"seconds": -1}).status == 400
    assert providers.ask("GET", "/clock")["now"] >= before + 100
    providers.ask("POST", "/reset")
    assert providers.ask("GET", "/clock")["now"] < before + 100


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/github/switches", {"switch": "explode"}, "switch must be one of"),
        ("/github/switches", {"switch": "latency", "minutes": 1}, "unknown: minutes"),
        ("/github/switches", {"switch": "propagation", "minutes": 1}, "unknown: minutes"),
        ("/github/console/create_castle", {}, "has no step create_castle"),
        ("/github/console/create_token", {"name": "t"}, "missing a required argument"),
        ("/github/console/delete_token", {"token": "0"}, "there is no credential 0"),
        ("/clock", {"minutes": 1}, "TypeError"),
    ],
)
def test_a_mistake_at_the_control_api_is_told(providers: Providers, path: str, body: dict[str, object], said: str) -> None:
    told = providers.control("POST", path, body=body)
    assert (told.status, said in told.json["error"]) == (400, True)


def test_a_setting_must_exist(providers: Providers) -> None:
    assert providers.control("PATCH", "/github/settings", body={"castles": 1}).status == 400
    providers.settings("github", revocation_seconds=9)
    assert providers.ask("GET", "/github/settings")["revocation_seconds"] == 9
    providers.ask("POST", "/github/reset")
    assert providers.ask("GET", "/github/settings")["revocation_seconds"] == 2


def test_switches_are_shown_and_cleared(providers: Providers) -> None:
    providers.switch("github", "throttle", times=2)
    assert [one["times"] for one in providers.ask("GET", "/github/switches")] == [2]
    providers.ask("DELETE", "/github/switches")
    assert providers.ask("GET", "/github/switches") == []


def test_a_state_tells_what_lives_and_no_value(providers: Providers) -> None:
    made = providers.step("github", "create_token", name="t", user="ann", permissions={})
    (before,) = providers.ask("GET", "/github")["credentials"]
    assert (before["id"], before["alive"], before["last_used"]) == (made["id"], True, None)
    providers.at("github")("GET", "/user", bearer(made["value"]))
    providers.step("github", "delete_token", token=made["id"])
    (after,) = providers.ask("GET", "/github")["credentials"]
    assert (after["alive"], after["listed"], bool(after["last_used"])) == (False, False, True)
    assert made["value"] not in providers.control("GET", "/github").text


def test_a_connection_is_kept_for_several_requests(providers: Providers) -> None:
    value = BY_NAME["github"].make(providers)
    base = Base(providers.url)
    connection = http.client.HTTPConnection(base.parts.hostname or "", base.parts.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/github/user", headers=bearer(value))
        assert connection.getresponse().read()
        kept = connection.sock
    assert connection.sock is kept
    connection.close()


@pytest.mark.parametrize("sent", ["not json", "[]", '"text"'])
def test_a_body_that_is_no_object_is_refused_in_the_providers_words(providers: Providers, sent: str) -> None:
    base = Base(providers.url)
    connection = http.client.HTTPConnection(base.parts.hostname or "", base.parts.port, timeout=5)
    connection.request("POST", "/github/credentials/revoke", body=sent)
    reply = connection.getresponse()
    assert (reply.status, b"message" in reply.read()) == (400, True)
    connection.close()


def test_what_is_too_long_is_refused(providers: Providers) -> None:
    base = Base(providers.url)
    connection = http.client.HTTPConnection(base.parts.hostname or "", base.parts.port, timeout=5)
    connection.putrequest("POST", "/github/credentials/revoke")
    connection.putheader("Content-Length", str(1 << 30))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_mistake_of_the_server_is_told_and_shows_no_value() -> None:
    """A setting of no sense makes one: it is a 500 of the server, not a lost reply, and its place is on standard error."""
    server, value = Providers(), secrets.token_hex(20)
    try:
        server.settings("asana", calls_per_minute="many")
        probe = BY_NAME["asana"]
        answer = probe(server, probe.make(server))
        assert (answer.status, "a mistake of the provider server" in answer.text) == (500, True)
        assert probe(server, value).status == 401
    finally:
        said = server.stop()
    assert said.startswith("TypeError in take, limits.py:")
    assert len(said.splitlines()) == 1


def test_no_value_is_in_what_the_process_shows_of_itself(providers: Providers) -> None:
    values = [probe.make(providers) for probe in PROBES]
    shown = b"".join(Path(f"/proc/{providers.process.pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    assert b"lab/providers" in shown
    assert [value for value in values if value.encode() in shown] == []


def test_help_names_every_option() -> None:
    done = subprocess.run([sys.executable, str(PROGRAM), "--help"], capture_output=True, text=True, check=True)
    assert all(option in done.stdout for option in ("--listen", "--control", "--tls", "--ca-file", "--name"))
