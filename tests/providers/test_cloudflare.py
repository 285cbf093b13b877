"""Cloudflare: what the kind relies on when it makes, tries, lists and ends tokens by API."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from tests.providers.server import Answer, Base, Lost, Providers, bearer

TOKENS = "/client/v4/user/tokens"
TAG = "mycoops/cloudflare_dns/g2/r1"


class Account:
    """A user with two zones and the token that makes tokens."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("cloudflare")
        self.zone, self.other = (
            providers.step("cloudflare", "create_zone", name=name)["id"] for name in ("a.example", "b.example")
        )
        self.creator = providers.step("cloudflare", "create_token", name="creator", permissions={"API Tokens Write": "user"})[
            "value"
        ]
        self.groups = {group["name"]: group["id"] for group in self("GET", "/permission_groups").json["result"]}

    def __call__(self, method: str, path: str = "", body: Any = None, value: str = "") -> Answer:
        return self.ask(method, TOKENS + path, bearer(value or self.creator), body=body)

    def policies(self, *groups: str, zone: str = "") -> list[dict[str, Any]]:
        resources = {f"com.cloudflare.api.account.zone.{zone or self.zone}": "*"}
        return [{"effect": "allow", "resources": resources, "permission_groups": [{"id": self.groups[name]} for name in groups]}]

    def make(self, name: str = TAG, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self("POST", "", {"name": name, "policies": self.policies("DNS Read"), **more}).json["result"]
        return found

    def verify(self, value: str) -> Answer:
        return self("GET", "/verify", value=value)

    def records(self, value: str, zone: str = "") -> Answer:
        return self.ask("GET", f"/client/v4/zones/{zone or self.zone}/dns_records", bearer(value))

    def listed(self, name: str) -> list[str]:
        return [token["id"] for token in self("GET", "?per_page=50").json["result"] if token["name"] == name]


@pytest.fixture
def account(providers: Providers) -> Account:
    return Account(providers)


def test_a_token_is_made_once_and_found_by_its_tag(account: Account) -> None:
    made = account.make(expires_on="2099-01-01T00:00:00Z")
    assert re.fullmatch(r"cfut_[A-Za-z0-9]{40}[0-9a-f]{8}", made["value"])
    assert account.listed(TAG) == [made["id"]]
    assert account.listed("mycoops/another/g1/r1") == []
    shown = account("GET", f"/{made['id']}").json["result"]
    assert (shown["name"], shown["status"], shown["expires_on"]) == (TAG, "active", "2099-01-01T00:00:00Z")
    assert "value" not in shown
    assert made["value"] not in account("GET").text


def test_verify_says_who_it_is_and_that_it_is_active(account: Account) -> None:
    made = account.make()
    told = account.verify(made["value"]).json
    assert (told["success"], told["result"]["id"], told["result"]["status"]) == (True, made["id"], "active")
    wrong = account.verify(made["value"][:-8] + "00000000")
    assert (wrong.status, wrong.json["errors"]) == (401, [{"code": 1000, "message": "Invalid API Token"}])
    assert account.verify("short").json["errors"][0]["error_chain"][0]["code"] == 6111
    assert account.ask("GET", f"{TOKENS}/verify").status == 400


def test_it_may_what_its_policies_say_and_no_more(account: Account) -> None:
    made = account.make()
    assert account.records(made["value"]).status == 200
    refused = account.records(made["value"], account.other)
    assert (refused.status, refused.json["errors"][0]["code"]) == (403, 10000)
    assert account("GET", value=made["value"]).status == 403
    assert account("POST", "", {"name": "x", "policies": account.policies("DNS Read")}, made["value"]).status == 403
    reader = account.make("zones", policies=account.policies("Zone Read"))
    zones = account.ask("GET", "/client/v4/zones", bearer(reader["value"])).json["result"]
    assert [zone["name"] for zone in zones] == ["a.example"]
    assert account.records(reader["value"]).status == 403, "active, but it lacks the scope"


def test_put_replaces_the_whole_token(account: Account) -> None:
    made = account.make(policies=account.policies("DNS Read", "Zone Read"), expires_on="2099-01-01T00:00:00Z")
    assert account("PUT", f"/{made['id']}", {"status": "disabled"}).status == 400
    assert account.records(made["value"]).status == 200
    account("PUT", f"/{made['id']}", {"name": TAG, "policies": account.policies("Zone Read"), "status": "active"})
    assert account.records(made["value"]).status == 403
    assert "expires_on" not in account("GET", f"/{made['id']}").json["result"]


def test_disabled_is_reversible_and_deleted_is_not(account: Account) -> None:
    made = account.make()
    whole = {"name": TAG, "policies": made["policies"]}
    assert account("PUT", f"/{made['id']}", {**whole, "status": "disabled"}).json["result"]["status"] == "disabled"
    assert account.records(made["value"]).status == 403
    told = account.verify(made["value"])
    assert (told.status, told.json["result"]["status"]) == (200, "disabled"), "200 alone does not mean that it works"
    account.providers.settings("cloudflare", inactive_is_refused=True)
    assert account.verify(made["value"]).status == 401
    account("PUT", f"/{made['id']}", {**whole, "status": "active"})
    assert account.verify(made["value"]).json["result"]["status"] == "active"
    assert account("DELETE", f"/{made['id']}").json["result"] == {"id": made["id"]}
    assert account.verify(made["value"]).status == 401
    assert account("DELETE", f"/{made['id']}").status == 404
    assert account.listed(TAG) == []


def test_a_rolled_value_cuts_at_once_and_keeps_the_id(account: Account) -> None:
    made = account.make()
    rolled = account("PUT", f"/{made['id']}/value", {}).json["result"]
    assert rolled != made["value"]
    assert account.verify(rolled).json["result"]["id"] == made["id"]
    assert account.verify(made["value"]).status == 401
    assert account.records(rolled).status == 200


def test_it_expires_by_itself(account: Account) -> None:
    now = account.providers.ask("GET", "/clock")["now"]
    made = account.make(expires_on=stamp(now + 3600))
    account.providers.later(3500)
    assert account.records(made["value"]).status == 200
    account.providers.later(200)
    assert account.records(made["value"]).status == 403
    assert account.verify(made["value"]).json["result"]["status"] == "expired"
    assert account("GET", f"/{made['id']}").json["result"]["status"] == "expired"


def stamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_lost_reply_leaves_a_token_that_is_found_and_deleted(account: Account) -> None:
    account.providers.switch("cloudflare", "lost_reply", method="POST", path="/user/tokens")
    with pytest.raises(Lost):
        account("POST", "", {"name": TAG, "policies": account.policies("DNS Read")})
    (orphan,) = account.listed(TAG)
    account("DELETE", f"/{orphan}")
    assert account.listed(TAG) == []


def test_an_error_may_come_after_the_effect_or_before_it(account: Account) -> None:
    for after_effect, found in ((False, 0), (True, 1)):
        account.providers.switch("cloudflare", "error", status=502, method="POST", after_effect=after_effect)
        assert account("POST", "", {"name": TAG, "policies": account.policies("DNS Read")}).status == 502
        assert len(account.listed(TAG)) == found


def test_an_old_token_dies_once_that_has_propagated(account: Account) -> None:
    made = account.make()
    account.providers.switch("cloudflare", "propagation", old_seconds=30)
    account("DELETE", f"/{made['id']}")
    assert account.listed(TAG) == []
    assert account.verify(made["value"]).status == 200
    account.providers.later(31)
    assert account.verify(made["value"]).status == 401


def test_limits_and_quota(account: Account) -> None:
    account.providers.settings("cloudflare", tokens_per_user=2)
    account.make()
    assert account("POST", "", {"name": "third", "policies": account.policies("DNS Read")}).status == 400
    account.providers.settings("cloudflare", calls_per_five_minutes=1)
    told = account("GET")
    assert (told.status, int(told.headers["retry-after"]) <= 300) == (429, True)
    assert told.headers["ratelimit"].startswith('"default";r=0;t=')
    account.providers.later(301)
    assert account("GET").status == 200


@pytest.mark.parametrize("spoilt", ["name", "policies", "group", "effect", "expires_on", "status"])
def test_a_bad_token_is_not_made(account: Account, spoilt: str) -> None:
    body: dict[str, Any] = {"name": "bad", "policies": account.policies("DNS Read")}
    wrong = {"name": "", "policies": [], "expires_on": "tomorrow", "status": "gone"}
    if spoilt == "group":
        body["policies"][0]["permission_groups"] = [{"id": "0" * 32}]
    elif spoilt == "effect":
        body["policies"][0]["effect"] = "maybe"
    else:
        body[spoilt] = wrong[spoilt]
    assert account("POST", "", body).status == 400
    assert account.listed("bad") == []


def test_the_body_must_be_json(account: Account) -> None:
    base: Base = account.ask
    assert base("POST", TOKENS, bearer(account.creator), form={"name": "x"}).status == 400
