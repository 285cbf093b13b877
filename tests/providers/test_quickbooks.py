"""QuickBooks: each refresh leads to the next refresh token; the one before leads there too, for a day; a revocation ends all."""

from __future__ import annotations

import pytest

from tests.providers.probes import refreshed
from tests.providers.server import Answer, Lost, Providers, basic, bearer

DAY = 86400
REVOKE = "/v2/oauth2/tokens/revoke"


class Grant:
    """A company's grant to an app, and its first refresh token."""

    def __init__(self, providers: Providers) -> None:
        self.providers, self.ask = providers, providers.at("quickbooks")
        self.app = providers.step("quickbooks", "create_app", name="lab")
        made = providers.step("quickbooks", "consent", app=self.app["id"], company="Lab Ltd")
        self.id, self.realm, self.first = made["id"], made["realm"], made["value"]

    def refresh(self, value: str) -> Answer:
        return refreshed(self.providers, self.app, value)

    def following(self, value: str) -> str:
        return str(self.refresh(value).json["refresh_token"])

    def company(self, access: str, realm: str = "") -> Answer:
        realm = realm or self.realm
        return self.ask("GET", f"/v3/company/{realm}/companyinfo/{realm}", bearer(access))

    def revoke(self, value: str) -> Answer:
        return self.ask("POST", REVOKE, basic(self.app["id"], self.app["value"]), body={"token": value})


@pytest.fixture
def grant(providers: Providers) -> Grant:
    return Grant(providers)


def test_a_refresh_gives_access_and_the_next_refresh_token(grant: Grant) -> None:
    told = grant.refresh(grant.first).json
    assert (told["token_type"], told["expires_in"], told["x_refresh_token_expires_in"]) == ("bearer", 3600, 8726400)
    assert told["refresh_token"] != grant.first
    assert grant.company(told["access_token"]).json["CompanyInfo"]["CompanyName"] == "Lab Ltd"


def test_the_token_before_leads_to_the_same_next_one(grant: Grant) -> None:
    second = grant.following(grant.first)
    assert grant.following(grant.first) == second
    third = grant.following(second)
    assert third != second
    assert grant.following(second) == third
    assert grant.refresh(grant.first).json == {"error": "invalid_grant"}, "two back is dead"


def test_after_a_day_the_token_before_is_dead(grant: Grant) -> None:
    second = grant.following(grant.first)
    grant.providers.later(DAY - 60)
    assert grant.following(grant.first) == second
    grant.providers.later(120)
    told = grant.refresh(grant.first)
    assert (told.status, told.json) == (400, {"error": "invalid_grant"})
    assert grant.refresh(second).status == 200


def test_it_may_change_once_a_day_only(grant: Grant) -> None:
    grant.providers.settings("quickbooks", changes_after_seconds=DAY)
    assert grant.following(grant.first) == grant.first
    grant.providers.later(DAY + 1)
    assert grant.following(grant.first) != grant.first


def test_a_lost_reply_costs_nothing_where_the_same_token_is_tried_again(grant: Grant) -> None:
    grant.providers.switch("quickbooks", "lost_reply", path="/tokens/bearer")
    with pytest.raises(Lost):
        grant.refresh(grant.first)
    second = grant.following(grant.first)
    assert grant.refresh(second).status == 200


def test_an_access_token_lives_an_hour_and_a_refresh_token_a_hundred_days(grant: Grant) -> None:
    told = grant.refresh(grant.first).json
    grant.providers.later(3601)
    refused = grant.company(told["access_token"])
    assert (refused.status, refused.json["Fault"]["Error"][0]["code"]) == (401, "3200")
    assert refused.headers["intuit_tid"]
    grant.providers.later(102 * DAY)
    assert grant.refresh(told["refresh_token"]).json == {"error": "invalid_grant"}


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_revoking_a_token_ends_the_grant(grant: Grant, which: str) -> None:
    told = grant.refresh(grant.first).json
    assert grant.revoke(told[which]).status == 200
    assert grant.refresh(told["refresh_token"]).json == {"error": "invalid_grant"}
    assert grant.refresh(grant.first).json == {"error": "invalid_grant"}
    assert grant.company(told["access_token"]).status == 401
    assert grant.revoke(told[which]).status == 400
    again = grant.providers.step("quickbooks", "consent", app=grant.app["id"], company="Lab Ltd")
    assert grant.refresh(again["value"]).status == 200, "after new consent"


def test_a_company_disconnects(grant: Grant) -> None:
    grant.providers.step("quickbooks", "disconnect", grant=grant.id)
    assert grant.refresh(grant.first).json == {"error": "invalid_grant"}


def test_who_asks_must_be_the_app(grant: Grant) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": grant.first}
    wrong = grant.ask("POST", "/oauth2/v1/tokens/bearer", basic(grant.app["id"], "wrong"), form=form)
    assert (wrong.status, wrong.json) == (401, {"error": "invalid_client"})
    other = grant.providers.step("quickbooks", "create_app", name="other")
    assert refreshed(grant.providers, other, grant.first).json == {"error": "invalid_grant"}
    credentials = basic(grant.app["id"], grant.app["value"])
    unknown = grant.ask("POST", "/oauth2/v1/tokens/bearer", credentials, form={"grant_type": "password"})
    assert unknown.json == {"error": "unsupported_grant_type"}
    assert grant.refresh(grant.first).status == 200


def test_a_token_is_for_its_company_and_its_purpose(grant: Grant) -> None:
    told = grant.refresh(grant.first).json
    assert grant.company(told["access_token"], "1").status == 403
    assert grant.company(told["refresh_token"]).status == 401
    assert grant.refresh(told["access_token"]).json == {"error": "invalid_grant"}


def test_propagation_of_new_and_old(grant: Grant) -> None:
    grant.providers.switch("quickbooks", "propagation", new_seconds=5, old_seconds=5)
    told = grant.refresh(grant.first).json
    assert grant.company(told["access_token"]).status == 401
    assert grant.refresh(told["refresh_token"]).json == {"error": "invalid_grant"}, "a new one may not work yet: nothing is lost"
    assert grant.following(grant.first) == told["refresh_token"]
    grant.providers.later(6)
    assert grant.company(told["access_token"]).status == 200
    grant.revoke(told["refresh_token"])
    assert grant.company(told["access_token"]).status == 200
    grant.providers.later(6)
    assert grant.company(told["access_token"]).status == 401


def test_a_limit_for_each_company(grant: Grant) -> None:
    access = grant.refresh(grant.first).json["access_token"]
    grant.providers.settings("quickbooks", calls_per_minute=1)
    assert grant.company(access).status == 200
    told = grant.company(access)
    assert (told.status, told.json["Fault"]["Error"][0]["code"]) == (429, "3001")
    grant.providers.later(61)
    assert grant.company(access).status == 200


def test_a_new_secret_ends_the_one_before_and_leaves_the_grants(grant: Grant) -> None:
    old = dict(grant.app)
    grant.app = {**old, **grant.providers.step("quickbooks", "rotate_secret", app=old["id"])}
    assert grant.refresh(grant.first).status == 200
    refused = refreshed(grant.providers, old, grant.first)
    assert (refused.status, refused.json) == (401, {"error": "invalid_client"})


def test_an_app_can_have_the_id_that_a_catalogue_names(providers: Providers) -> None:
    assert providers.step("quickbooks", "create_app", name="lab", client_id="books")["id"] == "books"
