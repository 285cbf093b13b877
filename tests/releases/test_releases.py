"""Hosts of three releases of Debian are deployed and rotated from this machine, and from a control node with the newest core."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from mycoops.checklist import ITEMS
from mycoops.secret import generate
from mycoops.values import public_key
from tests.releases.machines import Control, Machine, booted, newest

TOKENS, CLIENT = 8500, 8501


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a control node has: a fleet, a key to come in with, and a password of the vault."""
    return tmp_path_factory.mktemp("releases")


@pytest.fixture(scope="session")
def machines(place: Path) -> Iterator[dict[str, Machine]]:
    (place / "fleet").mkdir()
    key = generate("ed25519").reveal()
    private = place / "key"
    private.touch(0o600)
    private.write_text(key)
    with booted(public_key(key), place / "fleet" / "known_hosts") as found:
        _fleet(place, list(found.values()))
        yield found


def _fleet(place: Path, machines: list[Machine]) -> None:
    variables = place / "fleet" / "group_vars" / "all"
    variables.mkdir(parents=True)
    shared = {
        "ansible_host": "127.0.0.1",
        "ansible_user": "deploy",
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": f"{place}/key",
    }
    hosts = {machine.name: {"ansible_port": machine.port} for machine in machines}
    (place / "fleet" / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": shared, "hosts": hosts}}))
    services, credentials = {}, {}
    for machine in machines:
        for port, variable in ((TOKENS, "TOKENS"), (CLIENT, "TOKEN")):
            services[f"{machine.name}-{port}"] = {
                "host": machine.name,
                "unit": f"sample@{port}.service",
                "reads": [variable],
                "env_file": {"path": f"/etc/sample/{port}.env", "readers": ["systemd"]},
                "health": {"url": f"http://127.0.0.1:{port}/health", "json": {"token": "set"} if port == CLIENT else {}},
            }
        credentials[f"token_{machine.name}"] = {
            "kind": "service_token",
            "category": "api_keys",
            "authority": {
                "services": [f"{machine.name}-{TOKENS}"],
                "accepts": {"TOKENS": "<accepted|csv>"},
                "options": {"url": f"http://127.0.0.1:{TOKENS}/"},
            },
            "consumers": [{"service": f"{machine.name}-{CLIENT}", "env": {"TOKEN": "<value>"}}],
        }
    catalogue = {
        "mycoops_fleet": {
            "name": "releases",
            "owner": "nobody in particular",
            "vault_password": {"file": f"{place}/vault-password"},
            "soak_seconds": 0,
        },
        "mycoops_services": services,
        "mycoops_credentials": credentials,
        "mycoops_not_applicable": dict.fromkeys(ITEMS, "not part of this fleet"),
    }
    (variables / "catalogue.yml").write_text(yaml.safe_dump(catalogue, sort_keys=False))
    password = place / "vault-password"
    password.touch(0o600)
    password.write_text(secrets.token_urlsafe(32))


@pytest.fixture(scope="session", params=["this machine", "newest"])
def control(request: pytest.FixtureRequest, place: Path, machines: dict[str, Machine]) -> Control:
    return Control(place, newest() if request.param == "newest" else "")


def _one_round(control: Control, machines: dict[str, Machine]) -> None:
    before = {name: machine.environ(f"sample@{CLIENT}.service").get("TOKEN") for name, machine in machines.items()}
    control.mycoops("rotate", *(f"token_{name}" for name in machines), "--yes", "--reason", "a release is tried")
    for name, machine in machines.items():
        token = machine.environ(f"sample@{CLIENT}.service")["TOKEN"]
        assert token != before[name]
        assert machine.environ(f"sample@{TOKENS}.service")["TOKENS"] == token
        assert machine.host.text("stat", "-c", "%a %U", f"/etc/sample/{CLIENT}.env").split() == ["600", "root"]


def test_every_release_is_deployed_and_rotated(control: Control, machines: dict[str, Machine]) -> None:
    if not (control.place / "fleet" / "group_vars" / "all" / "vault.yml").exists():
        for name in machines:
            control.mycoops("provide", f"token_{name}", stdin=f"{secrets.token_urlsafe(32)}\n")
    control.mycoops("check")
    control.mycoops("deploy")
    assert _changed(control, machines) == []
    _one_round(control, machines)
    control.mycoops("drift")


def _changed(control: Control, machines: dict[str, Machine]) -> list[str]:
    """The hosts on which another deploy changes or restarts something."""
    hosts = json.loads(control.mycoops("deploy", "--json"))
    assert {host["host"] for host in hosts} == set(machines)
    return [host["host"] for host in hosts if host["changed"] or any(one.get("restarted") for one in host["services"])]


def test_the_newest_core_is_another_one(control: Control) -> None:
    here = "2.19." in version("ansible-core")
    assert here or control.image
    if control.image:
        said = control.run(
            "python3", "-c", "import sys, ansible.release; print(ansible.release.__version__, *sys.version_info[:2])"
        )
        core, *python = said.split()
        assert tuple(int(part) for part in core.split(".")[:2]) > (2, 19), core
        assert python == ["3", "13"]


def test_the_releases_are_those_they_are_named_after(control: Control, machines: dict[str, Machine]) -> None:
    for machine in machines.values():
        assert machine.host.text("cat", "/etc/debian_version").split(".")[0] == machine.release
    assert machines["debian11"].host.text("python3", "--version").startswith("Python 3.9")
