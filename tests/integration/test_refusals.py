"""What must not be trusted is refused, and nothing is changed: a host with another key, a fleet directory of yesterday."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import promises
from tests.integration.hosts import ENV_FILES
from tests.integration.lab import Lab

STALE = "postgresql_mas"


def files(lab: Lab) -> list[bytes]:
    """Every env file, byte for byte."""
    return [lab.hosts[host].read(path) for host, paths in ENV_FILES.items() for path in paths]


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
    before = files(lab)
    done = lab.run("deploy", status=4)
    assert re.search(r"mas\b.*(cannot be reached|host key)", done.stdout), done.told
    done = lab.run("rotate", "postgresql_mas", "--yes", status=4)
    assert "mas" in done.stderr, done.told
    lab.run("abort")
    assert files(lab) == before


def test_the_values_of_yesterday_are_refused_by_the_hosts(lab: Lab, tmp_path: Path) -> None:
    yesterday = tmp_path / lab.fleet.name
    shutil.copytree(lab.fleet, yesterday)
    before = lab.current()
    lab.run("rotate", STALE, "--yes")
    now = files(lab)
    done = lab.run("deploy", "--json", status=4, fleet=yesterday)
    errors = {one["host"]: one["error"] for one in done.json()}
    assert "older than" in errors["mas"], done.told
    assert files(lab) == now
    promises.rotated(lab, before, lab.current(), [STALE])
