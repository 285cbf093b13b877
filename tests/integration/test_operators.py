"""A run that slept while another control node took the lease wakes up too late: nothing of it is written, and resume closes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration import promises
from tests.integration.faults import another_control_node, asleep, env_files
from tests.integration.lab import Lab

pytestmark = pytest.mark.fault


def test_a_run_that_wakes_up_after_another_control_node_came_writes_nothing(lab: Lab, tmp_path: Path) -> None:
    before = lab.current()
    running = lab.begin("rotate", "postgresql_mas", "--yes")
    running.until("stage")
    with asleep(running):
        copy = shutil.copytree(lab.fleet, tmp_path / lab.fleet.name)
        lab.run("deploy", fleet=copy, state=another_control_node(lab, tmp_path))
        files, process = env_files(lab), lab.hosts["mas"].pid_of("mas-orchestrator")
    done = running.end()
    assert done.status == 4, done.told
    assert "which this host has seen" in done.stderr, done.told
    assert "mycoops resume" in done.stderr, done.told
    assert (env_files(lab), lab.hosts["mas"].pid_of("mas-orchestrator")) == (files, process)
    promises.accepted(lab, [before["postgresql_mas"]])
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["postgresql_mas"])
