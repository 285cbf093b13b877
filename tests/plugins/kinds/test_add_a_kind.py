"""The page on adding a kind shows what the example kind really holds."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import yaml

from mycoops.kinds import Kind, load
from mycoops.taking import opened

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "ADD_A_KIND.md").read_text()
EXAMPLE = ROOT / "tests" / "fixtures" / "kind_appctl"
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("name", ["meta/kind.yml", "tasks/probe.yml", "tasks/mint.yml", "vars/main.yml"])
def test_what_the_page_shows_is_what_the_example_holds(name: str) -> None:
    held = yaml.safe_load((EXAMPLE / name).read_text())
    assert any(yaml.safe_load(text) == held for text in SHOWN if "mycoops_item.value | combine" not in text)


def test_the_example_is_found_and_is_yaml_alone() -> None:
    assert load([EXAMPLE.parent])["appctl"].overlap == "O1"
    assert {path.suffix for path in EXAMPLE.rglob("*") if path.is_file()} == {".yml"}


def test_the_page_explains_the_fields_of_a_kind() -> None:
    assert [name for name in Kind.model_fields if f"`{name}`" not in PAGE and f"\n{name}:" not in PAGE] == []


def shown(program: str, **given: object) -> Callable[[dict[str, object]], dict[str, object]]:
    """The function of a host program as the page has it."""
    names = dict(given)
    exec(compile(program, "page", "exec"), names)
    run = names["run"]
    assert callable(run)
    return cast(Callable[[dict[str, object]], dict[str, object]], run)


def test_the_python_it_shows_is_two_host_programs() -> None:
    drain, mint = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown(drain)({"options": {"address": "here"}})["in_use"] == 0
    pad, made = base64.b64encode(os.urandom(64)).decode(), os.urandom(12).hex()
    reply = shown(mint, make_a_token=lambda name: made)({"tag": "item-1", "pad": pad})
    assert (reply["done"], opened(str(reply["returned"]), pad)) == (True, made)
    assert made not in str(reply)
