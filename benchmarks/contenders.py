"""The three ways to the same end; each is a command that is given equal work."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from benchmarks.fleet import CHANGED, ENV_FILE, Fleet, inventory, ports
from mycoops import durable

Job = Literal["deploy", "redeploy", "rerun"]
JOBS: tuple[Job, ...] = ("deploy", "redeploy", "rerun")
RIVALS = Path(__file__).resolve().parent / "rivals"
BIN = Path(sys.executable).parent
DROP_IN = f"[Service]\nLimitCORE=0\nEnvironmentFile={ENV_FILE}"
SSH_OPTIONS = "-o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o PreferredAuthentications=publickey"


class Contender(Protocol):
    """One way to deliver."""

    @property
    def name(self) -> str:
        """As in the table."""

    def prepare(self, fleet: Fleet) -> None:
        """Hand over the values of the fleet, before the clock starts."""

    def command(self, fleet: Fleet, job: Job) -> tuple[Sequence[str], Mapping[str, str]]:
        """What to run, and its whole environment."""


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}"}


@dataclass(frozen=True)
class Mycoops:
    """What is measured."""

    name: str = "mycoops"

    def prepare(self, fleet: Fleet) -> None:
        """Nothing: it has the vault, and pays for opening it."""

    def command(self, fleet: Fleet, job: Job) -> tuple[Sequence[str], Mapping[str, str]]:
        """See Contender."""
        words = ["redeploy", CHANGED] if job == "redeploy" else ["deploy"]
        program = [str(BIN / "mycoops"), *words, "--json", "--fleet", str(fleet.directory)]
        return program, {**_environment(), "MYCOOPS_STATE": str(fleet.state.parent)}


@dataclass(frozen=True)
class ParallelSsh:
    """The floor: a shell script through one ssh per host. It has the values in clear."""

    directory: Path
    name: str = "parallel ssh"

    def prepare(self, fleet: Fleet) -> None:
        """Write the script to send and the list of ports."""
        lines = "\n".join(f"{name}={value}" for name, value in fleet.values.items())
        texts = f"env_file='{lines}'\ndrop_in='{DROP_IN}'\n"
        deliver = (RIVALS / "deliver.sh").read_text(encoding="utf-8")
        durable.replace(self.directory / "script", (texts + deliver).encode())
        durable.replace(self.directory / "ports", "".join(f"{port}\n" for port in ports(fleet.count)).encode())
        durable.replace(self.directory / "identity", fleet.key.encode())

    def command(self, fleet: Fleet, job: Job) -> tuple[Sequence[str], Mapping[str, str]]:
        """See Contender."""
        files = [str(self.directory / name) for name in ("ports", "script", "identity")]
        script = str(RIVALS / "parallel-ssh.sh")
        return ["sh", script, str(fleet.forks), *files, str(fleet.state / "known_hosts")], _environment()


@dataclass(frozen=True)
class Ansible:
    """A playbook of the usual tasks with every setting that makes it fast. It has the values in clear."""

    directory: Path
    name: str = "tuned ansible"

    def prepare(self, fleet: Fleet) -> None:
        """Write an inventory with the values as variables."""
        document = inventory(fleet.count)
        document["all"]["vars"] |= {"bench_values": fleet.values, "bench_drop_in": DROP_IN}
        document["all"]["vars"]["ansible_ssh_private_key_file"] = str(self.directory / "identity")
        durable.replace(self.directory / "hosts.json", json.dumps(document).encode())
        durable.replace(self.directory / "identity", fleet.key.encode())
        (self.directory / "cp").mkdir(parents=True, exist_ok=True)

    def command(self, fleet: Fleet, job: Job) -> tuple[Sequence[str], Mapping[str, str]]:
        """See Contender."""
        playbook = "redeploy.yml" if job == "redeploy" else "deploy.yml"
        persist = f"-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={fleet.state / 'known_hosts'}"
        settings = {
            "ANSIBLE_CONFIG": str(RIVALS / "ansible.cfg"),
            "ANSIBLE_FORKS": str(min(fleet.forks, fleet.count)),
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "tmp"),
            "ANSIBLE_SSH_ARGS": f"{persist} {SSH_OPTIONS}",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.directory / "cp"),
        }
        hosts = str(self.directory / "hosts.json")
        return [str(BIN / "ansible-playbook"), "-i", hosts, str(RIVALS / playbook)], {**_environment(), **settings}
