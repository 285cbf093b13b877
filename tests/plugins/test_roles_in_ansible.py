"""The real ansible-playbook on a throw-away root: idempotent, honest in check mode, refusing by line, silent about values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_host import REPOSITORY, fresh

from mycoops.secret import Secret
from mycoops.vault import Store, password_secrets

PATH = "/etc/api/api.env"
PLAYBOOK = """
- name: Set one variable
  hosts: all
  gather_facts: false
  tasks:
    - name: Set it
      ansible.builtin.include_role:
        name: env_file
    - name: Provoke every channel
      ansible.builtin.debug:
        msg: "{{ leak | default('') }}"
    - name: Provoke a warning and a failure
      ansible.builtin.assert:
        that: leak | default('') | length == 0
        fail_msg: "{{ leak }}"
"""


class Fleet:
    """A fleet directory with one host, this machine, and a store with one value."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.value, password = folder / "fleet", folder / "root", fresh(), fresh()
        self.folder.mkdir()
        self.file = self.root / PATH.lstrip("/")
        self.file.parent.mkdir(parents=True)
        (self.folder / "hosts.yml").write_text("all:\n  hosts:\n    api:\n      ansible_connection: local\n")
        (folder / "password").write_text(password)
        (folder / "play.yml").write_text(PLAYBOOK)
        Store.open(self.folder, password_secrets(password)).add("api", "", Secret(self.value))
        self.password, self.play = folder / "password", folder / "play.yml"

    def speak(self) -> None:
        """Have a playbook variable hold the value, as a careless one would."""
        (self.folder / "group_vars" / "all" / "leak.yml").write_text(f"leak: spoken {self.value} {self.value.encode().hex()}\n")

    def run(self, *words: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        reference = {"$form": "<value>", "credential": "api", "generation": 1}
        entries = [{"name": "TOKEN", "credential": "api", "value": reference}, {"name": "LOG_LEVEL", "value": "info"}]
        base = {"env_file_path": PATH, "env_file_root": str(self.root), "env_file_readers": ["systemd"], "env_file_set": entries}
        argv = ["ansible-playbook", "-i", str(self.folder), "--vault-password-file", str(self.password), str(self.play)]
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder.parent),
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [*argv, "-e", json.dumps({**base, **variables}), *words], capture_output=True, text=True, check=False, env=environment
        )


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A fleet of this machine."""
    return Fleet(tmp_path)


def test_env_file_from_check_mode_to_idempotence(fleet: Fleet) -> None:
    fleet.file.write_text("# kept\nTOKEN=old\nOTHER=1\n")
    checked = fleet.run("--check", "-vvvvv")
    assert "changed=1" in checked.stdout, checked.stdout[-2000:]
    assert fleet.file.read_text() == "# kept\nTOKEN=old\nOTHER=1\n"
    assert not (fleet.root / "var").exists()

    fleet.speak()
    done = fleet.run("-vvvvv", "--diff")
    assert "changed=1" in done.stdout
    assert done.stdout.count("spoken") >= 2
    assert fleet.file.read_text() == f"# kept\nTOKEN={fleet.value}\nOTHER=1\nLOG_LEVEL=info\n"
    assert fleet.file.stat().st_mode & 0o777 == 0o600
    for text in (checked.stdout, checked.stderr, done.stdout, done.stderr):
        assert fleet.value not in text
        assert fleet.value.encode().hex() not in text
    assert '"names"' in done.stdout

    (fleet.folder / "group_vars" / "all" / "leak.yml").unlink()
    assert "changed=0" in fleet.run().stdout
    written = [path for path in fleet.folder.parent.rglob("*") if path.is_file() and path != fleet.file]
    assert not [path for path in written if fleet.value.encode() in path.read_bytes()]


def test_a_password_file_of_libpq_is_written_by_the_same_role(fleet: Fleet) -> None:
    line, reference = "db:5432:app:*", {"$form": "a:<value>", "credential": "api", "generation": 1}
    fleet.file.write_text("# kept\nother:*:*:app:x\n")
    more = {"env_file_readers": ["pgpass"], "env_file_set": [{"name": line, "credential": "api", "value": reference}]}
    done = fleet.run("-vvvvv", **more)
    assert "changed=1" in done.stdout, done.stdout[-2000:]
    assert fleet.file.read_text() == f"# kept\nother:*:*:app:x\n{line}:a\\:{fleet.value}\n"
    assert fleet.value not in done.stdout + done.stderr
    assert "changed=0" in fleet.run(**more).stdout


def test_a_malformed_file_is_refused_by_line_and_untouched(fleet: Fleet) -> None:
    broken = "# one\nbare-" + fresh() + "\nTOKEN=old\n"
    fleet.file.write_text(broken)
    refused = fleet.run("-vvvvv")
    assert refused.returncode == 2
    assert f"malformed_env_file: {PATH}: line 2" in refused.stdout
    assert broken.splitlines()[1] not in refused.stdout + refused.stderr
    assert fleet.file.read_text() == broken


def test_an_older_generation_than_the_host_holds_is_refused_without_being_told_so(fleet: Fleet) -> None:
    """A playbook of last week names an older generation in its references, and nothing else."""
    state = fleet.root / "var" / "lib" / "mycoops"
    state.mkdir(parents=True, mode=0o700)
    (state / "fence.json").write_text(json.dumps({"token": 7, "generations": {"api": 2}}))
    fleet.file.write_text("TOKEN=newer\n")
    refused = fleet.run()
    assert "stale_generation: api: generation 1 is older than 2, which this host holds" in refused.stdout
    assert fleet.file.read_text() == "TOKEN=newer\n"
    assert "changed=1" in fleet.run(env_file_rollback=["api"]).stdout
    assert fleet.file.read_text() == f"TOKEN={fleet.value}\nLOG_LEVEL=info\n"


def test_the_mask_is_what_hides_it(fleet: Fleet) -> None:
    """Negative control: without the store nothing else breaks, but the careless variable shows."""
    (fleet.folder.parent / "empty").mkdir()
    fleet.speak()
    fleet.play.write_text(PLAYBOOK.replace("name: env_file", "name: env_file\n      when: false"))
    assert fleet.value in fleet.run(mycoops_store=str(fleet.folder.parent / "empty")).stdout


OTHERS = """
- name: Hand each role something it refuses
  hosts: all
  gather_facts: false
  tasks:
    - name: Play the role of the same name
      ansible.builtin.include_role:
        name: "{{ inventory_hostname }}"
"""
REFUSED = {
    "systemd_env": ("missing_env_file", {"unit": "api.service", "env_files": ["/etc/api/absent.env"]}),
    "service": ("plain_restart", {"services": [{"name": "x", "apply": "restart", "container": {"name": "x", "image": "x"}}]}),
    "container_env": ("missing_variable", {"name": "x", "image": "x", "env_file": PATH, "holds": ["ABSENT"]}),
    "delivery": ("malformed_env_file", {"request": {"files": [{"path": PATH, "readers": ["systemd"], "entries": []}]}}),
}


def test_the_other_roles_reach_the_program(fleet: Fleet) -> None:
    fleet.play.write_text(OTHERS)
    fleet.file.write_text("bare\n")
    (fleet.folder / "hosts.yml").write_text(
        json.dumps({"all": {"hosts": {name: {"ansible_connection": "local"} for name in REFUSED}}})
    )
    variables = {f"{role}_{name}": value for role, (_, given) in REFUSED.items() for name, value in given.items()}
    variables |= {f"{role}_root": str(fleet.root) for role in REFUSED}
    variables["delivery_request"]["root"] = str(fleet.root)
    fleet.file.with_name("other.env").write_text("A=1\n")
    variables["container_env_env_file"] = "/etc/api/other.env"
    played = fleet.run(**variables)
    for role, (code, _) in REFUSED.items():
        assert any(f"fatal: [{role}]" in line and f"{code}: " in line for line in played.stdout.splitlines()), played.stdout[-3000:]
