"""The next command that is told can be run as it stands: it names the fleet that this one was given."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mycoops.errors import Exit
from tests.unit import fleets

pytestmark = pytest.mark.slow


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with nobody at its terminal."""
    command = [sys.executable, "-m", "mycoops.cli", *words]
    return subprocess.run(command, env={**os.environ, **environment}, input="", capture_output=True, text=True, check=False)


def test_a_next_command_names_the_fleet_and_can_be_run(tmp_path: Path) -> None:
    fleet, state = fleets.write(tmp_path / "a tale"), str(tmp_path / "state")
    given = f"--fleet {shlex.quote(str(fleet))}"
    done = run("resume", "--fleet", str(fleet), MYCOOPS_STATE=state)
    assert f"`mycoops provide db --slot a {given}`" in done.stderr, done.stderr
    (first, _) = json.loads(run("status", "--json", "--fleet", str(fleet), MYCOOPS_STATE=state).stdout)
    assert first["next"] == f"mycoops provide db --slot a {given}"
    following = run(*shlex.split(first["next"])[1:], MYCOOPS_STATE=state)
    assert "is not a fleet directory" not in following.stderr
    checked = run("check", "--fleet", str(fleet), MYCOOPS_STATE=state)
    assert checked.stderr.endswith(f"→ mycoops provide db --slot a {given}\n")


def test_a_fleet_of_the_environment_is_there_for_the_next_command_too(tmp_path: Path) -> None:
    fleet = str(fleets.write(tmp_path / "tale"))
    done = run("resume", MYCOOPS_FLEET=fleet, MYCOOPS_STATE=str(tmp_path / "state"))
    assert (done.returncode, "`mycoops provide db --slot a`" in done.stderr) == (Exit.CONFIGURATION, True), done.stderr


def test_a_command_that_needs_no_fleet_stays_as_it_is(tmp_path: Path) -> None:
    done = run("drill", "--lab", "db", "--every", "0", "--fleet", str(fleets.write(tmp_path / "tale")))
    assert (done.returncode, "See `mycoops drill --help`." in done.stderr) == (Exit.USAGE, True)
