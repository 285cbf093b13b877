"""`.env.example`, the settings and the source name the same environment variables; none of them carries a secret."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mycoops.settings import SYSTEM_VARIABLES, VARIABLES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / ".env.example").read_text(encoding="utf-8")
OWN_PROCESSES = {"ANSIBLE_SSH_ARGS": "mycoops/runner.py"}
"""Read by the code inside ansible-playbook, and set there by this module whatever the caller's environment says."""
READERS = {"os.environ.get", "os.getenv", "os.environ.setdefault", "os.environ.pop"}
ELSEWHERE = ROOT / "mycoops" / "dual.py"
"""Runs in services and reads the variables they name; nothing of the control node imports it to do so."""
SOURCES = [path for place in ("mycoops", "plugins/action", "plugins/callback") for path in (ROOT / place).rglob("*.py")]
SOURCES.remove(ELSEWHERE)
SHELL = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / "lab" / "install.sh", ROOT / ".ci" / "run"]


def read_names(tree: ast.AST) -> Iterator[str]:
    """The variables a module reads: from os.environ, by a constant name, or as the envvar of an option."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (k.value.value for k in node.keywords if k.arg == "envvar" and isinstance(k.value, ast.Constant))
            if ast.unparse(node.func) in READERS:
                yield _constant(node.args[0])
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield _constant(node.slice)
        elif isinstance(node, ast.Compare) and any(ast.unparse(other) == "os.environ" for other in node.comparators):
            yield _constant(node.left)


def _constant(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant), f"the name of a variable is computed: {ast.unparse(node)}"
    return str(node.value)


def read_by_source() -> set[str]:
    """The variables that the code of the control node reads."""
    return {name for path in SOURCES for name in read_names(ast.parse(path.read_text(encoding="utf-8")))}


@pytest.mark.parametrize(
    "text",
    [
        "os.environ.get('A')",
        "os.getenv('A', 'x')",
        "os.environ['A']",
        "'A' in os.environ",
        "typer.Option('--a', envvar='A')",
    ],
)
def test_a_read_is_seen(text: str) -> None:
    assert list(read_names(ast.parse(text))) == ["A"]


def test_the_settings_name_what_the_source_reads() -> None:
    assert read_by_source() - OWN_PROCESSES.keys() == VARIABLES.keys() | SYSTEM_VARIABLES.keys()
    assert not any("getpass.getuser" in path.read_text(encoding="utf-8") for path in SOURCES), "it reads variables unseen"


def test_what_is_set_for_own_processes_is_set_there() -> None:
    for name, path in OWN_PROCESSES.items():
        assert f'"{name}":' in (ROOT / path).read_text(encoding="utf-8")


def test_the_example_names_every_variable_and_no_other() -> None:
    named = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", TEXT, re.MULTILINE)
    assert named == [*VARIABLES, *SYSTEM_VARIABLES]


def test_every_variable_of_the_example_is_explained_and_off() -> None:
    lines = TEXT.splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    for number, line in enumerate(lines):
        if re.match(r"#[A-Z_]+=", line):
            assert lines[number - 1].startswith("# ")
            assert lines[number - 1].endswith(".")


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_scripts_read_no_variable_of_their_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", text))
    assigned = set(re.findall(r"\b([A-Z][A-Z0-9_]*)=", text))
    assert used - assigned <= {"PWD", "PATH", "HOME"}


def test_no_variable_sounds_like_a_secret() -> None:
    secret = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE", re.IGNORECASE)
    assert [name for name in VARIABLES if secret.search(name)] == []


def test_an_env_file_is_ignored_and_the_example_is_not() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".env", ".env.local", ".env.*.local"} <= set(ignored)
    assert ".env.example" not in ignored
