"""Boots and removes the hosts of the scenarios with the code of `mycoops lab`, and makes the values they use."""

from __future__ import annotations

import sys
from pathlib import Path

from mycoops import lab, lab_fleet
from mycoops.secret import Secret, generate
from mycoops.values import DERIVE
from mycoops.vault import Store, password_secrets

SHAPES = {
    "env_file": "token",
    "systemd_env": "token",
    "service": "token",
    "container_env": "token",
    "delivery": "token",
    "kind_postgresql": "token",
    "kind_postgresql_single": "token",
    "kind_redis": "token",
    "redis_admin": "token",
    "kind_jwt_key": "token",
    "kind_service_token": "token",
    "mindex_database": "token",
    "kind_ssh_key": "ed25519",
    "kind_ssh_password": "token",
}
"""The credentials of the scenarios; each has the generations 1 and 2."""
SSH = """Host *
  HostName 127.0.0.1
  User deploy
  IdentityFile {directory}/key
  IdentitiesOnly yes
  BatchMode yes
  UserKnownHostsFile {directory}/known_hosts
  StrictHostKeyChecking yes
  ControlMaster auto
  ControlPersist 30s
  ControlPath {directory}/%n.sock
"""


def up(directory: Path) -> None:
    """Make values, a throw-away key and fresh hosts that take it; `directory` holds the fleet, and is the caller's to remove."""
    fleet, key = directory / "fleet", generate("ed25519")
    (directory / "key").touch(mode=0o600)
    (directory / "key").write_text(key.reveal())
    store = _values(fleet, (directory / "vault-password").read_text().strip())
    lab.down(fleet, progress=_say)
    public = DERIVE["public_key"](key.reveal())
    lab.up(fleet, progress=_say, deploy_public_key=public, known_hosts=directory / "known_hosts")
    lab.set_redis_admin_hash(fleet, DERIVE["sha256"](store.secret("redis_admin", 1).reveal()))
    _ssh_config(directory, fleet)


def down(directory: Path) -> None:
    """Remove the containers and the network, and nothing else."""
    lab.down(directory / "fleet", progress=_say)


def _values(fleet: Path, password: str) -> Store:
    store = Store.open(fleet, password_secrets(password))
    for credential, shape in SHAPES.items():
        for generation in (1, 2):
            value: Secret = generate(shape)
            store.put_pending(credential, generation, "", value)
    return store


def _ssh_config(directory: Path, fleet: Path) -> None:
    hosts = "".join(f"Host {host.name}\n  Port {host.ssh_port}\n" for host in lab_fleet.load(fleet).hosts)
    (directory / "ssh_config").write_text(hosts + SSH.format(directory=directory))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]](Path(sys.argv[2]))
