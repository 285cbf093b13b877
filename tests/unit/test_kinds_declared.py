"""What the README of a kind shows for a catalogue passes `check`, and a mistake in what a person has to do is found."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mycoops import content, kinds
from mycoops.check import declarations
from tests.unit.fleets import document, subject

KINDS = kinds.load([content.path("roles")])
BY_HAND = [*sorted(name for name, kind in KINDS.items() if kind.overlap.needs_person), "redis_password"]


def findings(directory: Path, credentials: dict[str, Any]) -> list[str]:
    """What `check` says of these credentials on hosts and services of the names they use."""
    data = document()
    hosts = {declared["authority"]["host"] for declared in credentials.values()}
    names = {use["service"]: use for declared in credentials.values() for use in declared["consumers"] if "service" in use}
    reads = {name: [*use["env"], *use.get("next", {})] for name, use in names.items()}
    api = next(iter(data["mycoops_services"].values()))
    data["mycoops_services"] = {name: {**api, "host": "h1", "reads": reads[name], "env_file": _file(name)} for name in reads}
    data["mycoops_credentials"] = credentials
    data["mycoops_not_applicable"] = {}
    found = subject(directory, data)
    checked = replace(found, kinds=KINDS, hosts=frozenset({*found.hosts, *hosts}))
    return [finding.problem for finding in declarations(checked) if "checklist" not in finding.problem]


def _file(service: str) -> dict[str, Any]:
    return {"path": f"/etc/{service}.env", "readers": ["systemd"]}


def shown(kind: str) -> dict[str, Any]:
    """The credentials in the first example of a kind's README."""
    text = (content.path("roles") / f"kind_{kind}" / "README.md").read_text(encoding="utf-8")
    (example, *_) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return dict(yaml.safe_load(example))


@pytest.mark.parametrize("kind", BY_HAND)
def test_the_example_of_a_readme_passes(tmp_path: Path, kind: str) -> None:
    assert kind in {declared["kind"] for declared in shown(kind).values()}
    assert findings(tmp_path, shown(kind)) == []


def test_an_option_that_no_person_could_follow_is_found(tmp_path: Path) -> None:
    (name, declared), *_ = shown("generic_api_key").items()
    declared["authority"]["options"]["value_length"] = "long"
    assert findings(tmp_path, {name: declared}) == [f"{name}: an option does not say what a person has to do"]


def test_what_encrypts_stays_refused(tmp_path: Path) -> None:
    (name, declared), *_ = shown("static").items()
    assert "an encryption key is not rotated" in findings(tmp_path, {name: {**declared, "purpose": "encrypt"}})[0]
