"""`remind` reaches real targets over HTTP and SMTP with names and dates; a target's URL, a secret, is told nowhere."""

from __future__ import annotations

import http.server
import json
import mailbox
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mycoops import last_drift
from mycoops.commands import reminding
from mycoops.errors import ConfigurationError, Exit
from mycoops.last_drift import Host, LastDrift
from mycoops.notifier import Target
from mycoops.secret import Secret, generate
from mycoops.session import open_fleet
from mycoops.vault import Store, password_secrets
from tests.unit import fleets
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.test_rotating import rotate


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what is posted to it; answers a path that ends in `/no` with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.got: list[tuple[str, dict[str, Any]]] = []


class Answer(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, body))
        self.send_response(500 if self.path.endswith("/no") else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on this machine."""
    made = Receiver()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@dataclass
class Desk:
    """A fleet with values whose targets lie in a file."""

    fleet: Path
    state: Path
    values: list[Secret] = field(default_factory=list)

    @property
    def targets(self) -> Path:
        """The file of the targets."""
        return self.state / "tale" / "targets"

    def tell(self, *urls: str, mode: int = 0o600) -> None:
        """Write the targets."""
        self.targets.write_text("\n".join(["# where to tell", "", *urls]))
        self.targets.chmod(mode)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`mycoops remind`, as the timer starts it."""
        command = [sys.executable, "-m", "mycoops.cli", "remind", "--fleet", str(self.fleet), *words]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.state), "MYCOOPS_STATE": str(self.state)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """A fleet of which db is overdue, in the vault since long ago."""
    data = fleets.document()
    data["mycoops_fleet"]["reminders"] = {"file": "targets"}
    made = Desk(fleets.write(tmp_path / "fleet", data), tmp_path / "state")
    store = Store.open(made.fleet, password_secrets(fleets.PASSWORD))
    for name, slot in (("db", "a"), ("token", "")):
        made.values.append(generate("token"))
        store.add(name, slot, made.values[-1])
    vault = made.fleet / "group_vars" / "all" / "vault.yml"
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    text = vault.read_text()
    assert today in text
    vault.write_text(text.replace(today, "2020-02-03", 1))
    made.targets.parent.mkdir(parents=True)
    monkeypatch.setenv("MYCOOPS_STATE", str(made.state))
    return made


def values_in(made: Desk, text: str) -> list[str]:
    """The values of the vault that stand in a text."""
    return [secret.reveal() for secret in made.values if secret.reveal() in text]


@pytest.mark.slow
def test_a_webhook_gets_what_is_overdue_and_its_url_is_told_nowhere(desk: Desk, receiver: Receiver) -> None:
    token = secrets.token_urlsafe(24)
    desk.tell(f"json://127.0.0.1:{receiver.server_port}/hook/{token}")
    done = desk.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("told target 3 (json): tale: 1 overdue")
    ((path, body),) = receiver.got
    assert path.rstrip("/") == f"/hook/{token}"
    assert body["title"].startswith("tale: 1 overdue")
    assert "- db (somebody): until 2020-04-07 → mycoops rotate db" in body["message"]
    assert body["type"] == "warning"
    assert token not in done.stdout + done.stderr
    assert values_in(desk, json.dumps(body)) == []
    assert values_in(desk, desk.values[0].reveal()) != [], "the search finds what is there"


@pytest.mark.slow
def test_a_target_that_is_not_reached_keeps_no_other_from_being_told(desk: Desk, receiver: Receiver) -> None:
    token = secrets.token_urlsafe(24)
    port = receiver.server_port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
    desk.tell(
        f"json://127.0.0.1:{closed}/{token}",
        f"json://127.0.0.1:{port}/{token}/no",
        f"nothing-known://{token}",
        token,
        f"json://127.0.0.1:{port}/{token}/yes",
    )
    done = desk.run()
    assert done.returncode == Exit.FAILED_OLD_INTACT
    for line in (
        "target 3 (json): it did not take",
        "target 4 (json): it did not take",
        "target 5 (unknown): not a URL",
        "target 6 (un",
    ):
        assert line in done.stderr
    assert "1 of 5 have it" in done.stderr
    assert [path.rpartition("/")[2] for path, _ in receiver.got][-1] == "yes"
    assert token not in done.stdout + done.stderr


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A mail server as a process: its port, and the directory it keeps mail in."""
    port, folder = free_port(), tmp_path / "mail"
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Mailbox", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, folder
    finally:
        server.terminate()
        server.wait()


@pytest.mark.slow
def test_a_mail_arrives_with_names_and_without_a_value(desk: Desk, mail: tuple[int, Path]) -> None:
    port, folder = mail
    desk.tell(f"mailto://127.0.0.1:{port}?from=mycoops@fleet.example&to=team@fleet.example&mode=insecure")
    done = desk.run("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sent"] == ["target 3 (mailto)"]
    (message,) = mailbox.Maildir(folder)
    assert message["To"] == "team@fleet.example"
    assert "tale: 1 overdue" in str(message["Subject"])
    part = message.get_payload()[0] if message.is_multipart() else message
    body = part.get_payload(decode=True).decode()
    assert "mycoops rotate db" in body
    assert values_in(desk, body + message.as_string()) == []


def test_print_sends_nothing_and_needs_no_targets(desk: Desk, receiver: Receiver) -> None:
    done = desk.run("--print")
    assert (done.returncode, receiver.got) == (0, [])
    assert done.stdout.splitlines()[0].startswith("tale: 1 overdue")
    assert "- db (somebody): until 2020-04-07" in done.stdout


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(desk: Desk, receiver: Receiver, mode: int) -> None:
    desk.tell(f"json://127.0.0.1:{receiver.server_port}/", mode=mode)
    fleet = open_fleet(desk.fleet)
    with pytest.raises(ConfigurationError, match=f"holds secrets and has mode {mode:04o}"):
        reminding.send(fleet, reminding.reminder(fleet))
    assert receiver.got == []


@pytest.mark.parametrize(("content", "problem"), [(None, "are not there"), ("# none\n", "no target in")])
def test_targets_that_are_missing_are_told(desk: Desk, content: str | None, problem: str) -> None:
    if content is not None:
        desk.targets.write_text(content)
        desk.targets.chmod(0o600)
    fleet = open_fleet(desk.fleet)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        reminding.send(fleet, reminding.reminder(fleet))
    assert "catalogue.yml:" in caught.value.message


def test_a_program_may_print_the_targets(desk: Desk, receiver: Receiver) -> None:
    place = desk.fleet / "group_vars" / "all" / "catalogue.yml"
    data = yaml.safe_load(place.read_text())
    data["mycoops_fleet"]["reminders"] = {"script": "tell"}
    place.write_text(yaml.safe_dump(data))
    program = desk.state / "tale" / "tell"
    program.write_text(f"#!/bin/sh\necho 'json://127.0.0.1:{receiver.server_port}/x'\n")
    program.chmod(0o700)
    fleet = open_fleet(desk.fleet)
    assert [str(target) for target in reminding.send(fleet, reminding.reminder(fleet))] == ["target 1 (json)"]
    assert len(receiver.got) == 1
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(ConfigurationError, match="ended with status 3"):
        reminding.send(fleet, reminding.reminder(fleet))


def test_nothing_is_sent_where_there_is_nothing_to_tell(stage: MakeStage) -> None:
    fleet = stage().opened()
    told = reminding.reminder(fleet)
    first = next(iter(fleet.dues(datetime.now(UTC).date()).values())).opens
    quiet = reminding.reminder(fleet, first - timedelta(days=30))
    assert (quiet.parts, quiet.title, quiet.grave) == ({}, "tale: nothing due", False)
    soon = reminding.reminder(fleet, first - timedelta(days=7))
    assert (len(soon.due), soon.grave) == (2, False)
    assert told.fleet == "tale"


def test_what_waits_for_a_person_and_the_last_drift_are_told(stage: MakeStage) -> None:
    made = stage("O3")
    rotate(made)
    fleet = made.opened()
    last = LastDrift(1900000000, 1, 8, (Host("h1", True, {"copy": 2, "process": 1}), Host("h2", False, {})))
    last_drift.save(fleet.settings.state, last)
    told = reminding.reminder(fleet)
    owner = fleet.catalogue.fleet.owner
    assert told.waiting == (
        f"it ({owner}): make a token named after the tag (https://console.example/tokens) → mycoops provide it",
    )
    assert [line.split(" (")[0] for line in told.drift] == ["h1: 2 copy, 1 process", "h2: not all of it could be asked"]
    last_drift.save(fleet.settings.state, LastDrift(1900000000, 1, 0, (Host("h1", True, {}),)))
    assert reminding.reminder(fleet).drift == ()
    last_drift.save(fleet.settings.state, LastDrift(1900000000, 1, 7))
    assert reminding.reminder(fleet).drift[0].startswith("the last look ended with status 7 (2030-03-17 17:46 UTC)")


def test_a_target_never_shows_its_url() -> None:
    token = secrets.token_urlsafe(24)
    for url in (f"slack://{token}", token, f"{token}://x", f"json://u:{token}@h"):
        target = Target(4, url)
        assert token not in f"{target} {target!r}"
