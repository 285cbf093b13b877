"""A failure is told to programs as well, in place of an answer, and an output that cannot be written is no bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mycoops.errors import Exit
from tests.command_line import commands
from tests.unit import fleets

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "mycoops.cli")
WORDS = {
    "provide": ("db",),
    "redeploy": ("db",),
    "approve": ("0123", "--yes"),
    "plan": ("--quarter", "Q2"),
    "rotate": ("db", "--yes"),
    "vault set": ("db",),
    "vault edit": ("db",),
    "drill": ("--lab", "db"),
    "acknowledge": ("db", "api"),
    "confirm": ("db",),
    "split": ("db", "--into", "db-api,db-web"),
    "waive": ("db", "api", "--until", "2031-02-28", "--reason", "away"),
}
"""What a command needs to come as far as the fleet."""
WITH_JSON = sorted(name for name, options in commands() if "--json" in options)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A command with nobody at its terminal."""
    return subprocess.run([*COMMAND, *words], input="", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", WITH_JSON)
def test_every_command_that_answers_in_json_fails_in_json(tmp_path: Path, name: str) -> None:
    gone = str(tmp_path / "gone")
    done = run(*name.split(), *WORDS.get(name, ()), "--json", "--fleet", gone)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["exit"], error["name"]) == (3, 3, "CONFIGURATION"), done.stderr
    assert f"{gone} is not a fleet directory" in error["message"]
    assert error["hint"] in done.stderr.replace("\n", " ")


def test_words_that_are_not_taken_are_told_in_json_too() -> None:
    done = run("plan", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["exit"], error["name"]) == (2, 2, "USAGE")
    assert "--quarter" in error["message"]
    assert run("plan").stdout == "", "only where it is asked for"


def test_findings_are_told_one_by_one(tmp_path: Path) -> None:
    data = fleets.document()
    data["mycoops_fleet"]["soak_seconds"] = -1
    done = run("status", "--json", "--fleet", str(fleets.write(tmp_path / "tale", data)))
    (finding,) = json.loads(done.stdout)["error"]["findings"]
    assert finding["place"].endswith(":10"), finding
    assert set(finding) == {"place", "problem", "fix"}


def test_an_answer_stays_the_only_document(tmp_path: Path) -> None:
    data = fleets.document()
    data["mycoops_services"]["api"]["host"] = "h9"
    done = run("check", "--json", "--fleet", str(fleets.write(tmp_path / "tale", data)))
    assert done.returncode == Exit.CONFIGURATION
    assert [one["problem"] for one in json.loads(done.stdout)] == ["api: unknown host h9"]


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("--help",)])
def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    fleet = ("--fleet", str(fleets.write(tmp_path / "tale"))) if "status" in words else ()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, *words, *fleet], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == Exit.CONFIGURATION
    (first, _) = done.stderr.splitlines()
    assert first == "the output cannot be written: No space left on device (ENOSPC)"


def test_a_reader_that_has_gone_is_one_line(tmp_path: Path) -> None:
    fleet, (reading, writing) = fleets.write(tmp_path / "tale"), os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "status", "--fleet", str(fleet)], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr.splitlines()[0]) == (3, "the output cannot be written: Broken pipe (EPIPE)")
