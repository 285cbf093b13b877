"""Many hosts are asked from one process over real ssh; one that is lost takes no other with it, and is lost for its own reason."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import loopback
from mycoops import content, durable
from mycoops.masking import Masker
from mycoops.performer import AnsiblePerformer
from mycoops.runner import Environment, Runner
from mycoops.secret import generate

DELIVERY = {"token": 1, "files": [], "services": [{"name": "app"}]}


class Hosts:
    """Four names: two that answer, one where nobody listens, and one whose key nobody knows."""

    def __init__(self, folder: Path, port: int) -> None:
        good, other, closed, stranger = [*loopback.addresses(3), *loopback.addresses(1, "127.10")]
        places = {"good": (good, port), "other": (other, port), "closed": (closed, 1), "stranger": (stranger, port)}
        hosts = {name: {"ansible_host": address, "ansible_port": at} for name, (address, at) in places.items()}
        common = {"ansible_user": "root", "ansible_ssh_private_key_file": str(folder / "identity")}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": common, "hosts": hosts}}))
        (folder / "password").write_text("no value is read with it")
        (folder / "session").mkdir()
        paths = (folder / "session", folder / "hosts.yml", folder / "known_hosts", folder / "password")
        roles = (content.path("roles"),)
        self.said: list[tuple[str, str]] = []
        runner = Runner(Environment(folder, *paths, None, 4, roles), lambda: Masker([]), self._note, lambda _: ())
        self.performer, self.runner, self.session = AnsiblePerformer(runner, folder, self._scans), runner, folder / "session"

    def _note(self, host: str, task: str) -> None:
        self.said.append((host, task))

    @staticmethod
    def _scans(hosts: Any) -> dict[str, dict[str, Any]]:
        return {host: {"id": f"scan/{host}", "seconds": 1.0, "excluded": [], "values": []} for host in hosts}


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    tmp_path = Path(tempfile.mkdtemp(prefix="each-"))  # a socket's path has to be short
    identity = generate("ed25519").reveal()
    durable.replace(tmp_path / "identity", identity.encode())
    with (
        loopback.answering(tmp_path, 2, identity) as port,
        loopback.answering(tmp_path / "another", 1, identity, net="127.10", port=port),
    ):
        made = Hosts(tmp_path, port)
        yield made
        made.runner.close()
    shutil.rmtree(tmp_path)


def test_each_host_answers_or_is_lost_by_itself(hosts: Hosts) -> None:
    outcome = hosts.performer.carry_out((), dict.fromkeys(("good", "closed", "other", "stranger"), DELIVERY), scan=True)
    assert sorted((reply.host, reply.item) for reply in outcome.replies) == [
        ("good", ""), ("good", "scan/good"), ("other", ""), ("other", "scan/other"),
    ]  # fmt: skip
    assert all(
        reply.data["services"] == [{**reply.data["services"][0], "name": "app"}] for reply in outcome.replies if not reply.item
    )
    assert outcome.unreachable == {"closed", "stranger"}
    assert not {"good", "other"} & outcome.problems.keys()
    assert hosts.runner.starts == 1


def test_one_task_starts_for_all_of_them(hosts: Hosts) -> None:
    asked = ("good", "other")
    assert len(hosts.performer.carry_out((), dict.fromkeys(asked, DELIVERY)).replies) == len(asked)
    assert sorted(host for host, task in hosts.said if task == "answers") == sorted(asked)
    assert len([task for _, task in hosts.said if task != "answers"]) == 1, hosts.said
