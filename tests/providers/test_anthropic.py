"""Anthropic: keys come from a person, are tried at the models, and are made inactive by the Admin API, which can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.server import Answer, Lost, Providers

VERSION = {"anthropic-version": "2023-06-01"}
KEYS = "/v1/organizations/api_keys"


class Organization:
    """Two keys by a person, and one for the Admin API."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("anthropic")
        self.admin = providers.step("anthropic", "create_admin_key", name="rotator")["value"]
        self.old, self.new = (self.create(name=name) for name in ("mycoops/anthropic/g1", "mycoops/anthropic/g2"))

    def create(self, **given: Any) -> dict[str, str]:
        found: dict[str, str] = self.providers.step("anthropic", "create_key", **given)
        return found

    def models(self, value: str) -> Answer:
        return self.ask("GET", "/v1/models", {"x-api-key": value, **VERSION})

    def keys(self, method: str, path: str = "", body: Any = None, value: str = "") -> Answer:
        return self.ask(method, KEYS + path, {"x-api-key": value or self.admin, **VERSION}, body=body)

    def status(self, key: str, status: str) -> Answer:
        return self.keys("POST", f"/{key}", {"status": status})


@pytest.fixture
def organization(providers: Providers) -> Organization:
    return Organization(providers)


def test_a_key_opens_the_models(organization: Organization) -> None:
    told = organization.models(organization.new["value"])
    assert (told.status, told.json["data"][0]["type"], told.json["has_more"]) == (200, "model", False)
    assert organization.new["value"].startswith("sk-ant-api03-")
    wrong = organization.models(organization.new["value"][:-4] + "0000")
    assert (wrong.status, wrong.json["type"], wrong.json["error"]["type"]) == (401, "error", "authentication_error")
    assert wrong.json["request_id"] == wrong.headers["request-id"]
    assert organization.ask("GET", "/v1/models", {"x-api-key": organization.new["value"]}).status == 400


def test_inactive_is_refused_and_can_be_undone(organization: Organization) -> None:
    old = organization.old
    assert organization.status(old["id"], "inactive").json["status"] == "inactive"
    assert organization.models(old["value"]).status == 401
    assert organization.models(organization.new["value"]).status == 200
    assert organization.status(old["id"], "active").json["status"] == "active"
    assert organization.models(old["value"]).status == 200


def test_archived_is_for_good(organization: Organization) -> None:
    organization.status(organization.old["id"], "archived")
    assert organization.models(organization.old["value"]).status == 401
    assert organization.status(organization.old["id"], "active").status == 400
    assert organization.status(organization.old["id"], "archived").status == 200
    assert organization.models(organization.old["value"]).status == 401
    assert organization.status(organization.new["id"], "expired").status == 400


def test_the_list_finds_a_key_by_its_name_and_shows_no_value(organization: Organization) -> None:
    told = organization.keys("GET")
    named = {key["name"]: key["id"] for key in told.json["data"]}
    assert named == {"mycoops/anthropic/g1": organization.old["id"], "mycoops/anthropic/g2": organization.new["id"]}
    assert organization.old["value"] not in told.text
    assert organization.admin not in told.text
    hint = told.json["data"][0]["partial_key_hint"]
    assert organization.old["value"].startswith(hint.split("...")[0])
    organization.status(organization.old["id"], "inactive")
    assert [key["id"] for key in organization.keys("GET", "?status=inactive").json["data"]] == [organization.old["id"]]


def test_the_list_comes_in_pages(organization: Organization) -> None:
    first = organization.keys("GET", "?limit=1").json
    assert (len(first["data"]), first["has_more"]) == (1, True)
    second = organization.keys("GET", f"?limit=1&after_id={first['last_id']}").json
    assert (second["data"][0]["id"], second["has_more"]) == (organization.new["id"], False)


def test_each_key_is_for_its_own_api(organization: Organization) -> None:
    assert organization.keys("GET", value=organization.new["value"]).status == 401
    assert organization.models(organization.admin).status == 401
    assert organization.keys("GET", "/apikey_unknown").status == 404
    assert organization.keys("GET", f"/{organization.new['id']}").status == 200


def test_a_workspace_may_refuse_a_valid_key(organization: Organization) -> None:
    made = organization.create(name="w", workspace_id="wrkspc_a")
    organization.providers.step("anthropic", "restrict_workspace", workspace_id="wrkspc_a")
    told = organization.models(made["value"])
    assert (told.status, told.json["error"]["type"]) == (403, "permission_error")
    assert organization.models(organization.new["value"]).status == 200
    organization.providers.step("anthropic", "restrict_workspace", workspace_id="wrkspc_a", refused=False)
    assert organization.models(made["value"]).status == 200
    assert [key["name"] for key in organization.keys("GET", "?workspace_id=wrkspc_a").json["data"]] == ["w"]


def test_a_key_expires_and_is_deleted(organization: Organization) -> None:
    made = organization.create(name="short", expires_in=60)
    assert organization.models(made["value"]).status == 200
    organization.providers.later(61)
    assert organization.models(made["value"]).status == 401
    assert organization.keys("GET", f"/{made['id']}").json["status"] == "expired"
    organization.providers.step("anthropic", "delete_key", key=organization.old["id"])
    assert organization.models(organization.old["value"]).status == 401
    assert organization.keys("GET", f"/{organization.old['id']}").status == 404


def test_a_death_takes_its_time_to_propagate(organization: Organization) -> None:
    organization.providers.switch("anthropic", "propagation", old_seconds=10)
    organization.status(organization.old["id"], "inactive")
    assert organization.keys("GET", f"/{organization.old['id']}").json["status"] == "inactive"
    assert organization.models(organization.old["value"]).status == 200
    organization.providers.later(11)
    assert organization.models(organization.old["value"]).status == 401


def test_a_lost_reply_has_its_effect(organization: Organization) -> None:
    organization.providers.switch("anthropic", "lost_reply", method="POST")
    with pytest.raises(Lost):
        organization.status(organization.old["id"], "inactive")
    assert organization.models(organization.old["value"]).status == 401
