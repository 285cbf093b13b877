"""A value in a file that is no env file is what the program of its format takes it to be: asked of the real programs."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import string
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import mycoops_formats as formats
import pytest
from fake_host import fresh
from kind_servers import Postgres, binary, free_port
from mycoops_reply import Refusal

from mycoops.values import mosquitto_hash

PRINTABLE = string.digits + string.ascii_letters + string.punctuation + " "
PASSWORDS = [fresh(), "with:colon\\and back\\\\slash " + secrets.token_hex(8), "\"'`$#;%" + secrets.token_hex(8) + "ü€:"]
PASSWORDS += ["".join(secrets.choice(PRINTABLE) for _ in range(32)) + "x" for _ in range(12)]


def entry(name: str, value: str, previous: str | None = None) -> dict[str, Any]:
    return {"name": name, "credential": "app", "value": value, "previous": previous}


def request(root: Path, path: str, form: str, entries: list[dict[str, Any]], **job: Any) -> dict[str, Any]:
    """A delivery of one file to one job."""
    apply = "reload" if job.get("command") else "next-run"
    service = {"name": "user", "job": {"timeout_seconds": 1, **job}, "apply": apply, "files": [path]}
    file = {"path": path, "mode": "0600", "readers": [form], "entries": entries}
    return {"root": str(root), "generations": {"app": 2}, "before": {"app": 1}, "files": [file], "services": [service]}


@pytest.fixture
def root() -> Iterator[Path]:
    """A place that the accounts of servers can enter, as /tmp is."""
    with tempfile.TemporaryDirectory(prefix="files-") as name:
        Path(name).chmod(0o755)
        (Path(name) / "etc").mkdir()
        yield Path(name)


def told(reply: dict[str, Any], *values: str) -> dict[str, Any]:
    """The service's part of a reply that holds no value."""
    assert not any(json.dumps(value)[1:-1] in json.dumps(reply) for value in values)
    assert "error" not in reply, reply["error"]
    return dict(reply["services"][0])


def psql(port: int, pgpass: Path, user: str = "app_a", database: str = "app", query: str = "SELECT session_user") -> str:
    """What a query brings with the password that libpq finds; empty where the login is refused."""
    command = ["psql", "-X", "-w", "-A", "-t", "-h", "127.0.0.1", "-p", str(port), "-U", user, "-d", database, "-c", query]
    environment = {"PATH": os.environ["PATH"], "PGPASSFILE": str(pgpass), "PGCONNECT_TIMEOUT": "5"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip()


class TestLibpq:
    """`.pgpass`, asked of libpq and a real server."""

    @pytest.mark.parametrize("value", PASSWORDS, ids=range(len(PASSWORDS)))
    def test_logs_in_with_what_was_written_and_with_nothing_else(self, postgres: Postgres, root: Path, value: str) -> None:
        quoted = value.replace("'", "''")
        postgres.sql(f"SET standard_conforming_strings=on; ALTER ROLE app_a LOGIN PASSWORD '{quoted}'")
        kept = f"# mine\nnot a line of five fields\n127.0.0.1:{postgres.port}:app:other:{fresh()}\n*:*:*:third:x\\:y\n"
        place = root / "etc/.pgpass"
        place.write_text(f"{kept}127.0.0.1:{postgres.port}:app:*:{fresh()}")
        place.chmod(0o600)
        assert psql(postgres.port, place) == ""
        name = f"127.0.0.1:{postgres.port}:app:*"
        reply = deliver.run(request(root, "/etc/.pgpass", "pgpass", [entry(name, value)]))
        assert told(reply, value)["holds"] is True
        assert psql(postgres.port, place) == "app_a"
        assert place.read_text().startswith(kept)
        assert (place.stat().st_mode & 0o777, reply["files"][0]["names"]) == (0o600, [name])
        assert not deliver.run(request(root, "/etc/.pgpass", "pgpass", [entry(name, value)]))["changed"]

    def test_a_line_that_libpq_would_never_come_to_is_refused(self, postgres: Postgres, root: Path) -> None:
        place = root / "etc/.pgpass"
        place.write_text(f"127.0.0.1:*:*:app_a:{fresh()}\n")
        place.chmod(0o600)
        name = f"127.0.0.1:{postgres.port}:app:app_a"
        value = fresh()
        with pytest.raises(Refusal) as caught:
            deliver.run(request(root, "/etc/.pgpass", "pgpass", [entry(name, value)]))
        assert caught.value.code == "misread"
        postgres.sql(f"ALTER ROLE app_a LOGIN PASSWORD '{value}'")
        place.write_text(place.read_text() + f"{name}:{value}\n")
        assert psql(postgres.port, place) == "", "libpq takes the first line, so the refusal is right"


class Daemon:
    """A server in the foreground that is told to read its files again by SIGHUP."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def reload(self) -> list[str]:
        return ["kill", "-HUP", str(self.process.pid)]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def eventually(ask: Any, wanted: Any) -> bool:
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        with contextlib.suppress(OSError):
            if ask() == wanted:
                return True
        time.sleep(0.05)
    return False


def mqtt(port: int, user: str, password: str) -> int:
    """The code with which a broker answers a login: 0 is accepted, 5 is refused."""

    def text(word: str) -> bytes:
        return len(word.encode()).to_bytes(2, "big") + word.encode()

    body = text("MQTT") + b"\x04\xc2\x00\x3c" + text("test") + text(user) + text(password)
    with socket.create_connection(("127.0.0.1", port), 5) as stream:
        stream.sendall(b"\x10" + bytes([len(body)]) + body)
        answer = stream.recv(4)
        return answer[3] if len(answer) == 4 else -1


class TestMosquitto:
    """A password file of hashes, asked of the real broker."""

    def test_takes_the_new_value_on_a_hangup_and_refuses_the_old_one(self, root: Path) -> None:
        port, old, new, other = free_port(), fresh(), fresh(), fresh()
        (root / "etc/passwd").write_text(f"# users\nother:{mosquitto_hash(other)}\napp:{mosquitto_hash(old)}\n")
        (root / "etc/passwd").chmod(0o600)
        (root / "etc/conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\nuser root\npassword_file {root}/etc/passwd\n"
        )
        server = Daemon(binary("mosquitto", "usr/sbin/mosquitto"), "-c", str(root / "etc/conf"))
        try:
            assert eventually(lambda: mqtt(port, "app", old), 0)
            assert mqtt(port, "app", new) == 5
            asked = request(root, "/etc/passwd", "mosquitto", [entry("app", mosquitto_hash(new))], command=server.reload)
            assert told(deliver.run(asked), old, new)["reloaded"] is True
            assert eventually(lambda: mqtt(port, "app", new), 0)
            assert (mqtt(port, "app", old), mqtt(port, "other", other)) == (5, 0)
            assert told(deliver.run(asked))["reloaded"] is False
        finally:
            server.stop()

    def test_a_value_that_is_no_hash_is_refused(self, root: Path) -> None:
        with pytest.raises(Refusal) as caught:
            deliver.run(request(root, "/etc/passwd", "mosquitto", [entry("app", fresh())]))
        assert "mosquitto keeps hashes" in caught.value.message


class TestPgBouncer:
    """userlist.txt, asked of the real PgBouncer by logins at its own console."""

    @pytest.mark.parametrize("new", PASSWORDS[:6], ids=range(6))
    def test_takes_the_new_value_on_a_reload_and_refuses_the_old_one(self, root: Path, new: str) -> None:
        port, old, place, pgpass = free_port(), fresh(), root / "etc/userlist.txt", root / "etc/.pgpass"
        place.write_text(f'; users\n"other" "{fresh()}" more\n"app" "{old}"\n')
        settings = f"listen_addr=127.0.0.1\nlisten_port={port}\nunix_socket_dir=\nauth_type=scram-sha-256\nadmin_users=app\n"
        (root / "etc/ini").write_text(f"[databases]\n[pgbouncer]\n{settings}auth_file={place}\n")
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if prefix:
            subprocess.run(["chown", "postgres:postgres", str(place)], check=True)
        server = Daemon(*prefix, binary("pgbouncer", "usr/sbin/pgbouncer"), str(root / "etc/ini"))

        def accepts(value: str) -> bool:
            pgpass.write_bytes(b"*:*:*:*:" + formats.encode(value, ["pgpass"]) + b"\n")
            pgpass.chmod(0o600)
            return "PgBouncer" in psql(port, pgpass, "app", "pgbouncer", "SHOW VERSION")

        try:
            assert eventually(lambda: accepts(old), True)
            assert not accepts(new)
            asked = request(root, "/etc/userlist.txt", "pgbouncer", [entry("app", new)], command=server.reload)
            assert told(deliver.run(asked), old, new)["reloaded"] is True
            assert eventually(lambda: accepts(new), True)
            assert not accepts(old)
            assert place.read_text().startswith('; users\n"other" "')
        finally:
            server.stop()

    def test_a_line_at_which_it_would_stop_reading_is_refused_by_number(self, root: Path) -> None:
        (root / "etc/userlist.txt").write_text('; users\nother "x"\n')
        with pytest.raises(Refusal) as caught:
            deliver.run(request(root, "/etc/userlist.txt", "pgbouncer", [entry("app", fresh())]))
        assert (caught.value.code, caught.value.facts["line"]) == ("malformed_file", 2)


class TestJob:
    """What runs from time to time, or is told by a command."""

    def test_a_run_from_before_the_change_is_waited_for(self, root: Path) -> None:
        script = root / "report"
        script.write_text("#!/bin/sh\nsleep 60\n")
        script.chmod(0o755)
        asked = request(root, "/etc/token", "whole", [entry("TOKEN", fresh())], program=str(script))
        run = subprocess.Popen([str(script)])
        try:
            assert told(deliver.run(asked))["holds"] is False
            assert told(deliver.run(asked))["holds"] is False
        finally:
            run.kill()
            run.wait()
        assert told(deliver.run(asked))["holds"] is True
        os.utime(root / "etc/token")
        time.sleep(1.2)
        later = subprocess.Popen([str(script)])
        try:
            time.sleep(0.2)
            assert told(deliver.run(asked))["holds"] is True, "a run from after the change has the new value"
        finally:
            later.kill()
            later.wait()

    def test_the_whole_content_is_the_value_and_no_byte_more(self, root: Path) -> None:
        value = "a\nb\\n\"' " + fresh()
        (root / "etc/token").write_text("before")
        (root / "etc/token").chmod(0o600)
        deliver.run(request(root, "/etc/token", "whole", [entry("TOKEN", value)]))
        assert (root / "etc/token").read_text() == value

    def test_a_command_that_fails_brings_the_previous_content_back(self, root: Path) -> None:
        old, new, place = fresh(), fresh(), root / "etc/cifs"
        place.write_text(f"username=app\npassword={old}\n# kept\nsec=ntlmssp\n")
        place.chmod(0o600)
        mount = root / "remount"
        mount.write_text(f"#!/bin/sh\ngrep -q '^password={old}$' {place}\n")
        mount.chmod(0o755)
        asked = request(root, "/etc/cifs", "cifs", [entry("password", new, old)], command=[str(mount)])
        reply = deliver.run(asked)
        assert reply["error"]["code"] == "unhealthy_rolled_back"
        assert reply["services"][0]["healthy"] is False
        assert place.read_text() == f"username=app\npassword={old}\n# kept\nsec=ntlmssp\n"
        mount.write_text(f"#!/bin/sh\ngrep -q '^password={new}$' {place}\n")
        assert told(deliver.run(asked), old, new)["reloaded"] is True
        assert told(deliver.run(asked))["reloaded"] is False

    def test_a_command_is_given_again_until_it_has_worked(self, root: Path) -> None:
        flag = root / "works"
        asked = request(root, "/etc/token", "whole", [entry("TOKEN", fresh())], command=["test", "-e", str(flag)])
        assert deliver.run(asked)["error"]["code"].startswith("unhealthy")
        flag.touch()
        assert told(deliver.run(asked))["reloaded"] is True
