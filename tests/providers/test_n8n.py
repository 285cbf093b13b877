"""n8n: each instance knows its own keys only, and several of them at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.server import Answer, Providers


@pytest.fixture
def instances(providers: Providers) -> Providers:
    for instance in ("mas", "sandbox"):
        providers.step("n8n", "create_instance", instance=instance, workflows=["nightly", "hourly"])
    return providers


def key(providers: Providers, instance: str = "mas", **given: Any) -> dict[str, str]:
    found: dict[str, str] = providers.step("n8n", "create_key", instance=instance, name="g2", **given)
    return found


def workflows(providers: Providers, value: str, instance: str = "mas", query: str = "?limit=1") -> Answer:
    return providers.at(f"n8n/{instance}")("GET", f"/api/v1/workflows{query}", {"X-N8N-API-KEY": value})


def test_two_keys_at_a_time_and_one_is_deleted(instances: Providers) -> None:
    old, new = key(instances), key(instances)
    assert [workflows(instances, one["value"]).status for one in (old, new)] == [200, 200]
    instances.step("n8n", "delete_key", key=old["id"])
    assert [workflows(instances, one["value"]).status for one in (old, new)] == [401, 200]


def test_a_key_is_of_one_instance(instances: Providers) -> None:
    made = key(instances)
    assert workflows(instances, made["value"], "sandbox").status == 401
    assert workflows(instances, key(instances, "sandbox")["value"], "sandbox").status == 200
    assert workflows(instances, made["value"], "none").status == 404


def test_refusals(instances: Providers) -> None:
    assert workflows(instances, "nobody").json == {"message": "unauthorized"}
    told = instances.at("n8n/mas")("GET", "/api/v1/workflows")
    assert (told.status, told.json) == (401, {"message": "'X-N8N-API-KEY' header required"})


def test_the_list_comes_in_pages(instances: Providers) -> None:
    value = key(instances)["value"]
    first = workflows(instances, value).json
    assert [one["name"] for one in first["data"]] == ["nightly"]
    second = workflows(instances, value, query=f"?limit=1&cursor={first['nextCursor']}").json
    assert ([one["name"] for one in second["data"]], second["nextCursor"]) == (["hourly"], None)
    assert workflows(instances, value, query="?limit=251").status == 400
    assert workflows(instances, value, query=f"/{first['data'][0]['id']}").json["name"] == "nightly"
    assert workflows(instances, value, query="/none").status == 404


def test_scopes_shapes_and_expiry(instances: Providers) -> None:
    assert workflows(instances, key(instances, scopes=["workflow:read"])["value"]).status == 403
    legacy = key(instances, legacy=True)["value"]
    assert (legacy.startswith("n8n_api_"), len(legacy), workflows(instances, legacy).status) == (True, 88, 200)
    short = key(instances, expires_in=60)["value"]
    assert (short.count("."), workflows(instances, short).status) == (2, 200)
    instances.later(61)
    assert (workflows(instances, short).status, workflows(instances, legacy).status) == (401, 200)


def test_a_change_propagates_to_one_instance_only(instances: Providers) -> None:
    instances.switch("n8n", "propagation", place="mas", new_seconds=9)
    value, other = key(instances)["value"], key(instances, "sandbox")["value"]
    assert (workflows(instances, value).status, workflows(instances, other, "sandbox").status) == (401, 200)
    instances.later(10)
    assert workflows(instances, value).status == 200
