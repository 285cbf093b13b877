"""A disk that is full or read-only, here or on a host, is named; nothing is half written, and resume closes after it is mended."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import promises
from tests.integration.faults import inside, last_move, remount, small_disk, small_disk_on
from tests.integration.lab import Lab

pytestmark = pytest.mark.fault

ENV = "/home/mycosoft/mycosoft/mas"


def test_a_full_and_then_read_only_disk_of_the_control_node(lab: Lab) -> None:
    before = lab.current()
    with small_disk(lab.fleet / "journal", spare=8) as journals:
        done = lab.run("rotate", "redis_mindex", "--yes", status=4)
        (path,) = [one for one in journals.glob("*.jsonl") if str(one) in done.stderr.replace("\n", "")]
        assert "cannot be written: No space left on device (ENOSPC)" in done.stderr, done.told
        assert "mycoops resume" in done.stderr, done.told
        assert path.read_bytes().endswith(b"\n")
        promises.accepted(lab, before.values())
        remount(journals, "size=8m")
        remount(journals, "ro")
        done = lab.run("resume", status=4)
        assert "cannot be written: Read-only file system (EROFS)" in done.stderr, done.told
        assert "intact" in lab.run("log", "verify").stdout
        remount(journals, "rw")
        lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["redis_mindex"])
    assert list(lab.fleet.rglob(".*.new")) == []


def test_a_full_and_then_read_only_disk_of_a_host(lab: Lab) -> None:
    before, mas = lab.current(), lab.hosts["mas"]
    file, process = mas.read(f"{ENV}/.env"), mas.pid_of("mas-orchestrator")
    with small_disk_on(mas, ENV) as filler:
        done = lab.run("rotate", "postgresql_mas", "redis_mindex", "--yes", status=4)
        assert f"{ENV}/.env cannot be written: No space left on device (ENOSPC)" in done.stderr.replace("\n", ""), done.told
        assert (mas.read(f"{ENV}/.env"), mas.pid_of("mas-orchestrator")) == (file, process)
        assert (lab.state_of("postgresql_mas"), lab.state_of("redis_mindex")) == ("BLOCKED", "CLOSED")
        mas.call("rm", filler)
        inside(mas, "mount", "-o", "remount,ro", ENV)
        done = lab.run("resume", status=4)
        assert "cannot be written: Read-only file system (EROFS)" in done.stderr, done.told
        assert (mas.read(f"{ENV}/.env"), mas.pid_of("mas-orchestrator")) == (file, process)
        promises.accepted(lab, [before["postgresql_mas"]])
        inside(mas, "mount", "-o", "remount,rw", ENV)
        lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["postgresql_mas", "redis_mindex"])


@pytest.fixture
def memory() -> Iterator[Path]:
    """A place with a short path: ssh's sockets lie there too."""
    place = Path(tempfile.mkdtemp(prefix="m"))
    yield place
    place.rmdir()


def test_a_memory_file_system_that_fills_up_in_the_middle(lab: Lab, memory: Path) -> None:
    """Without room for its events a playbook would wait for ever."""
    before = lab.current()
    with small_disk(memory, spare=1100):
        done = lab.begin("rotate", "redis_mindex", "--yes", XDG_RUNTIME_DIR=str(memory)).end()
        assert done.status == 4, done.told
        assert "No space left on device" in done.stderr, done.told
        assert last_move(done) != "preflight", done.told
        assert list(memory.iterdir()) == []
    promises.accepted(lab, [before["redis_mindex"]])
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["redis_mindex"])
