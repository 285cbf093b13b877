"""A fleet rotates a kind of its own, written in YAML alone, by a role in its directory and an entry in its catalogue."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.lab import Lab

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PROGRAM, FILE = "/usr/local/bin/appctl", "/var/lib/appctl/tokens"
CREDENTIAL, VARIABLE = "appctl_agent", "APPCTL_TOKEN"


@pytest.fixture
def own_kind(lab: Lab) -> Iterator[Lab]:
    """The lab's fleet with one more kind and one more credential, whose authority is a program on the sandbox."""
    path = lab.fleet / "group_vars" / "all" / "catalogue.yml"
    before, vault = path.read_text(), lab.fleet / "group_vars" / "all" / "vault.yml"
    held = vault.read_bytes()
    lab.hosts["sandbox"].put(PROGRAM, (FIXTURES / "appctl").read_bytes(), "0755")
    lab.hosts["sandbox"].call("install", "-d", "-m", "0700", str(Path(FILE).parent))
    shutil.copytree(FIXTURES / "kind_appctl", lab.fleet / "roles" / "kind_appctl")
    declared = yaml.safe_load(before)
    declared["mycoops_services"]["mas-agent"]["reads"].append(VARIABLE)
    declared["mycoops_credentials"][CREDENTIAL] = {
        "kind": "appctl",
        "category": "api_keys",
        "authority": {"host": "sandbox", "options": {"program": PROGRAM, "file": FILE}},
        "consumers": [{"service": "mas-agent", "env": {VARIABLE: "<value>"}}],
    }
    path.write_text(yaml.safe_dump(declared, sort_keys=False))
    yield lab
    path.write_text(before)
    vault.write_bytes(held)
    shutil.rmtree(lab.fleet / "roles")


def login(lab: Lab, text: str) -> int:
    """What the program says to a token: 0 accepted, 1 refused."""
    return lab.hosts["sandbox"].call(PROGRAM, "--file", FILE, "login", stdin=text.encode(), check=False).returncode


def test_a_kind_in_yaml_alone_rotates(own_kind: Lab) -> None:
    lab, mas = own_kind, own_kind.hosts["mas"]
    assert not list((lab.fleet / "roles").rglob("*.py"))
    lab.run("lab", "up")
    first = lab.current()[CREDENTIAL]
    lab.hosts["sandbox"].call(PROGRAM, "--file", FILE, "add", stdin=first.text.encode())
    lab.run("check")
    lab.run("deploy")
    done = lab.run("rotate", CREDENTIAL, "--yes")
    second = lab.current()[CREDENTIAL]
    assert second.text != first.text, done.told
    assert (login(lab, second.text), login(lab, first.text), login(lab, "nobody knows this")) == (0, 1, 1)
    assert mas.environ(mas.pid_of("mas-agent"))[VARIABLE] == second.text
    assert lab.state_of(CREDENTIAL) == "CLOSED"
