"""ChemSpider: several keys at a time, and few calls."""

from __future__ import annotations

from tests.providers.server import Answer, Providers


def lookup(providers: Providers, value: str) -> Answer:
    return providers.at("chemspider")("GET", "/compounds/v1/lookups/datasources", {"apikey": value})


def test_two_keys_at_a_time_and_one_is_deleted(providers: Providers) -> None:
    old, new = (providers.step("chemspider", "create_key", name=name) for name in ("g1", "g2"))
    assert [len(key["value"]) for key in (old, new)] == [32, 32]
    assert [lookup(providers, key["value"]).status for key in (old, new)] == [200, 200]
    assert lookup(providers, new["value"]).json["dataSources"]
    providers.step("chemspider", "delete_key", key=old["id"])
    assert [lookup(providers, key["value"]).status for key in (old, new)] == [401, 200]


def test_a_refusal_is_the_gateways(providers: Providers) -> None:
    told = lookup(providers, "nobody")
    assert (told.status, told.json["fault"]["detail"]["errorcode"]) == (401, "oauth.v2.InvalidApiKey")
    assert providers.at("chemspider")("GET", "/compounds/v1/lookups/datasources").status == 401


def test_calls_are_rationed_by_the_month(providers: Providers) -> None:
    providers.settings("chemspider", calls_per_month=3)
    value = providers.step("chemspider", "create_key", name="g1")["value"]
    assert [lookup(providers, value).status for _ in range(4)] == [200, 200, 200, 429]
    assert lookup(providers, "nobody").status == 401
    providers.later(31 * 24 * 3600)
    assert lookup(providers, value).status == 200


def test_a_death_propagates(providers: Providers) -> None:
    key = providers.step("chemspider", "create_key", name="g1")
    providers.switch("chemspider", "propagation", old_seconds=5)
    providers.step("chemspider", "delete_key", key=key["id"])
    assert lookup(providers, key["value"]).status == 200
    providers.later(6)
    assert lookup(providers, key["value"]).status == 401
