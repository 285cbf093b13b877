"""The look through the real ansible-playbook: one round trip, digests on the wire, and a host left as it was."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_host import fresh

from mycoops import content
from mycoops.leaks.known import Known
from mycoops.performer import AnsiblePerformer
from mycoops.runner import Environment, Outcome, Runner
from mycoops.secret import Secret
from mycoops.vault import Store, password_secrets

PATH = "/etc/api/api.env"
WIRE = """#!/bin/sh
tee {log}/$$ | exec /usr/bin/python3 "$@"
"""
"""An interpreter that keeps what it is sent."""


class Fleet:
    """One host, this machine, whose env file lies under a root of its own, and a store with two generations of one value."""

    def __init__(self, folder: Path) -> None:
        self.home, self.root, self.wire = folder / "fleet", folder / "root", folder / "wire"
        self.old, self.value, password = fresh(), fresh(), fresh()
        (self.home / "group_vars" / "all").mkdir(parents=True)
        self.file = self.root / PATH.lstrip("/")
        self.file.parent.mkdir(parents=True, mode=0o755)
        self.file.write_text(f"LOG=info\nTOKEN=it-is-{self.value}\n")
        self.file.chmod(0o600)
        state = self.root / "var" / "lib" / "mycoops"
        state.mkdir(parents=True, mode=0o700)
        (state / "fence.json").write_text(json.dumps({"token": 0, "generations": {"app": 1}}))
        interpreter = folder / "python"
        self.wire.mkdir()
        interpreter.write_text(WIRE.format(log=self.wire))
        interpreter.chmod(0o755)
        local = {"ansible_connection": "local", "ansible_python_interpreter": str(interpreter)}
        (self.home / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": local, "other": local}}}))
        self.password, self.session = folder / "password", folder / "session"
        self.password.write_text(password)
        self.session.mkdir()
        self.store = Store.open(self.home, password_secrets(password))
        self.store.add("app", "", Secret(self.value))
        self.store.put_pending("app", 9, "", Secret(self.old))

    @cached_property
    def performer(self) -> AnsiblePerformer:
        paths = {"inventory": self.home / "hosts.yml", "known_hosts": self.home / "known", "password_file": self.password}
        roles = (content.path("roles"),)
        environment = Environment(self.home, self.session, agent_socket=None, forks=2, roles_paths=roles, **paths)
        known = Known(self.store)
        return AnsiblePerformer(Runner(environment, known.masker, lambda host, task: None, known.found), self.home)

    def request(self, host: str = "here", form: str = "it-is-<value>") -> dict[str, Any]:
        def reference(number: int, form: str = "<value>") -> dict[str, Any]:
            return {"$form": form, "credential": "app", "generation": number}

        entry = {"name": "TOKEN", "credential": "app", "value": reference(1, form)}
        file = {"path": PATH, "readers": ["systemd"], "entries": [entry], "services": ["api"]}
        kept = [{"credential": "app", "generation": number, "value": reference(number)} for number in (1, 9)]
        owner = {"owner": pwd.getpwuid(os.geteuid()).pw_name}
        return {
            "id": f"drift/{host}",
            "root": str(self.root),
            "token": 0,
            "generations": {},
            "files": [{**file, **owner}],
            "kept": kept,
        }

    def look(self, *hosts: str, **more: Any) -> Outcome:
        return self.performer.look({host: self.request(host, **more) for host in hosts or ("here",)})

    def sent(self) -> list[str]:
        """Each thing that went over the wire."""
        return [path.read_text() for path in self.wire.iterdir()]

    def everything(self) -> dict[Path, tuple[int, int, int]]:
        found = {path: path.lstat() for path in self.root.rglob("*")}
        return {path: (one.st_mode, one.st_mtime_ns, one.st_ctime_ns) for path, one in found.items()}

    def texts(self, outcome: Outcome) -> list[str]:
        """What came back, what ansible-runner kept, and what went over the wire."""
        kept = [path.read_text(errors="replace") for path in self.session.rglob("*") if path.is_file()]
        return [repr(outcome), *kept, *self.sent()]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def findings(outcome: Outcome, host: str = "here") -> list[tuple[str, list[str]]]:
    reply = outcome.of(f"drift/{host}")
    assert reply, outcome
    assert not reply.error, reply.error
    return [(one["what"], one["names"]) for one in reply.data["findings"]]


def test_nothing_differs_and_nothing_is_written(fleet: Fleet) -> None:
    before = fleet.everything()
    assert findings(fleet.look()) == []
    assert fleet.everything() == before
    assert sorted(path.name for path in fleet.root.rglob("*") if path.is_file()) == ["api.env", "fence.json"], "no lock, no key"


def test_what_differs_is_named_in_one_round_trip_a_host(fleet: Fleet) -> None:
    fleet.file.write_text(f"# {fleet.old}\nTOKEN={fleet.value}\n")
    fleet.file.chmod(0o640)
    outcome = fleet.look("here", "other")
    for host in ("here", "other"):
        assert findings(outcome, host) == [("access", []), ("value-differs", ["TOKEN"]), ("alias", [])]
    assert len(fleet.sent()) == 2
    assert stat.S_IMODE(fleet.file.stat().st_mode) == 0o640


def test_no_value_travels_to_the_host_or_back(fleet: Fleet) -> None:
    fleet.file.write_text(f"# {fleet.old}\nTOKEN={fleet.value}\n")
    texts = fleet.texts(fleet.look())
    assert [text for text in texts if fleet.value in text or fleet.old in text] == []
    assert "value-differs" in texts[0]
    (wire,) = fleet.sent()
    sent = json.loads(wire)["request"]
    assert [sorted(entry) for file in sent["files"] for entry in file["entries"]] == [["digest", "name"]]
    assert [sorted(one) for one in sent["kept"]] == [["credential", "digest", "generation", "length"]] * 2


def test_the_wire_is_where_a_value_would_show(fleet: Fleet) -> None:
    """The control: a delivery to the same host does send it, and this is how it would be seen."""
    request = {**fleet.request(), "check": True, "services": []}
    fleet.performer.carry_out((), {"here": request}, check=True)
    assert fleet.value in "".join(fleet.sent())


def test_the_key_is_another_one_each_time_and_stays_out_of_the_artifacts(fleet: Fleet) -> None:
    kept = [text for _ in range(2) for text in fleet.texts(fleet.look()) if text not in fleet.sent()]
    keys = [json.loads(text)["request"]["key"] for text in fleet.sent()]
    assert len(set(keys)) == 2
    assert len(kept) > 2
    assert [key for key in keys for text in kept if key in text] == []


def test_a_host_that_cannot_answer_is_said_to_be_silent(fleet: Fleet) -> None:
    (fleet.home / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"here": {"ansible_host": "192.0.2.1", "ansible_port": 9, "ansible_ssh_timeout": 1}}}})
    )
    outcome = fleet.look()
    assert outcome.of("drift/here") is None
    assert outcome.silence("here").startswith("here cannot be reached over ssh")


def test_an_unknown_generation_is_no_finding_but_an_error(fleet: Fleet) -> None:
    request = fleet.request()
    request["files"][0]["entries"][0]["value"]["generation"] = 5
    reply = fleet.performer.look({"here": request}).of("drift/here")
    assert reply
    assert reply.error["code"] == "unresolved"


def test_a_process_of_this_machine_is_compared_with_its_file(fleet: Fleet, tmp_path: Path) -> None:
    """A real process, found by a systemctl that knows where it is."""
    (tmp_path / "bin").mkdir()
    running = subprocess.Popen(["/usr/bin/sleep", "600"], env={"TOKEN": f"it-is-{fleet.value}"})
    try:
        show = f"LoadState=loaded\\nActiveState=active\\nMainPID={running.pid}\\nNeedDaemonReload=no\\n"
        (tmp_path / "bin" / "systemctl").write_text(f"#!/bin/sh\nprintf '{show}'\n")
        (tmp_path / "bin" / "systemctl").chmod(0o755)
        interpreter = tmp_path / "python"
        interpreter.write_text(f'#!/bin/sh\nPATH={tmp_path}/bin:$PATH\nexport PATH\nexec /usr/bin/python3 "$@"\n')
        service = {"name": "api", "unit": "api.service", "env_file": PATH, "holds": [{"file": PATH, "name": "TOKEN"}]}
        request = {**fleet.request(), "services": [service]}
        assert findings(fleet.performer.look({"here": request})) == []
        fleet.file.write_text(f"TOKEN=it-is-{fleet.old}\n")
        assert findings(fleet.performer.look({"here": request})) == [("value-differs", ["TOKEN"]), ("process", ["TOKEN"])]
    finally:
        running.kill()
        running.wait()
