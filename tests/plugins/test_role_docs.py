"""Each README of a role that is no kind shows the table made from its argument specification."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fake_host import REPOSITORY

from mycoops import role_docs

SPEC = "argument_specs: {main: {options: {a: {type: list, elements: str, default: [x]}}}}"
ROLES = ["env_file", "systemd_env", "container_env", "service", "delivery", "drift_timer", "reminder_timer"]


def options_of(role: Path) -> dict[str, dict[str, object]]:
    """The options of a role's main entry point."""
    return yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("name", ROLES)
def test_the_table_is_the_generated_one(name: str) -> None:
    role = REPOSITORY / "roles" / name
    readme = (role / "README.md").read_text()
    assert readme == role_docs.with_table(readme, role)
    assert readme.count("\n| `") == len(
        yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    )


@pytest.mark.parametrize("name", ROLES)
def test_defaults_and_specification_agree(name: str) -> None:
    role = REPOSITORY / "roles" / name
    options = options_of(role)
    path = role / "defaults" / "main.yml"
    defaults = yaml.safe_load(path.read_text()) if path.exists() else {}
    assert defaults == {option: facts["default"] for option, facts in options.items() if "default" in facts}
    assert all(option.startswith(f"{name}_") for option in options)


def test_a_changed_specification_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "argument_specs.yml").write_text(
        "argument_specs: {main: {options: {a: {type: list, elements: str, default: [x]}}}}"
    )
    readme = f"# a\n{role_docs.START}\nstale\n{role_docs.END}\n"
    assert '| `a` | list of str | `["x"]` |' in role_docs.with_table(readme, tmp_path)
