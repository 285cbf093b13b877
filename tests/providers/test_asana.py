"""Asana: several tokens of one person, each of which sees what that person sees."""

from __future__ import annotations

import pytest

from tests.providers.server import Answer, Providers, bearer


class Person:
    """A person with two workspaces and two tokens."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("asana")
        self.gid = providers.step("asana", "create_person", name="ann", workspaces=["lab", "field"])["gid"]
        self.old, self.new = (providers.step("asana", "create_token", person=self.gid, name=name) for name in ("g1", "g2"))

    def me(self, token: dict[str, str]) -> Answer:
        return self.ask("GET", "/api/1.0/users/me", bearer(token["value"]))

    def workspaces(self, token: dict[str, str]) -> set[str]:
        found = self.ask("GET", "/api/1.0/workspaces", bearer(token["value"])).json["data"]
        return {space["name"] for space in found}


@pytest.fixture
def person(providers: Providers) -> Person:
    return Person(providers)


def test_both_tokens_act_as_the_person(person: Person) -> None:
    assert person.me(person.old).json == person.me(person.new).json
    assert person.me(person.new).json["data"]["gid"] == person.gid
    assert person.workspaces(person.old) == person.workspaces(person.new) == {"lab", "field"}
    person.providers.step("asana", "leave_workspace", person=person.gid, name="field")
    assert person.workspaces(person.new) == {"lab"}


def test_a_token_of_somebody_else_sees_something_else(person: Person) -> None:
    other = person.providers.step("asana", "create_person", name="bob", workspaces=["lab"])["gid"]
    token = person.providers.step("asana", "create_token", person=other, name="t")
    assert person.me(token).json["data"]["gid"] != person.gid
    assert person.workspaces(token) == {"lab"}


def test_a_deauthorized_token_is_refused_and_the_other_is_not(person: Person) -> None:
    person.providers.step("asana", "deauthorize_token", token=person.old["id"])
    told = person.me(person.old)
    assert (told.status, told.json) == (401, {"errors": [{"message": "Not Authorized"}]})
    assert person.me(person.new).status == 200


def test_a_death_propagates(person: Person) -> None:
    person.providers.switch("asana", "propagation", old_seconds=5)
    person.providers.step("asana", "deauthorize_token", token=person.old["id"])
    assert person.me(person.old).status == 200
    person.providers.later(6)
    assert person.me(person.old).status == 401


def test_a_limit_for_each_token(person: Person) -> None:
    person.providers.settings("asana", calls_per_minute=1)
    assert person.me(person.old).status == 200
    told = person.me(person.old)
    assert (told.status, int(told.headers["retry-after"]) <= 60) == (429, True)
    assert person.me(person.new).status == 200
    person.providers.later(61)
    assert person.me(person.old).status == 200
