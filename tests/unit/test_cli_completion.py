"""The shell completes credentials, hosts and quarters, with the script that `--show-completion` prints."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mycoops import cli_completion
from tests.unit import fleets

pytestmark = pytest.mark.slow
BIN = Path(sys.executable).parent
SCRIPT = """
set -u
. {script}
COMP_WORDS=({words})
COMP_CWORD={last}
COMPREPLY=()
$(complete -p mycoops | sed 's/.* -F \\([^ ]*\\).*/\\1/') mycoops
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def bash(text: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A bash that finds the command, in a home of its own."""
    variables = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", **environment}
    command = ["bash", "--noprofile", "--norc", "-c", text]
    return subprocess.run(command, cwd=home, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash, as the command prints it in one."""
    home = tmp_path_factory.mktemp("home")
    done = bash("mycoops --show-completion > script; echo $?", home)
    assert (done.stdout, done.stderr) == ("0\n", "")
    return home / "script"


def offered(script: Path, home: Path, line: str, **environment: str) -> list[str]:
    """What bash offers at the end of a line."""
    words = ["mycoops", *line.split(" ")]
    text = SCRIPT.format(script=script, words=" ".join(map(shlex.quote, words)), last=len(words) - 1)
    done = bash(text, home, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [word for word in done.stdout.splitlines() if word]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet in the directory `tale`."""
    return fleets.write(tmp_path / "tale")


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rotate --fleet tale ", ["db", "token"]),
        ("rotate --fleet tale d", ["db"]),
        ("rotate --fleet tale db ", ["token"]),
        ("redeploy --fleet tale t", ["token"]),
        ("provide --fleet tale t", ["token"]),
        ("vault set --fleet tale d", ["db"]),
        ("vault edit --fleet tale t", ["token"]),
        ("vault re", ["rekey"]),
        ("plan --fleet tale --only d", ["db"]),
        ("deploy --fleet tale --host h", ["h1", "h2"]),
        ("drift --fleet tale --host h", ["h1", "h2"]),
        ("lab ssh --fleet tale h", ["h1", "h2", "h3"]),
        ("provide --fleet tale db --slot ", ["a", "b"]),
        ("provide --fleet tale token --slot ", []),
        ("vault set --fleet tale db --slot b", ["b"]),
        ("drill --class ", ["O1", "O2", "O3", "O4", "O5", "O6", "O7"]),
        ("drill --class O1 --class O", ["O2", "O3", "O4", "O5", "O6", "O7"]),
        ("drill --depth ", ["1", "2"]),
        ("plan --quarter ", ["Q1", "Q2", "Q3", "Q4"]),
        ("rotate --quarter q3", ["q3"]),
        ("rot", ["rotate"]),
        ("rotate --fleet gone ", []),
    ],
)
def test_bash_completes(script: Path, tmp_path: Path, line: str, words: list[str]) -> None:
    assert offered(script, tmp_path, line) == words


@pytest.mark.usefixtures("fleet")
def test_the_fleet_may_come_from_the_environment(script: Path, tmp_path: Path) -> None:
    assert offered(script, tmp_path, "rotate ", MYCOOPS_FLEET="tale") == ["db", "token"]


def test_a_broken_fleet_completes_nothing_and_says_nothing(script: Path, tmp_path: Path, fleet: Path) -> None:
    (fleet / "group_vars" / "all" / "catalogue.yml").write_text("a: [")
    (fleet / "hosts.yml").write_text("a: [")
    assert offered(script, tmp_path, "rotate --fleet tale ") == []
    assert offered(script, tmp_path, "lab ssh --fleet tale ") == []


def test_the_script_can_be_installed(tmp_path: Path) -> None:
    done = bash("mycoops --install-completion; true", tmp_path)
    assert done.returncode == 0, done.stderr
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("mycoops" in path.read_text() for path in kept), kept
    assert (tmp_path / ".bashrc").is_file()


def test_a_quarter_is_offered_in_the_case_it_is_typed_in() -> None:
    assert cli_completion.quarter("") == ["Q1", "Q2", "Q3", "Q4"]
    assert (cli_completion.quarter("q4"), cli_completion.quarter("Q"), cli_completion.quarter("x")) == (
        ["q4"],
        ["Q1", "Q2", "Q3", "Q4"],
        [],
    )
