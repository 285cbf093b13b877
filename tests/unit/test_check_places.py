"""What cannot be meant of a consumer outside the hosts is a finding with its line, or does not load at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mycoops import catalogue
from mycoops.check import declarations
from mycoops.check_places import places
from mycoops.errors import Finding, Invalid
from tests.unit.fleets import document, subject, write

GITHUB = {"repository": "acme/app", "secret": "TOKEN", "token": "db"}
ANN = {"developer": "ann", "env": {"TOKEN": "<value>"}}


def found(directory: Path, *consumers: dict[str, Any], **more: Any) -> list[Finding]:
    data = document()
    data["mycoops_credentials"]["token"]["consumers"] += consumers
    data["mycoops_credentials"].update(more)
    made = subject(directory, data)
    assert declarations(made) == []
    return places(made)


def test_what_is_meant_passes(tmp_path: Path) -> None:
    named = {"organisation": "acme", "secret": "TOKEN", "token": "db", "repositories": ["acme/app"]}
    manual = {"manual": "the store of n8n", "page": "https://n8n.example", "check": "a workflow runs", "within_days": 3}
    github = {**GITHUB, "environment": "production", "form": "x:<value|url>"}
    assert found(tmp_path, {"github": GITHUB}, {"github": github}, {"github": named}, ANN, {**ANN, "path": "a/.env"}, manual) == []


OTHER = {"kind": "listed", "category": "api_keys", "authority": {"services": ["api"], "accepts": {"TOKENS": "<accepted|csv>"}}}


@pytest.mark.parametrize(
    ("consumers", "words"),
    [
        ([{"github": {**GITHUB, "token": "none"}}], "unknown token none"),
        ([{"github": {**GITHUB, "token": "token"}}], "would be written with itself"),
        ([{"github": {**GITHUB, "form": "nothing"}}], "no placeholder"),
        ([{"github": {**GITHUB, "form": "<accepted|csv>"}}], "no list of what is accepted"),
        ([{"github": GITHUB}, {"github": {**GITHUB, "form": "x<value>"}}], "stands there twice"),
        ([ANN, ANN], "stands there twice"),
    ],
)
def test_what_cannot_be_is_found_with_its_line(tmp_path: Path, consumers: list[dict[str, Any]], words: str) -> None:
    (first, *_) = found(tmp_path, *consumers)
    assert words in first.problem
    assert "catalogue.yml:" in first.place
    assert first.fix


def test_a_place_is_one_credentials(tmp_path: Path) -> None:
    data = document()
    for name in ("db", "token"):
        data["mycoops_credentials"][name]["consumers"] += [ANN, {"github": {**GITHUB, "token": "pat"}}]
    data["mycoops_credentials"]["pat"] = {**data["mycoops_credentials"]["db"], "item": "", "consumers": [{"rotator": True}]}
    problems = [one.problem for one in places(subject(tmp_path, data))]
    assert problems == [
        "TOKEN of developer:ann is written for db and for token",
        "github:acme/app:TOKEN is written for db and for token",
    ]


def test_a_value_that_replaces_itself_is_given_to_nobody_outside(tmp_path: Path) -> None:
    grant = {"kind": "refresh", "category": "api_keys", "authority": {"host": "h3"}, "consumers": [ANN]}
    data = document()
    data["mycoops_credentials"]["grant"] = grant
    assert "replaces itself" in places(subject(tmp_path, data))[0].problem


@pytest.mark.parametrize(
    ("consumer", "words"),
    [
        ({}, "not exactly one of service, rotator, github, developer, manual"),
        ({**ANN, "manual": "x"}, "not exactly one of"),
        ({"developer": "ann"}, "ann gets no variable"),
        ({"developer": "../ann", "env": {"A": "<value>"}}, "not the name of a developer"),
        ({**ANN, "path": "/etc/.env"}, "not a path below"),
        ({**ANN, "path": "../.env"}, "not a path below"),
        ({**ANN, "path": "C:\\app\\.env"}, "not a path below"),
        ({**ANN, "readers": ["excel"]}, ""),
        ({**ANN, "next": {"B": "<value>"}}, "reads no next value"),
        ({"manual": "x", "env": {"A": "<value>"}}, "reads no variables"),
        ({"github": {**GITHUB, "organisation": "acme"}}, "not exactly one of repository, organisation"),
        ({"github": {**GITHUB, "repository": "app"}}, "not the name of a repository"),
        ({"github": {**GITHUB, "secret": "GITHUB_TOKEN"}}, "not the name of a secret"),
        ({"github": {**GITHUB, "secret": "lower"}}, "not the name of a secret"),
        ({"github": {**GITHUB, "url": "http://api.github.com"}}, "sent in clear"),
        ({"github": {**GITHUB, "repositories": ["acme/app"]}}, "only an organisation's secret"),
    ],
)
def test_what_is_malformed_does_not_load(tmp_path: Path, consumer: dict[str, Any], words: str) -> None:
    data = document()
    data["mycoops_credentials"]["token"]["consumers"].append(consumer)
    with pytest.raises(Invalid) as caught:
        catalogue.load(write(tmp_path, data))
    assert any(words in one.problem for one in caught.value.findings), caught.value.findings
