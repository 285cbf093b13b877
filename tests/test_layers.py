"""The package is a stack: a module imports only from the layers below its own, and each foreign world enters in one place."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = """
    account checklist children dual errors escapes ics leaks.processes metrics model notifier role_docs secret ssh_login told
        yaml_nodes
  < durable masking
  < digests vault_switch
  < agent content interrupts journal lab_fleet lab_podman leaks.heard leaks.needles lease rundir settings source
    values vault_file verdict
  < editor hostcode services vault inventory kinds lab_boot lab_image lab_marker ledger runner
  < reminders
  < bridge exposure lab_consoles leaks.known outside
  < consumer
  < catalogue developers github_secrets
  < check delivery due families lab lab_person places leaks.control_node leaks.hosts order plan report retired schema taking
  < chain check_cadence check_files check_places check_values display drift items leaks.search performer planner sightings
  < last_drift session targets
  < stale
  < rotation.context
  < rotation.waiting
  < rotation.approval rotation.outside rotation.replies
  < rotation.attest rotation.consumers rotation.probing
  < rotation.by_hand rotation.sitting
  < rotation.ahead rotation.mint rotation.quarantine
  < rotation.lost
  < rotation.prepare rotation.switch
  < rotation.abort rotation.closing rotation.finish rotation.refresh rotation.revoke
  < rotation.walk
  < drill.authorities drill.cipher drill.coverage drill.faults drill.stories
  < drill.hosts drill.points
  < drill.truth
  < drill.entries
  < drill.world
  < drill.judge drill.kept drill.making
  < drill.bench
  < drill.killing drill.spoils
  < drill.trials
  < drill.matrix
  < commands.checking commands.dating commands.drilling commands.listing commands.looking commands.planning commands.providing
    commands.starting commands.tasking
  < commands.rendering
  < commands.acknowledging commands.leaking commands.pulling
  < commands.asking commands.measuring commands.reminding commands.deploying commands.rotating
  < commands.approving commands.confirming commands.drifting commands.dying commands.rekeying commands.replacing commands.splitting
  < commands.seeding
  < commands.drilling_lab commands.labbing
  < cli_hints
  < cli_completion cli_crash cli_options cli_print
  < cli_answers cli_approve cli_drift cli_drill cli_due cli_failing cli_outside cli_people cli_split
  < cli_lab cli_log cli_metrics cli_remind cli_status cli_vault
  < cli
"""
"""Every module of the package, lowest first; a module may import from the lines above its own, never from its own line."""

LAYER = {name: number for number, line in enumerate(ORDER.split("<")) for name in line.split()}
PURE = {"model", "checklist", "escapes", "masking", "verdict", "plan", "order", "planner", "items", "delivery"}
PURE |= {"check_cadence", "digests", "drift", "due", "exposure", "leaks.needles", "leaks.hosts"}
"""They compute: no file, process, socket, clock or environment."""
IMPURE = {"os", "pathlib", "subprocess", "socket", "shutil", "tempfile", "time", "sys", "io", "getpass", "random", "secrets"}
ONLY_IN = {
    "ansible_runner": {"runner"},
    "ansible.parsing.vault": {"vault"},
    "ansible": {"vault", "inventory", "drill.cipher"},
    "apprise": {"notifier"},
    "icalendar": {"ics"},
    "nacl": {"github_secrets"},
    "paramiko": {"ssh_login"},
    "prometheus_client": {"metrics"},
    "typer": {
        *("cli", "cli_approve", "cli_drift", "cli_drill", "cli_due", "cli_lab", "cli_log"),
        *("cli_metrics", "cli_outside", "cli_people", "cli_remind", "cli_split", "cli_status", "cli_vault"),
        *("cli_answers", "cli_completion", "cli_hints", "cli_options", "cli_print"),
    },
    "rich": {
        *("cli", "cli_answers", "cli_approve", "cli_crash", "cli_failing", "cli_options", "cli_people", "cli_print", "cli_vault"),
        "display",
    },
}
"""Which modules may import a library that should be replaceable."""
PRINTERS = ONLY_IN["rich"] | ONLY_IN["typer"]
LONGEST_MODULE, MEDIAN_MODULE, LONGEST_FUNCTION = 300, 120, 40
"""Lines. Modules of about 150 and functions of about 25 are the aim; here is where it is certainly too long."""


def source_files() -> dict[str, Path]:
    """Every module by its name inside the package."""
    package = ROOT / "mycoops"
    return {".".join(path.relative_to(package).with_suffix("").parts): path for path in package.rglob("*.py")}


FILES = source_files()
MODULES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imported(tree: ast.Module) -> Iterator[str]:
    """The dotted names a module imports, also inside functions: of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(tree: ast.Module) -> set[str]:
    """The modules of the package that a module imports."""
    names = {name.removeprefix("mycoops.") for name in imported(tree)}
    return names & LAYER.keys()


def upward(name: str, tree: ast.Module) -> set[str]:
    """The imports of a module that do not go down."""
    return {other for other in own(tree) if LAYER[other] >= LAYER[name]}


def prints(tree: ast.Module) -> bool:
    """Whether a module writes to standard output or error itself."""
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    words = {ast.unparse(function) for function in called}
    streams = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return "print" in words or "typer.echo" in words or bool(streams & {"sys.stdout", "sys.stderr"})


def test_every_module_has_its_place_in_the_order() -> None:
    packages = {"__init__", "leaks.__init__", "rotation.__init__", "drill.__init__", "commands.__init__"}
    assert FILES.keys() - packages == LAYER.keys()


@pytest.mark.parametrize("name", sorted(LAYER))
def test_imports_go_down(name: str) -> None:
    assert upward(name, MODULES[name]) == set()


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_import_is_relative(name: str) -> None:
    assert [word for word in imported(MODULES[name]) if word.startswith(".")] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("errors", "from mycoops import cli"),
        ("plan", "from mycoops.session import Fleet"),
        ("vault", "def late():\n    import mycoops.bridge"),
        ("rotation.mint", "from mycoops.rotation.quarantine import x"),
        ("vault", "from mycoops.vault import Store"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_seen(name: str, text: str) -> None:
    assert upward(name, ast.parse(text)) != set()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_enters_in_few_places(library: str) -> None:
    users = {
        name for name, tree in MODULES.items() if any(word == library or word.startswith(f"{library}.") for word in imported(tree))
    }
    assert users == ONLY_IN[library]


@pytest.mark.parametrize("name", sorted(PURE))
def test_what_computes_does_no_input_or_output(name: str) -> None:
    roots = {word.split(".")[0] for word in imported(MODULES[name])}
    assert roots & IMPURE == set()
    assert "open(" not in FILES[name].read_text(encoding="utf-8")


def test_only_the_command_line_prints() -> None:
    assert {name for name, tree in MODULES.items() if prints(tree)} - PRINTERS == set()
    assert prints(ast.parse("print(1)"))
    assert prints(ast.parse("import sys\nsys.stderr.write('x')"))


HOST_CODE = sorted(path for place in ("module_utils", "host_programs") for path in (ROOT / "plugins" / place).glob("*.py"))
HOST_CODE += sorted((ROOT / "roles").glob("*/files/*.py"))


@pytest.mark.parametrize("path", HOST_CODE, ids=lambda path: path.stem)
def test_what_runs_on_a_host_needs_nothing_but_python_there(path: Path) -> None:
    roots = {word.split(".")[0] for word in imported(ast.parse(path.read_text(encoding="utf-8")))}
    neighbours = {other.stem for other in HOST_CODE}
    assert roots - neighbours - sys.stdlib_module_names == set()


def test_no_module_is_called_after_nothing() -> None:
    assert {name.rpartition(".")[2] for name in FILES} & {"utils", "util", "helpers", "common", "misc"} == set()


def test_modules_and_functions_stay_small() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in FILES.items()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}
    assert median(lengths.values()) <= MEDIAN_MODULE
    functions = [
        (name, node.name, (node.end_lineno or 0) - node.lineno + 1)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert [found for found in functions if found[2] > LONGEST_FUNCTION] == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_module_says_in_its_first_line_what_it_promises(name: str) -> None:
    said = ast.get_docstring(MODULES[name])
    assert said
    assert said.splitlines()[0].endswith((".", "`", ":"))
