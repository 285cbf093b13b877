"""Every scenario is that of a role, and for each there is a change of the role that has to make it fail."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCENARIOS = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - {"default"}


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("mutate", ROOT / "molecule" / "shared" / "mutate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutate = _module()


def test_every_scenario_is_shown_to_fail() -> None:
    assert set(mutate.mutations()) == SCENARIOS
    assert {path.parent.parent.name for path in ROOT.glob("roles/*/meta/main.yml")} >= SCENARIOS


@pytest.mark.parametrize("role", sorted(SCENARIOS))
def test_a_mutation_changes_its_role(role: str, tmp_path: Path) -> None:
    change = mutate.mutations()[role]
    shutil.copytree(ROOT / "roles" / role, tmp_path / "roles" / role)
    mutate.mutate(tmp_path, role, change)
    assert (tmp_path / "roles" / role / change["file"]).read_text() != (ROOT / "roles" / role / change["file"]).read_text()
    with pytest.raises(ValueError, match="not once"):
        mutate.mutate(tmp_path, role, {**change, "old": "a text that no role holds"})


def test_an_unknown_role_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutate.main(["kind_of_blue"]) == 2
    assert "no mutation for kind_of_blue" in capsys.readouterr().err
