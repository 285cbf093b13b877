"""A fleet whose roles are written without care: each case is a host of its own, this machine, with a value of its own."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mycoops import content
from mycoops.leaks.known import Known
from mycoops.model import Item
from mycoops.performer import AnsiblePerformer
from mycoops.runner import Environment, Outcome, Runner
from mycoops.secret import Secret
from mycoops.vault import Store, password_secrets

HERE = Path(__file__).resolve().parent
CASES: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "no_log_cases.yml").read_text(encoding="utf-8"))
TASKS = {case: declared["tasks"] for case, declared in CASES.items()}
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
PLAY = """
- name: Do each case
  hosts: all
  strategy: ansible.builtin.free
  gather_facts: false
  tasks:
    - name: Do what the host is named after
      ansible.builtin.include_role:
        name: kind_careless
        tasks_from: "{{ case }}"
      loop: ["{{ inventory_hostname }}"]
      loop_control: {loop_var: case}
"""


class Value:
    """A value that every quoting changes somewhere; of each half something stays as it is in any of them."""

    def __init__(self, between: str = "-\"\\ö'&<%") -> None:
        self.halves = secrets.token_hex(8), secrets.token_hex(8)
        self.text = between.join(self.halves)
        self._needles = {needle for half in self.halves for needle in _needles(half)}

    def is_in(self, text: str) -> bool:
        """Whether a half of it is there: as it is, in hexadecimal or base64, or broken over lines."""
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\s|\\\n", "", text)
        return any(needle in text or needle in plain for needle in self._needles)


def _needles(half: str) -> Iterator[str]:
    """Written here once more, so that a form the mask does not know of is not unknown to the test as well."""
    yield from (half, half.upper(), half.encode().hex(), half.encode().hex().upper())
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + half.encode()).decode()
        yield text[-(-lead * 8 // 6) : (lead + len(half)) * 8 // 6]


class CarelessFleet:
    """The cases as entries of a kind, played by plain ansible-playbook or by mycoops' own runner."""

    def __init__(self, folder: Path, cases: Iterable[str] = CASES, tasks: Mapping[str, Any] = TASKS, **variables: object) -> None:
        self.folder, self.home, self.account, self.session = folder, folder / "fleet", folder / "account", folder / "session"
        self.scratch = folder / "scratch"
        self.values = {case: self.value() for case in cases}
        for path in (self.home / "group_vars" / "all", self.account, self.session, self.scratch):
            path.mkdir(parents=True)
        self._write(self.home / "hosts.yml", {"all": {"hosts": dict.fromkeys(self.values, LOCAL)}})
        shutil.copytree(HERE / "careless", self.home / "roles" / "kind_careless", ignore=shutil.ignore_patterns("__pycache__"))
        for case in self.values:
            self._write(self.home / "roles" / "kind_careless" / "tasks" / f"{case}.yml", tasks[case])
        given = {"secret": "{{ (mycoops_vault[inventory_hostname].value | from_json).value }}", "scratch": str(self.scratch)}
        self._write(self.home / "group_vars" / "all" / "careless.yml", {**given, **variables})
        password = secrets.token_urlsafe(32)
        self.password, self.play = folder / "password", folder / "play.yml"
        self.password.write_text(password)
        self.play.write_text(PLAY)
        self.store = Store.open(self.home, password_secrets(password))
        for case, value in self.values.items():
            self.store.add(case, "", Secret(value.text))

    @staticmethod
    def value() -> Value:
        """A value for one case."""
        return Value()

    @staticmethod
    def _write(path: Path, data: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def without_no_log(self) -> None:
        """As if nobody had thought of it."""
        for path in (self.home / "roles" / "kind_careless").rglob("*.yml"):
            path.write_text(path.read_text(encoding="utf-8").replace("no_log: true", "no_log: false"), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """What ansible-playbook needs of an environment."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.account),
            "LANG": "C.UTF-8",
            "ANSIBLE_ROLES_PATH": str(self.home / "roles"),
            "ANSIBLE_FORKS": "3",
            "ANSIBLE_REMOTE_TEMP": str(self.account / ".ansible" / "tmp"),
        }

    def plain(self, *words: str, **environment: str) -> str:
        """Everything that ansible-playbook prints, with the settings it comes with."""
        argv = ["ansible-playbook", "-i", str(self.home / "hosts.yml"), "--vault-password-file", str(self.password), str(self.play)]
        done = subprocess.run(
            [*argv, *words],
            cwd=self.folder,
            env={**self.environment(), **environment},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        return done.stdout + done.stderr

    def performer(self, hear: Callable[[dict[str, Any]], None], **overrides: str) -> AnsiblePerformer:
        """mycoops' own runner; `hear` is given each event as it is handed on."""

        class Overridden(Environment):
            def variables(self) -> dict[str, str]:
                return {**super().variables(), **overrides}

        class Listening(Runner):
            def _take(self, event: dict[str, Any], outcome: Outcome) -> None:
                hear(event)
                super()._take(event, outcome)

        roles = (self.home / "roles", content.path("roles"))
        paths = {"inventory": self.home / "hosts.yml", "known_hosts": self.home / "known", "password_file": self.password}
        environment = Overridden(self.home, self.session, agent_socket=None, forks=3, roles_paths=roles, **paths)
        known = Known(self.store)
        return AnsiblePerformer(Listening(environment, known.masker, lambda host, task: None, known.found), self.home)

    def items(self) -> list[Item]:
        """A call of every case."""
        return [Item(f"{case}/here", case, case, case, "careless", {}) for case in self.values]

    def shown(self, text: str) -> set[str]:
        """The cases whose value is in a text."""
        return {case for case, value in self.values.items() if value.is_in(text)}

    def left(self) -> dict[str, set[str]]:
        """Every file below this folder, its name included, that holds a value: the account's home, the session, scratch."""
        found: Mapping[Path, set[str]] = {
            path: self.shown(f"{path}\n{path.read_text(errors='replace') if path.is_file() else ''}")
            for path in self.folder.rglob("*")
        }
        return {str(path.relative_to(self.folder)): cases for path, cases in found.items() if cases}
