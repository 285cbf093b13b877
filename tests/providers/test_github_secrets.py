"""Actions secrets: sealed for a scope, written and never read, and shadowed by a narrower one of the same name."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import pytest
from nacl.public import PublicKey, SealedBox

from tests.providers.server import Answer, Lost, Providers, bearer

REPOSITORY, ENVIRONMENT, ORGANIZATION = "/repos/acme/app/actions", "/repos/acme/app/environments/production", "/orgs/acme/actions"
ALL = {"secrets": "write", "environments": "write", "organization_secrets": "write"}


class Forge:
    """A repository with an environment in an organization, and a token that may write its secrets."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("github")
        providers.step("github", "create_organization", name="acme")
        self.id = providers.step("github", "create_repository", name="acme/app", environments=["production"])["id"]
        self.value = self.token(ALL)

    def token(self, permissions: dict[str, str]) -> str:
        given = {"name": "t", "user": "ann", "owner": "acme", "permissions": permissions}
        return str(self.providers.step("github", "create_token", **given)["value"])

    def __call__(self, method: str, path: str, body: Any = None, value: str = "") -> Answer:
        return self.ask(method, path, bearer(value or self.value), body=body)

    def put(self, scope: str, name: str, text: str, **more: Any) -> Answer:
        key = self("GET", f"{scope}/secrets/public-key").json
        sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(text.encode())
        body = {"encrypted_value": base64.b64encode(sealed).decode(), "key_id": key["key_id"], **more}
        return self("PUT", f"{scope}/secrets/{name}", body)

    def job(self, environment: str = "") -> dict[str, str]:
        found: dict[str, str] = self.providers.step("github", "run_job", repository="acme/app", environment=environment)
        return found


@pytest.fixture
def forge(providers: Providers) -> Forge:
    return Forge(providers)


@pytest.fixture
def text() -> str:
    return secrets.token_urlsafe(32)


@pytest.mark.parametrize(("scope", "more"), [(REPOSITORY, {}), (ENVIRONMENT, {}), (ORGANIZATION, {"visibility": "all"})])
def test_a_secret_is_written_listed_and_deleted_at_each_scope(forge: Forge, text: str, scope: str, more: dict[str, str]) -> None:
    assert forge.put(scope, "API_KEY", text, **more).status == 201
    assert forge.job("production") == {"API_KEY": text}
    told = forge("GET", f"{scope}/secrets")
    assert (told.json["total_count"], told.json["secrets"][0]["name"]) == (1, "API_KEY")
    assert text not in told.text + forge("GET", f"{scope}/secrets/API_KEY").text
    assert forge("DELETE", f"{scope}/secrets/API_KEY").status == 204
    assert forge("GET", f"{scope}/secrets/API_KEY").status == 404
    assert forge("DELETE", f"{scope}/secrets/API_KEY").status == 404
    assert forge.job("production") == {}


def test_an_update_is_told_apart_and_moves_updated_at_alone(forge: Forge, text: str) -> None:
    forge.put(REPOSITORY, "API_KEY", "before")
    before = forge("GET", f"{REPOSITORY}/secrets/API_KEY").json
    forge.providers.later(5)
    assert forge.put(REPOSITORY, "api_key", text).status == 204
    after = forge("GET", f"{REPOSITORY}/secrets/API_KEY").json
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]
    assert forge.job() == {"API_KEY": text}


def test_the_narrowest_scope_wins(forge: Forge) -> None:
    forge.put(ORGANIZATION, "KEY", "organization", visibility="all")
    assert forge.job("production") == {"KEY": "organization"}
    forge.put(REPOSITORY, "KEY", "repository")
    assert (forge.job()["KEY"], forge.job("production")["KEY"]) == ("repository", "repository")
    forge.put(ENVIRONMENT, "KEY", "environment")
    assert (forge.job()["KEY"], forge.job("production")["KEY"]) == ("repository", "environment"), (
        "a stale one shadows a rotated one"
    )
    forge("DELETE", f"{ENVIRONMENT}/secrets/KEY")
    assert forge.job("production")["KEY"] == "repository"


def test_a_secret_of_the_organization_reaches_whom_it_is_shared_with(forge: Forge) -> None:
    forge.providers.step("github", "create_repository", name="acme/site", private=False)
    for visibility, reaches in (("all", True), ("private", True), ("selected", False)):
        forge.put(ORGANIZATION, "KEY", visibility, visibility=visibility)
        assert ("KEY" in forge.job()) is reaches
    forge.put(ORGANIZATION, "KEY", "x", visibility="selected", selected_repository_ids=[forge.id])
    assert forge.job() == {"KEY": "x"}
    assert forge.providers.step("github", "run_job", repository="acme/site") == {}
    assert forge.put(ORGANIZATION, "KEY", "x").status == 422


def test_only_what_is_sealed_with_the_scopes_own_key_is_taken(forge: Forge, text: str) -> None:
    mine, other = (forge("GET", f"{scope}/secrets/public-key").json for scope in (REPOSITORY, ENVIRONMENT))
    sealed = base64.b64encode(SealedBox(PublicKey(base64.b64decode(other["key"]))).encrypt(text.encode())).decode()
    for body in (
        {"encrypted_value": sealed, "key_id": mine["key_id"]},
        {"encrypted_value": sealed, "key_id": other["key_id"]},
        {"encrypted_value": base64.b64encode(text.encode()).decode(), "key_id": mine["key_id"]},
        {"encrypted_value": "no base64", "key_id": mine["key_id"]},
    ):
        assert forge("PUT", f"{REPOSITORY}/secrets/KEY", body).status == 422
    assert forge.job() == {}
    assert forge("PUT", f"{ENVIRONMENT}/secrets/KEY", {"encrypted_value": sealed, "key_id": other["key_id"]}).status == 201


@pytest.mark.parametrize(("name", "status"), [("GITHUB_KEY", 422), ("1KEY", 422), ("A-KEY", 422), ("_KEY2", 201)])
def test_names(forge: Forge, name: str, status: int) -> None:
    assert forge.put(REPOSITORY, name, "x").status == status


@pytest.mark.parametrize("scope", [REPOSITORY, ENVIRONMENT, ORGANIZATION])
def test_each_scope_needs_its_own_permission(forge: Forge, scope: str) -> None:
    needed = {REPOSITORY: "secrets", ENVIRONMENT: "environments", ORGANIZATION: "organization_secrets"}[scope]
    without = forge.token({name: level for name, level in ALL.items() if name != needed})
    assert forge("GET", f"{scope}/secrets", value=without).status == 403
    reader = forge.token({needed: "read"})
    assert forge("GET", f"{scope}/secrets", value=reader).status == 200
    assert forge("PUT", f"{scope}/secrets/KEY", {}, reader).status == 403
    assert forge.ask("GET", f"{scope}/secrets").status == 401


def test_an_environment_must_exist(forge: Forge) -> None:
    assert forge("GET", "/repos/acme/app/environments/staging/secrets").status == 404
    assert forge("GET", "/repos/acme/none/actions/secrets").status == 404
    assert forge("GET", "/orgs/none/actions/secrets").status == 404


def test_a_lost_reply_has_its_effect(forge: Forge, text: str) -> None:
    forge.providers.switch("github", "lost_reply", method="PUT")
    with pytest.raises(Lost):
        forge.put(REPOSITORY, "KEY", text)
    assert forge.job() == {"KEY": text}
    assert forge.put(REPOSITORY, "KEY", text).status == 204
