"""What docs/PROVIDERS.md says is what the server has, and each provider cites what it follows; no value stands in its sources."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.documents import ROOT, SPAN, table
from tests.providers.server import PROGRAM, Providers

TEXT = (ROOT / "docs" / "PROVIDERS.md").read_text(encoding="utf-8")
MODULES = sorted(PROGRAM.glob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
LOOKS_LIKE_A_VALUE = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[A-Za-z0-9+/=_-]{24,}")


def rows(heading: str, text: str = TEXT) -> dict[str, list[str]]:
    """The rows of a table by their first span."""
    return {SPAN.findall(first)[0]: [first, *rest] for first, *rest in table(text, heading)}


def hosts(providers: Providers) -> dict[str, list[str]]:
    return {name: sorted(about["hosts"]) for name, about in providers.ask("GET", "/").items()}


def told_hosts(text: str = TEXT) -> dict[str, list[str]]:
    return {name: sorted(SPAN.findall(row[2])) for name, row in rows("Base URLs", text).items()}


def told_steps(text: str = TEXT) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, step, parameters in table(text, "What a person does"):
        found.setdefault(SPAN.findall(name)[0], {})[SPAN.findall(step)[0]] = parameters.replace("–", "")
    return found


def told_settings(text: str = TEXT) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, setting, value, _ in table(text, "Settings"):
        found.setdefault(SPAN.findall(name)[0], {})[SPAN.findall(setting)[0]] = value
    return found


def test_the_base_urls_and_hosts(providers: Providers) -> None:
    assert told_hosts() == hosts(providers)
    assert told_hosts(TEXT.replace("api.notion.com", "api.notion.org")) != hosts(providers)


def test_the_steps_of_a_person(providers: Providers) -> None:
    true = {name: about["steps"] for name, about in providers.ask("GET", "/").items()}
    assert told_steps() == true
    assert told_steps(TEXT.replace("`deauthorize_token`", "`authorize_token`")) != true


def test_the_settings(providers: Providers) -> None:
    about = providers.ask("GET", "/")
    true = {name: {key: str(value) for key, value in one["settings"].items()} for name, one in about.items() if one["settings"]}
    assert told_settings() == true
    assert told_settings(TEXT.replace("| 8", "| 9").replace("| 60 |", "| 61 |")) != true


def test_the_switches(providers: Providers) -> None:
    told = {name: row[1] for name, row in rows("Switches").items()}
    assert told == providers.ask("GET", "/switches")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_are_small_and_say_what_they_promise(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= LONGEST_MODULE
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION] == []
    said = ast.get_docstring(tree) or ""
    assert said.splitlines()[0].endswith(".")


def test_each_provider_cites_its_documentation_and_says_what_is_not_verified(providers: Providers) -> None:
    for name in providers.ask("GET", "/"):
        said = ast.get_docstring(ast.parse((PROGRAM / f"{name}.py").read_text(encoding="utf-8"))) or ""
        assert "Documented " in said, name
        assert "(not verified)" in said, name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_value_stands_in_a_source(path: Path) -> None:
    words = set(LOOKS_LIKE_A_VALUE.findall(path.read_text(encoding="utf-8")))
    assert {word for word in words if not re.fullmatch(r"[a-z_/0-9.-]+|[A-Z_0-9]+|/?[a-z0-9_/-]+", word)} == set()


def test_a_value_in_a_source_would_be_seen(providers: Providers) -> None:
    made = providers.step("github", "create_token", name="t", user="ann", permissions={})["value"]
    (word,) = LOOKS_LIKE_A_VALUE.findall(f'TOKEN = "{made}"')
    assert not re.fullmatch(r"[a-z_/0-9.-]+|[A-Z_0-9]+|/?[a-z0-9_/-]+", word)
