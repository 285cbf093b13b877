"""GitHub: tokens of a person, what each opens, and their revocation by anybody, which takes its time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.providers.server import Answer, Providers, bearer


class Forge:
    """An organization with two repositories, and a person's tokens for it."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("github")
        providers.step("github", "create_organization", name="acme")
        for name, private in (("acme/app", True), ("acme/site", True), ("acme/docs", False)):
            providers.step("github", "create_repository", name=name, private=private)

    def token(self, **given: Any) -> dict[str, str]:
        about = {"name": "mycoops/github/g2", "user": "ann", "owner": "acme", "permissions": {"secrets": "write"}, **given}
        found: dict[str, str] = self.providers.step("github", "create_token", **about)
        return found

    def user(self, value: str) -> Answer:
        return self.ask("GET", "/user", bearer(value))

    def repository(self, value: str, name: str) -> int:
        return self.ask("GET", f"/repos/{name}", bearer(value)).status

    def revoke(self, *values: str, **headers: str) -> Answer:
        return self.ask("POST", "/credentials/revoke", headers, body={"credentials": list(values)})


@pytest.fixture
def forge(providers: Providers) -> Forge:
    return Forge(providers)


def test_a_token_says_who_it_is_and_when_it_ends(forge: Forge) -> None:
    value = forge.token(expires_in=3600)["value"]
    assert re.fullmatch(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", value)
    told = forge.user(value)
    assert (told.status, told.json["login"]) == (200, "ann")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told.headers["github-authentication-token-expiration"])
    assert forge.ask("GET", "/user", bearer(value, "token")).status == 200
    wrong = forge.user(value[:-4] + "0000")
    assert (wrong.status, wrong.json["message"]) == (401, "Bad credentials")
    forge.providers.later(3601)
    assert forge.user(value).status == 401


def test_a_revoked_token_dies_after_a_while_and_its_neighbour_does_not(forge: Forge) -> None:
    old, new = forge.token()["value"], forge.token()["value"]
    assert forge.revoke(old).status == 202
    assert forge.user(old).status == 200, "asynchronous"
    forge.providers.later(3)
    assert (forge.user(old).status, forge.user(new).status) == (401, 200)


def test_propagation_makes_a_revocation_longer_still(forge: Forge) -> None:
    old = forge.token()["value"]
    forge.providers.switch("github", "propagation", old_seconds=30)
    forge.revoke(old)
    forge.providers.later(10)
    assert forge.user(old).status == 200
    forge.providers.later(30)
    assert forge.user(old).status == 401


def test_a_revocation_is_never_authenticated(forge: Forge) -> None:
    value = forge.token()["value"]
    assert forge.revoke(value, **bearer(value)).status == 403
    forge.providers.later(60)
    assert forge.user(value).status == 200
    assert forge.revoke("github_pat_nobody").status == 202
    assert forge.revoke().status == 422
    assert forge.ask("POST", "/credentials/revoke", body={"credentials": ["x"] * 1001}).status == 422


def test_sixty_revocations_an_hour(forge: Forge) -> None:
    forge.providers.settings("github", unauthenticated_per_hour=2)
    assert [forge.revoke("x").headers["x-ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
    told = forge.revoke("x")
    assert (told.status, told.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 3500 < int(told.headers["retry-after"]) <= 3600
    assert forge.user(forge.token()["value"]).status == 200, "who shows a token has a limit of its own"
    forge.providers.later(3601)
    assert forge.revoke("x").status == 202


def test_the_documented_limit_is_sixty(forge: Forge) -> None:
    assert forge.revoke("x").headers["x-ratelimit-limit"] == "60"


def test_what_a_token_does_not_see_is_not_there(forge: Forge) -> None:
    value = forge.token(repositories=["acme/app"])["value"]
    assert forge.repository(value, "acme/app") == 200
    assert forge.repository(value, "acme/site") == 404
    assert forge.repository(value, "acme/none") == 404
    assert forge.repository(value, "acme/docs") == 200, "public"


def test_a_token_may_wait_for_the_approval_of_the_organization(forge: Forge) -> None:
    made = forge.token(pending=True)
    assert forge.user(made["value"]).status == 200, "the token itself is valid"
    assert forge.repository(made["value"], "acme/app") == 404
    forge.providers.step("github", "approve_token", token=made["id"])
    assert forge.repository(made["value"], "acme/app") == 200


def test_a_person_deletes_a_token(forge: Forge) -> None:
    made = forge.token()
    forge.providers.step("github", "delete_token", token=made["id"])
    assert forge.user(made["value"]).status == 401
