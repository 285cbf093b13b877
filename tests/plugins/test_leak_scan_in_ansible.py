"""The scan through the real ansible-playbook; and no verbosity, debugger or setting of the caller's gets a value out of a start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_host import fresh

from mycoops import content
from mycoops.leaks.known import Known
from mycoops.model import Item, Leak
from mycoops.performer import AnsiblePerformer
from mycoops.runner import Environment, Outcome, Runner
from mycoops.secret import Secret
from mycoops.vault import Store, password_secrets

CARELESS = """
- name: Show it
  ansible.builtin.debug:
    msg: "{{ leak }}"
- name: Write it, with the difference
  ansible.builtin.copy:
    content: "{{ leak }}"
    dest: "{{ careless_dest }}"
    mode: "0600"
  diff: true
- name: Fail with it
  ansible.builtin.assert:
    that: leak | length == 0
    fail_msg: "{{ leak }}"
"""
"""What an author of a kind should not do: a variable of the fleet holds a value, and tasks show it in every way."""
NOISY = {
    "ANSIBLE_VERBOSITY": "5",
    "ANSIBLE_DEBUG": "1",
    "ANSIBLE_ENABLE_TASK_DEBUGGER": "True",
    "ANSIBLE_STRATEGY": "debug",
    "ANSIBLE_DIFF_ALWAYS": "True",
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "True",
    "ANSIBLE_KEEP_REMOTE_FILES": "True",
    "ANSIBLE_CALLBACKS_ENABLED": "tree",
    "ANSIBLE_STDOUT_CALLBACK": "debug",
    "ANSIBLE_NO_LOG": "False",
    "ANSIBLE_SSH_ARGS": "-vvv",
    "RUNNER_INVENTORY": "elsewhere",
    "PYTHONVERBOSE": "1",
}
"""What a caller's environment might hold; none of it may come through."""


class Fleet:
    """One host, this machine, and a store with the value of one credential."""

    def __init__(self, folder: Path) -> None:
        self.home, self.value, password = folder / "fleet", fresh(), fresh()
        self.root, self.log, self.written = folder / "root", folder / "log", folder / "written"
        (self.home / "group_vars" / "all").mkdir(parents=True)
        local = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
        (self.home / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": local}}}))
        (folder / "password").write_text(password)
        self.password = folder / "password"
        self.store = Store.open(self.home, password_secrets(password))
        self.store.add("app", "", Secret(self.value))
        tasks = self.home / "roles" / "kind_careless" / "tasks"
        tasks.mkdir(parents=True)
        (tasks / "probe.yml").write_text(CARELESS)
        self.session = folder / "session"
        self.session.mkdir()

    def speak(self) -> None:
        """Have a variable hold the value."""
        variables = {"leak": f"it is {self.value} or {self.value.encode().hex()}", "careless_dest": str(self.written)}
        (self.home / "group_vars" / "all" / "leak.yml").write_text(yaml.safe_dump(variables))

    def performer(self, **overrides: str) -> AnsiblePerformer:
        class Overridden(Environment):
            def variables(self) -> dict[str, str]:
                return {**super().variables(), **overrides}

        roles = (self.home / "roles", content.path("roles"))
        paths = {"inventory": self.home / "hosts.yml", "known_hosts": self.home / "known", "password_file": self.password}
        environment = Overridden(self.home, self.session, agent_socket=None, forks=1, roles_paths=roles, **paths)
        known = Known(self.store)
        runner = Runner(environment, known.masker, lambda host, task: None, known.found)
        return AnsiblePerformer(runner, self.home, lambda hosts: {host: self.request(host) for host in hosts})

    def request(self, host: str) -> dict[str, Any]:
        value = {"$form": "<value>", "credential": "app", "generation": 1}
        values = [{"credential": "app", "generation": 1, "value": value}]
        return {"id": f"scan/{host}", "seconds": 60.0, "root": str(self.root), "excluded": [], "values": values}

    def artifacts(self) -> str:
        """Everything that ansible-runner kept."""
        return "\n".join(path.read_text(errors="replace") for path in self.session.rglob("*") if path.is_file())


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def plant(fleet: Fleet, path: str, text: str) -> None:
    place = fleet.root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def probe(performer: AnsiblePerformer) -> Outcome:
    return performer.carry_out([Item("probe/app/here/new", "probe", "here", "app", "careless", {})])


def test_a_planted_value_is_named_and_leaves_no_trace_of_the_search(fleet: Fleet) -> None:
    plant(fleet, "/tmp/left", f"x={fleet.value}\n")
    plant(fleet, f"/tmp/{fleet.value}", "a name\n")
    plant(fleet, "/tmp/other", f"x={fresh()}\n")
    acting = fleet.performer()
    acting.owe(["here"])
    outcome = acting.carry_out(scan=True)
    assert (outcome.problems, outcome.missed, outcome.searched) == ({}, {}, ["here"])
    assert set(outcome.leaks) == {Leak("app", 1, "/tmp/left", "here"), Leak("app", 1, "the name of /tmp …", "here")}
    assert fleet.value not in fleet.artifacts() + repr(outcome)


def test_the_scan_comes_after_the_calls_in_the_same_start_and_also_where_nothing_else_is_asked(fleet: Fleet) -> None:
    fleet.speak()
    (fleet.home / "roles" / "kind_careless" / "tasks" / "probe.yml").write_text(CARELESS.partition("- name: Fail")[0])
    fleet.written = fleet.root / "tmp" / "written"
    fleet.written.parent.mkdir(parents=True)
    fleet.speak()
    acting = fleet.performer()
    item = Item("probe/app/here/new", "probe", "here", "app", "careless", {})
    outcome = acting.carry_out([item], scan=True)
    assert Leak("app", 1, "/tmp/written", "here") in outcome.leaks, "what the call has just written is found"
    assert acting._runner.starts == 1


def test_a_host_that_failed_is_not_taken_for_searched(fleet: Fleet) -> None:
    fleet.speak()
    acting = fleet.performer()
    outcome = acting.carry_out([Item("probe/app/here/new", "probe", "here", "app", "careless", {})], scan=True)
    assert "here" in outcome.missed
    assert acting.carry_out(scan=True).searched == ["here"]


def test_no_setting_of_the_caller_gets_a_value_out(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**NOISY, "ANSIBLE_LOG_PATH": str(fleet.log)}.items():
        monkeypatch.setenv(name, value)
    fleet.speak()
    began = time.monotonic()
    outcome = probe(fleet.performer())
    assert time.monotonic() - began < 120, "a debugger waited for somebody"
    assert outcome.leaks == []
    assert fleet.written.read_text().count(fleet.value) == 1, "the tasks did run"
    text = fleet.artifacts() + repr(outcome)
    assert fleet.value not in text
    assert fleet.value.encode().hex() not in text
    assert "«masked»" in text
    assert not fleet.log.exists()
    (command,) = fleet.session.rglob("command")
    given = json.loads(command.read_text())["env"]
    assert [name for name, value in NOISY.items() if given.get(name) == value] == []
    assert "ANSIBLE_LOG_PATH" not in given


def test_had_they_come_through_the_value_would_be_out(fleet: Fleet) -> None:
    """The control: the very start that is silent above, with two of the settings let through."""
    fleet.speak()
    probe(fleet.performer(ANSIBLE_CALLBACKS_ENABLED="tree", ANSIBLE_LOG_PATH=str(fleet.log)))
    assert fleet.value in fleet.log.read_text()


@pytest.mark.parametrize("form", [str, lambda text: text.encode().hex()], ids=["clear", "hex"])
def test_a_value_among_the_artifacts_of_a_start_is_found_and_its_file_named(fleet: Fleet, form: Callable[[str], str]) -> None:
    acting = fleet.performer()
    outcome = acting.carry_out([Item("probe/app/here/new", "probe", "here", "app", "careless", {"bug": form(fleet.value)})])
    places = {(leak.credential, leak.generation, leak.host, leak.place) for leak in outcome.leaks}
    assert places == {("app", 1, "", "the directory of this run/run001/env/extravars")}
    assert fleet.value not in repr(outcome)


def test_nothing_of_the_callers_environment_comes_through_but_what_is_listed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING", fleet.value)
    assert fleet.value not in fleet.performer()._runner._environment.variables().values()
    assert "SOMETHING" not in fleet.performer()._runner._environment.variables()
    assert os.environ["SOMETHING"] == fleet.value
