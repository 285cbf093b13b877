"""Fleet directories of the benchmark: so many hosts with one service each, forty credentials, values made at run time."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mycoops import durable
from mycoops.checklist import ITEMS
from mycoops.secret import Secret, generate
from mycoops.values import public_key
from mycoops.vault import Store, password_secrets

NAME = "bench"
FIRST_PORT = 24201
"""Below the range from which this machine takes ports for its own connections, and apart from every other lab's."""
LINES = 40
ENV_FILE = "/etc/bench/bench.env"
CREDENTIALS = tuple(f"bench_{number:02d}" for number in range(1, LINES + 1))
CHANGED = CREDENTIALS[0]
"""The credential that is given a new value before each redeploy."""


def host_names(count: int) -> list[str]:
    """The first hosts of the lab."""
    return [f"h{number:02d}" for number in range(1, count + 1)]


def ports(count: int) -> list[int]:
    """Where their sshd is published on 127.0.0.1."""
    return [FIRST_PORT + number for number in range(count)]


@dataclass
class Fleet:
    """One fleet directory over the first `count` hosts of the lab, and the values it delivers."""

    directory: Path
    state: Path
    count: int
    forks: int
    key: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def hosts(self) -> list[str]:
        """Its hosts by name."""
        return host_names(self.count)

    @property
    def public_key(self) -> str:
        """What the hosts let in."""
        return public_key(self.key)

    def make(self) -> None:
        """Write the declarations, the vault password and a vault with first values."""
        declared = {"hosts.yml": inventory(self.count), "group_vars/all/catalogue.yml": catalogue(self.count, self.forks)}
        for name, document in declared.items():
            durable.replace(self.directory / name, yaml.safe_dump(document, sort_keys=False, default_flow_style=None).encode())
        password = self.state / "vault-password"
        if not password.exists():
            durable.replace(password, secrets.token_urlsafe(32).encode())
        store = self._store()
        for name in CREDENTIALS:
            secret = generate("token")
            store.add(name, "", secret)
            self.values[name.upper()] = secret.reveal()
        store.add("ssh_key_rotator", "", Secret(self.key))

    def change(self) -> None:
        """Give one credential its next generation, as a rotation would have left it: current in the vault, nothing pending."""
        store = self._store()
        meta, secret = store.meta(CHANGED), generate("token")
        before = meta.generation if meta else 0
        store.put_pending(CHANGED, before + 1, "", secret)
        store.promote(CHANGED, before + 1)
        for number in (before, before + 1):
            store.drop_pending(CHANGED, number)
        self.values[CHANGED.upper()] = secret.reveal()

    def _store(self) -> Store:
        password = (self.state / "vault-password").read_text(encoding="utf-8")
        return Store.open(self.directory, password_secrets(password))


def inventory(count: int) -> dict[str, Any]:
    """The hosts.yml that both `mycoops lab` and Ansible read."""
    common = {
        "lab_name": NAME,
        "ansible_host": "127.0.0.1",
        "ansible_user": "deploy",
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "lab_services": [],
    }
    hosts = {name: {"ansible_port": port} for name, port in zip(host_names(count), ports(count), strict=True)}
    return {"all": {"vars": common, "hosts": hosts}}


def catalogue(count: int, forks: int) -> dict[str, Any]:
    """The declarations. The kind of the credentials does not matter: nothing here asks an authority."""
    hosts = host_names(count)
    health = {"url": "http://127.0.0.1:8000/health", "json": {"status": "ok"}}
    service = {
        "unit": "bench.service",
        "reads": [name.upper() for name in CREDENTIALS],
        "env_file": {"path": ENV_FILE, "readers": ["systemd"]},
        "health": health,
    }
    rotator = {
        "kind": "ssh_key", "category": "infrastructure", "principal": "deploy",
        "authority": {"hosts": hosts, "options": {"account": "deploy"}}, "consumers": [{"rotator": True}],
    }  # fmt: skip
    return {
        "mycoops_fleet": {"name": NAME, "owner": "nobody", "vault_password": {"file": "vault-password"}, "forks": forks},
        "mycoops_services": {f"bench-{host}": {"host": host, **json.loads(json.dumps(service))} for host in hosts},
        "mycoops_credentials": {**{name: _credential(name, hosts) for name in CREDENTIALS}, "ssh_key_rotator": rotator},
        "mycoops_not_applicable": {item: "a benchmark's fleet has no use for it" for item in ITEMS if item != "redis"},
    }


def _credential(name: str, hosts: list[str]) -> dict[str, Any]:
    return {
        "kind": "redis", "category": "database_passwords", "item": "redis", "principal": name,
        "authority": {"host": hosts[0], "options": {"address": hosts[0], "port": 6379, "aclfile": "/etc/redis/users.acl"}},
        "consumers": [{"service": f"bench-{host}", "env": {name.upper(): "<value>"}} for host in hosts],
    }  # fmt: skip
