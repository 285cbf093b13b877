"""The kinds quickbooks_oauth and quickbooks_app against the provider server: no value that is in force is ever unknown here."""

from __future__ import annotations

from pathlib import Path

import pytest
from provider_fleet import Kept

from mycoops.secret import Secret
from tests.providers.server import Providers

DAY = 86400


@pytest.fixture
def kept(providers: Providers, tmp_path: Path) -> Kept:
    app = providers.step("quickbooks", "create_app", name="books")
    grant = providers.step("quickbooks", "consent", app=app["id"], company="Spores Ltd", realm="7")
    url = f"{providers.url}/quickbooks"
    options = {"base_url": url, "company_url": url, "client_id": app["id"], "realm": "7", "timeout_seconds": 2}
    return Kept(tmp_path, "kind_quickbooks_oauth/files/quickbooks_grant.py", options, grant["value"], app["value"])


def spent(providers: Providers) -> int:
    """How many refresh tokens the provider has ever made."""
    return len([one for one in providers.ask("GET", "/quickbooks")["credentials"] if one["name"] == "refresh"])


def test_the_next_value_is_kept_and_the_one_before_dies_a_day_later(kept: Kept, providers: Providers) -> None:
    assert kept("preflight")["done"] is True
    assert spent(providers) == 1, "a preflight uses nothing up"
    assert kept("refresh")["kept"] == 2
    assert kept.outcomes() == ["refused", "accepted", "accepted"]
    assert spent(providers) == 2, "neither do the probes, while the one before leads to the new one"
    providers.later(DAY + 1)
    assert kept.outcomes() == ["refused", "accepted", "refused"]
    kept.silent()


def test_a_kept_value_is_not_used_again_by_the_same_order(kept: Kept, providers: Providers) -> None:
    kept("refresh")
    assert kept("refresh") == {"done": True, "changed": False, "kept": 2}
    assert spent(providers) == 2


@pytest.mark.parametrize("how", ["lost reply", "ended controller"])
def test_after_an_unknown_end_the_same_value_leads_to_the_same_next_one(kept: Kept, providers: Providers, how: str) -> None:
    if how == "lost reply":
        providers.switch("quickbooks", "lost_reply", method="POST")
        assert kept("refresh")["error"]["code"] == "no_answer"
    else:
        kept("refresh", lose=True)
    assert kept.store.pending("it") == []
    assert kept("refresh")["kept"] == 2
    assert spent(providers) == 2, "the very value that was lost"
    assert kept.outcomes() == ["refused", "accepted", "accepted"]


def test_a_probe_that_has_to_use_the_new_value_keeps_what_comes_back(kept: Kept, providers: Providers) -> None:
    kept("refresh")
    providers.later(DAY + 1)
    found = kept("probe")
    assert (found["outcome"], found["kept"]) == ("accepted", 3)
    assert kept.store.pending("it") == [2, 3]
    assert kept("probe")["outcome"] == "accepted"
    assert kept.store.pending("it") == [2, 3], "the one before leads to what is kept already"
    kept.silent()


def test_a_refresh_that_is_refused_reads_the_store_before_it_gives_up(kept: Kept, providers: Providers) -> None:
    """Generation 2 was used by a proof: the newest value is 3, and only that one leads on."""
    kept("refresh")
    providers.later(DAY + 1)
    kept("probe")
    providers.later(DAY + 1)
    assert kept("probe", "old", numbers=(2, 4))["outcome"] == "refused"
    assert kept("refresh", numbers=(2, 4))["kept"] == 4
    kept.silent()


def test_a_grant_that_is_over_is_told_as_that(kept: Kept, providers: Providers) -> None:
    grant = next(one["id"] for one in providers.ask("GET", "/quickbooks")["credentials"])
    providers.later(200 * DAY)
    assert grant
    assert kept("refresh")["error"]["code"] == "invalid_grant"
    assert kept.store.pending("it") == []


def test_a_value_that_the_provider_does_not_change_yet_is_no_new_one(kept: Kept, providers: Providers) -> None:
    providers.settings("quickbooks", changes_after_seconds=DAY)
    assert kept("refresh")["error"]["code"] == "unchanged"
    providers.later(DAY + 1)
    assert kept("refresh")["kept"] == 2


def test_an_app_that_is_refused_says_nothing_about_the_grant(kept: Kept, providers: Providers) -> None:
    wrong = {"$form": "<value>", "credential": "admin", "generation": 1, "random": True}
    assert kept("refresh", admin_value=wrong)["error"]["code"] == "admin_refused"
    assert kept("preflight", admin_value=wrong)["error"]["code"] == "admin_refused"
    assert kept("probe", "old", admin_value=wrong)["outcome"] == "unreachable"


def test_throttled_forbidden_and_an_error_that_quotes_are_told_without_the_value(kept: Kept, providers: Providers) -> None:
    kept("refresh")
    providers.switch("quickbooks", "throttle", retry_after=60)
    assert kept("probe", "old")["outcome"] == "throttled"
    providers.switch("quickbooks", "forbid", path="companyinfo")
    assert kept("probe")["outcome"] == "forbidden"
    providers.switch("quickbooks", "echo", times=None)
    kept.outcomes()
    providers.later(DAY + 1)
    assert kept("probe", "old")["outcome"] == "refused"
    kept.silent()


def test_the_secret_of_an_app_is_tried_without_a_grant(kept: Kept, providers: Providers, tmp_path: Path) -> None:
    secret = kept.store.secret("admin", 1).reveal()
    app = Kept(tmp_path / "app", "kind_quickbooks_app/files/quickbooks_app.py", kept.options, secret, secret)
    app.store.put_pending("it", 2, "", Secret("x" * 40))
    assert app("probe", "old")["outcome"] == "accepted"
    assert app("probe", "new")["outcome"] == app("probe", "random")["outcome"] == "refused"
    providers.switch("quickbooks", "throttle", retry_after=60)
    assert app("probe", "old")["outcome"] == "throttled"
    assert spent(providers) == 1
