"""What must not be trusted is refused, and nothing is changed: a host with another key, a fleet directory of yesterday."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mycoops import agent
from mycoops.secret import Secret
from tests.integration import promises
from tests.integration.faults import another_control_node, env_files
from tests.integration.fleet import REPOSITORY
from tests.integration.lab import MYCOOPS, Lab
from tests.integration.values import Value

STALE = "postgresql_mas"


@pytest.fixture
def another_key_for_mas(lab: Lab, tmp_path: Path) -> Iterator[None]:
    """A known_hosts that knows the host by another key, as after somebody put himself in between."""
    known = lab.state / "known_hosts"
    right = known.read_text()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    other = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    name = re.escape(f"[127.0.0.1]:{lab.ssh_port('mas')} ")
    known.write_text(re.sub(rf"^({name}).*\n", "", right, flags=re.MULTILINE) + f"[127.0.0.1]:{lab.ssh_port('mas')} {other}\n")
    yield
    known.write_text(right)


@pytest.mark.usefixtures("another_key_for_mas")
def test_a_host_with_another_key_is_not_logged_in_to(lab: Lab) -> None:
    before = env_files(lab)
    done = lab.run("deploy", status=4)
    assert re.search(r"mas\b.*(cannot be reached|host key)", done.stdout), done.told
    done = lab.run("rotate", "postgresql_mas", "--yes", status=4)
    assert "mas" in done.stderr, done.told
    done = lab.run("abort", status=4)
    assert "all is done, but not searched for leaks: mas cannot be reached over ssh" in done.stderr, done.told
    assert lab.run("status", "--json").stdout.count("mycoops resume") == 0
    assert env_files(lab) == before


def test_the_fleet_of_yesterday_is_refused_here_and_by_the_hosts(lab: Lab, tmp_path: Path) -> None:
    """This control node knows what it has done since; another one, and a playbook run by hand, hear it from the hosts."""
    yesterday = tmp_path / lab.fleet.name
    shutil.copytree(lab.fleet, yesterday)
    before = lab.current()
    lab.run("rotate", STALE, "--yes")
    now = env_files(lab)
    for words in (("deploy",), ("rotate", "redis_mas", "--yes")):
        done = lab.run(*words, status=3, fleet=yesterday)
        assert "this control node has written this journal, and it is not here" in done.stderr, done.told
    done = lab.run("deploy", "--json", status=4, fleet=yesterday, state=another_control_node(lab, tmp_path))
    errors = {one["host"]: one["error"] for one in done.json()}
    assert "older than" in errors["mas"], done.told
    told = by_hand(lab, yesterday, before[STALE], tmp_path)
    assert f"stale_generation: {STALE}: generation {before[STALE].generation} is older than" in told, told
    assert env_files(lab) == now
    promises.rotated(lab, before, lab.current(), [STALE])


def by_hand(lab: Lab, fleet: Path, value: Value, folder: Path) -> str:
    """What ansible-playbook says when a playbook with the role env_file brings a value, as somebody may have kept one."""
    reference = {"$form": "<value>", "credential": value.credential, "generation": value.generation}
    variables = {
        "env_file_path": "/home/mycosoft/mycosoft/mas/.env",
        "env_file_readers": ["systemd"],
        "env_file_set": [{"name": "POSTGRES_PASSWORD", "credential": value.credential, "value": reference}],
        "mycoops_store": str(fleet),
    }
    tasks = [{"name": "Set it", "ansible.builtin.include_role": {"name": "env_file"}, "vars": variables}]
    play = folder / "last_week.yml"
    play.write_text(json.dumps([{"name": "Last week", "hosts": "mas", "gather_facts": False, "tasks": tasks}]))
    command = [str(MYCOOPS.with_name("ansible-playbook")), "-i", str(fleet / "hosts.yml"), str(play)]
    command += ["--vault-password-file", str(lab.state / "vault-password")]
    with agent.running(folder) as held:
        held.load(Secret(lab.current()["ssh_key_rotator"].text))
        environment = {
            **lab.environment(),
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "ANSIBLE_SSH_ARGS": f"-o UserKnownHostsFile={lab.state}/known_hosts -o ControlMaster=no",
            "SSH_AUTH_SOCK": str(held.socket),
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
