"""Oneshot units and jobs get their file, no restart, and count once no run from before is left; a look at the host agrees."""

from __future__ import annotations

import secrets
import subprocess
import sys
from typing import Any

import deliver
import drift
import pytest
from fake_host import Health, Host, fresh
from mycoops_reply import Refusal

from mycoops.digests import digested

ENV, TOKEN = "/etc/backup/.env", "/etc/backup/token"


class Backup:
    """A oneshot unit with an env file, and a file that holds a token."""

    def __init__(self, host: Host) -> None:
        self.host, self.old, self.new = host, fresh(), fresh()
        host.put(ENV, f"PASSWORD={self.old}\n").parent.chmod(0o755)
        self.unit = host.unit("backup.service", ENV)
        self.unit.kind = "oneshot"

    def request(self, **service: Any) -> dict[str, Any]:
        files = [
            {"path": ENV, "mode": "0600", "readers": ["systemd"], "entries": [self.entry("PASSWORD")]},
            {"path": TOKEN, "mode": "0600", "readers": ["whole"], "entries": [self.entry("TOKEN")]},
        ]
        spec = {"name": "backup", "unit": "backup.service", "apply": "next-run", "env_file": ENV, "files": [TOKEN]}
        spec.update(holds=[{"file": ENV, "name": "PASSWORD"}], timeout_seconds=1)
        generations = {"generations": {"backup": 2}, "before": {"backup": 1}}
        return {"root": str(self.host.root), **generations, "files": files, "services": [{**spec, **service}]}

    def entry(self, name: str) -> dict[str, Any]:
        return {"name": name, "credential": "backup", "value": self.new, "previous": self.old}

    def look(self) -> list[tuple[str, list[str]]]:
        reply = drift.run(digested({**self.request(), "kept": []}, secrets.token_bytes(32)))
        assert reply["unseen"] == []
        return [(one["what"], one["names"]) for one in reply["findings"]]


@pytest.fixture
def backup(host: Host) -> Backup:
    return Backup(host)


def test_the_next_run_has_it_and_nothing_is_started(backup: Backup) -> None:
    reply = deliver.run(backup.request())
    assert "error" not in reply
    service = reply["services"][0]
    assert (service["holds"], service["healthy"], service["restarted"], service["reloaded"]) == (True, True, False, False)
    assert backup.host.at(ENV).read_text() == f"PASSWORD={backup.new}\n"
    assert backup.host.at(TOKEN).read_text() == backup.new
    assert (backup.unit.starts, backup.host.verbs()) == (0, [])
    assert backup.look() == []


def test_a_run_that_is_under_way_holds_it_up_and_is_not_ended(backup: Backup) -> None:
    backup.unit.start()
    backup.unit.active = "activating"
    running = backup.unit.process
    reply = deliver.run(backup.request())
    assert "error" not in reply
    assert (reply["services"][0]["holds"], reply["services"][0]["healthy"]) == (False, False)
    assert running is not None
    assert running.poll() is None
    backup.unit.stop()
    backup.unit.active = ""
    assert deliver.run(backup.request())["services"][0]["holds"] is True


def test_one_that_failed_last_is_not_touched(backup: Backup) -> None:
    backup.unit.failed = True
    with pytest.raises(Refusal) as caught:
        deliver.run(backup.request())
    assert caught.value.code == "already_unhealthy"
    assert backup.host.at(ENV).read_text() == f"PASSWORD={backup.old}\n"


@pytest.mark.parametrize(
    ("kind", "apply", "code"), [("simple", "next-run", "not_oneshot"), ("oneshot", "restart", "cannot_attest")]
)
def test_what_is_declared_otherwise_than_it_is_gets_nothing(backup: Backup, kind: str, apply: str, code: str) -> None:
    backup.unit.kind = kind
    with pytest.raises(Refusal) as caught:
        deliver.run(backup.request(apply=apply))
    assert caught.value.code == code
    assert not backup.host.at(TOKEN).exists()


def test_a_file_that_was_edited_is_drift(backup: Backup) -> None:
    deliver.run(backup.request())
    backup.host.at(TOKEN).write_text(fresh())
    assert backup.look() == [("value-differs", ["TOKEN"])]
    backup.host.at(TOKEN).unlink()
    assert backup.look() == [("file-missing", ["TOKEN"])]
    deliver.run(backup.request())
    assert backup.look() == []


def test_a_check_tells_and_writes_nothing(backup: Backup) -> None:
    reply = deliver.run({**backup.request(), "check": True})
    assert reply["changed"] is True
    assert not backup.host.at(TOKEN).exists()


class Broker:
    """A unit that reads a file of its own when it starts and on a reload, and tells in its health what it has read."""

    PATH = "/etc/broker/token"

    def __init__(self, host: Host, health: Health, takes: bool) -> None:
        self.host, self.old, self.new, self.takes = host, fresh(), fresh(), takes
        self.file = host.put(self.PATH, self.old)
        self.loaded, self.reloads = self.old, 0
        self.unit = host.unit("broker.service", "/etc/broker/.env")
        self.unit.start()
        self.health = health
        health.body = lambda: b'{"current": %s}' % (b"true" if self._current() else b"false")

    def _current(self) -> bool:
        if self.unit.reloads != self.reloads:
            self.reloads = self.unit.reloads
            text = self.file.read_text()
            self.loaded = text if self.takes or text == self.old else self.loaded
        return self.loaded == self.file.read_text()

    def request(self) -> dict[str, Any]:
        entry = {"name": "TOKEN", "credential": "broker", "value": self.new, "previous": self.old}
        file = {"path": self.PATH, "mode": "0600", "readers": ["whole"], "entries": [entry]}
        health = {"url": self.health.url, "json": {"current": True}, "timeout_seconds": 1}
        service = {
            "name": "broker",
            "unit": "broker.service",
            "reload_files": [self.PATH],
            "health": health,
            "steady_seconds": 0.05,
        }
        generations = {"generations": {"broker": 2}, "before": {"broker": 1}}
        return {"root": str(self.host.root), **generations, "files": [file], "services": [service]}


def test_a_reload_counts_by_what_the_service_says_it_has_read(host: Host, health: Health) -> None:
    broker = Broker(host, health, takes=True)
    reply = deliver.run(broker.request())
    assert "error" not in reply
    assert (reply["services"][0]["reloaded"], reply["services"][0]["restarted"]) == (True, False)
    assert (broker.loaded, broker.unit.starts, broker.unit.reloads) == (broker.new, 1, 1)
    assert deliver.run(broker.request())["services"][0]["reloaded"] is False


def test_a_reload_that_takes_nothing_is_taken_back(host: Host, health: Health) -> None:
    broker = Broker(host, health, takes=False)
    reply = deliver.run(broker.request())
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert broker.file.read_text() == broker.old
    assert (broker.unit.starts, broker.unit.reloads) == (1, 2)
    assert reply["services"][0]["healthy"] is False


class Handed:
    """A unit whose process sees systemd's copy of a credential below its own root, as the kernel shows it."""

    PATH, SEEN = "/etc/api/token", "/own/run/credentials/api.service/token"

    def __init__(self, host: Host) -> None:
        self.host, self.value = host, fresh()
        host.put(self.PATH, self.value).parent.chmod(0o755)
        self.copy = host.put(self.SEEN, self.value)
        self.unit = host.unit("api.service", "/etc/api/.env")
        script = f"import os,time;os.chroot({str(host.at('/own'))!r});print(flush=True);time.sleep(600)"
        self.unit.process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert self.unit.process.stdout is not None
        self.unit.process.stdout.readline()

    def request(self, value: str = "", **more: Any) -> dict[str, Any]:
        entries = [{"name": "TOKEN", "credential": "api", "value": value or self.value}]
        file = {"path": self.PATH, "mode": "0600", "readers": ["whole"], "entries": entries}
        service = {"name": "api", "unit": "api.service", "files": [self.PATH], "credentials": {"token": self.PATH}}
        return {"root": str(self.host.root), "generations": {"api": 1}, "files": [file], "services": [service], **more}

    def holds(self) -> bool:
        return bool(deliver.run(self.request(check=True))["services"][0]["holds"])

    def look(self) -> list[tuple[str, list[str], str]]:
        found = drift.run(digested(self.request(kept=[]), secrets.token_bytes(32)))["findings"]
        return [(one["what"], one["names"], one["detail"]) for one in found]


@pytest.fixture
def handed(host: Host) -> Handed:
    return Handed(host)


def test_a_credential_counts_by_the_copy_that_the_process_sees(handed: Handed) -> None:
    copied = ("process", ["token"], "systemd's copy of the credential is another one")
    assert handed.holds()
    assert copied not in handed.look()
    handed.copy.write_text(fresh())
    assert not handed.holds()
    assert copied in handed.look()
    handed.copy.unlink()
    assert not handed.holds()
    assert copied in handed.look()
