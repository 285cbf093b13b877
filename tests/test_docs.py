"""The documentation is true of the code; and each check of that notices a document that is not."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mycoops import cli
from tests import document_checks as checks
from tests import document_leaks as leaks
from tests import document_names as names
from tests.documents import Documents, code_lines, commands, load, section

DOCUMENTS = load()
Check = Callable[[Documents], list[str]]
README, SECURITY, CONTRIBUTING, KIND = "README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/ADD_A_KIND.md"

CHECKS: tuple[Check, ...] = (
    checks.command_lines,
    checks.command_table,
    checks.make_targets,
    checks.exit_statuses,
    checks.environment,
    checks.kind_tables,
    checks.words_of_the_protocol,
    checks.words_of_drift,
    checks.transcript,
    names.paths,
    names.machine_paths,
    names.names_in_code,
    names.version,
    leaks.leak_tables,
)

DOCTORED: tuple[tuple[Check, str, str, str], ...] = (
    (checks.command_lines, README, "    mycoops check\n", "    mycoops chekc\n"),
    (checks.command_lines, README, "mycoops plan --quarter Q2\n", "mycoops plan --quartal Q2\n"),
    (checks.command_lines, README, "mycoops plan --quarter Q2\n", "mycoops plan\n"),
    (checks.command_lines, README, "--year 2027", "--year next"),
    (checks.command_lines, SECURITY, "`mycoops log verify`", "`mycoops log prove`"),
    (checks.command_lines, KIND, "`mycoops plan`", "`mycoops plans`"),
    (checks.command_table, README, "| `mycoops calendar [", "| `mycoops status ["),
    (checks.command_table, README, " [--slot a]", ""),
    (checks.command_table, README, "asks first, unless told `--yes` | yes |", "asks first, unless told `--yes` | – |"),
    (checks.command_table, README, "All but `mycoops init` take", "All but `mycoops check` take"),
    (checks.make_targets, README, "    make demo ", "    make demonstration "),
    (checks.make_targets, CONTRIBUTING, "| `make molecule` | every role", "| `make molecule` | some roles"),
    (checks.make_targets, CONTRIBUTING, "| `make help` | list the targets |\n", ""),
    (checks.exit_statuses, README, "| 7 | another run holds", "| 9 | another run holds"),
    (checks.exit_statuses, README, "| 5 | a step failed, forward only |", "| 5 | a step failed, every old value works |"),
    (checks.environment, README, "| `MYCOOPS_STATE` |", "| `MYCOOPS_HOME` |"),
    (checks.environment, SECURITY, "# Security\n", "# Security\n\nSet MYCOOPS_PASSWORD.\n"),
    (checks.kind_tables, README, "| O4 | The password of an account", "| O1 | The password of an account"),
    (checks.kind_tables, README, "| O5 | one | the provider, by API | no |", "| O5 | one | the provider, by API | yes |"),
    (checks.kind_tables, README, "`redis_password`, `ssh_password` |", "`ssh_password` |"),
    (checks.words_of_the_protocol, README, "| `soak` | a wait", "| `sleep` | a wait"),
    (
        checks.words_of_the_protocol,
        README,
        "first effect of `revoke`, `drop`, `cutover` or `refresh` |",
        "first effect of `revoke` |",
    ),
    (checks.words_of_the_protocol, README, "`throttled` |", "`slow` |"),
    (checks.words_of_the_protocol, README, "`acknowledged`, `rolled_back`", "`acknowledged`, `undone`"),
    (checks.words_of_the_protocol, README, "| lease | the right", "| right | the right"),
    (checks.words_of_the_protocol, README, "A **rotation** takes", "A **revolution** takes"),
    (checks.words_of_drift, README, "| `copy` |", "| `clone` |"),
    (checks.words_of_drift, README, "| `access`, `directory` |", "| `access` |"),
    (checks.transcript, README, "$ mycoops deploy\n", "$ mycoops deploy --host mas\n"),
    (checks.transcript, README, "prove: proving the old values dead", "prove: hoping the old values dead"),
    (names.paths, README, "](DESIGN.md)", "](DESIGNS.md)"),
    (names.paths, "DESIGN.md", "`mycoops/verdict.py`", "`mycoops/judge.py`"),
    (names.paths, CONTRIBUTING, "`tests/unit/rotation/`", "`tests/unit/rotations/`"),
    (names.paths, README, "](CHANGELOG.md)", "](CHANGELOG.md#the-future)"),
    (names.machine_paths, README, "# mycoops\n", "# mycoops\n\nSee /home/somebody/mycoops.\n"),
    (names.machine_paths, SECURITY, "# Security\n", f"# Security\n\n{Path(__file__).parent}\n"),
    (names.names_in_code, CONTRIBUTING, "`mycoops.errors.MycoopsError`", "`mycoops.errors.Mistake`"),
    (names.names_in_code, README, "`mycoops_not_applicable`", "`mycoops_inapplicable`"),
    (names.names_in_code, SECURITY, "`fence.json`", "`wall.json`"),
    (names.names_in_code, SECURITY, "| `agent.sock` in", "| `agent.pipe` in"),
    (names.version, "CHANGELOG.md", "## 0.1.0", "## 0.2.0"),
    (
        leaks.leak_tables,
        leaks.LEAKS,
        "| `module_crash` | a module that crashes | leaks |",
        "| `module_crash` | a module that crashes | – |",
    ),
    (leaks.leak_tables, leaks.LEAKS, "| `argv` |", "| `arguments` |"),
    (leaks.leak_tables, leaks.LEAKS, "44 of 44", "42 of 44"),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_documents_are_true(check: Check) -> None:
    assert check(DOCUMENTS) == []


@pytest.mark.parametrize(("check", "name", "true", "false"), DOCTORED)
def test_a_false_document_is_noticed(check: Check, name: str, true: str, false: str) -> None:
    assert true in DOCUMENTS[name], "the control has nothing to falsify"
    assert check({**DOCUMENTS, name: DOCUMENTS[name].replace(true, false)}) != []


def test_every_check_has_a_control() -> None:
    assert {check for check, *_ in DOCTORED} == set(CHECKS)


NEEDS_HOSTS = ("ssh-keyscan ", "mycoops deploy", "mycoops rotate")
"""How a line of the walk begins that cannot be carried out here."""


def test_a_walk_without_values_ends_with_a_fleet_that_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    walk("\n".join(line for line in DOCUMENTS[README].splitlines() if "mycoops provide" not in line), monkeypatch, tmp_path)
    assert "mycoops provide" in CliRunner().invoke(cli.app, ["status"]).output


def walk(text: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> list[str]:
    """Do what "Add a fleet" says, line by line, as far as it goes without hosts; says which line failed."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("MYCOOPS_STATE", raising=False)
    monkeypatch.chdir(home)
    failed = []
    for line in code_lines(section(text, "Add a fleet")):
        if line.startswith(NEEDS_HOSTS):
            continue
        if words := next(commands([line]), None):
            value = "".join(re.findall(r"\w", str(home)))[:12] + "-made-when-the-test-runs"
            failed += [] if CliRunner().invoke(cli.app, words, input=value).exit_code == 0 else [line]
        elif line.startswith("export "):
            monkeypatch.setenv(*shlex.split(line)[1].split("=", 1))
        else:
            failed += [] if subprocess.run(["/bin/sh", "-c", line], check=False).returncode == 0 else [line]
    return failed


def test_the_walk_to_a_fleet_of_ones_own_goes_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert walk(DOCUMENTS[README], monkeypatch, tmp_path) == []
    told = CliRunner().invoke(cli.app, ["status"]).output
    assert "CURRENT" in told
    assert "provide" not in told
    assert (tmp_path / ".local/state/mycoops/acme/vault-password").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("left_out", ["head -c 32", "mycoops init"])
def test_a_walk_that_leaves_a_step_out_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left_out: str) -> None:
    text = "\n".join(line for line in DOCUMENTS[README].splitlines() if left_out not in line)
    assert walk(text, monkeypatch, tmp_path) != []
