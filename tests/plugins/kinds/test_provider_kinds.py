"""Every kind whose value a person makes, against the provider server: control, outcomes, parity, and no value in what is said."""

from __future__ import annotations

from typing import Any

import pytest
from fake_host import Health
from kind_programs import new_value
from kind_servers import free_port
from provider_cases import BY_KIND, CASES, Case, asana, ask, github, github_second, notion

from tests.providers.server import Providers

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


def probe(case: Case, providers: Providers, value: str, subject: str = "new", **more: Any) -> dict[str, Any]:
    reply = ask(case.kind, "probe", {**case.declared(providers.url), **more}, value=value, subject=subject)
    for end in range(len(value) - 7):
        assert value[end : end + 8] not in str(reply), "a part of the value is in the reply"
    return reply


@each
def test_a_value_is_accepted_until_a_person_ends_it_and_a_random_one_never(case: Case, providers: Providers) -> None:
    old = case.first(providers)
    assert probe(case, providers, old["value"], "old")["outcome"] == "accepted"
    assert probe(case, providers, case.random(old["value"]))["outcome"] == "refused"
    assert probe(case, providers, new_value(), "random")["outcome"] == "refused"
    control = ask(case.kind, "preflight", case.declared(providers.url), value=new_value(), subject="random")
    assert control["done"] is True
    new = case.second(providers, old)
    still = "refused" if case.one_slot else "accepted"
    assert [probe(case, providers, new["value"])["outcome"], probe(case, providers, old["value"], "old")["outcome"]] == [
        "accepted",
        still,
    ]
    if case.end:
        case.end(providers, old)
        assert probe(case, providers, old["value"], "old")["outcome"] == "refused"
    assert probe(case, providers, new["value"])["outcome"] == "accepted"


@each
def test_what_goes_wrong_there_proves_nothing_and_says_no_value(case: Case, providers: Providers) -> None:
    value = case.first(providers)["value"]
    providers.switch(case.provider, "echo", times=None)
    for switch, more, outcome in (
        ("throttle", {"retry_after": 60}, "throttled"),
        ("forbid", {}, "forbidden"),
        ("error", {"status": 503}, "unreachable"),
        ("error", {"status": 404}, "unreachable"),
        ("error", {"status": 500, "after_effect": True}, "unreachable"),
        ("lost_reply", {"seconds": 0.1}, "unreachable"),
    ):
        providers.switch(case.provider, switch, **more)
        assert probe(case, providers, value)["outcome"] == outcome, switch
    assert probe(case, providers, case.random(value))["outcome"] == "refused"
    assert probe(case, providers, value)["outcome"] == "accepted"


@each
def test_a_provider_that_lets_everybody_in_cannot_be_verified_against(case: Case, health: Health) -> None:
    reply = ask(case.kind, "preflight", case.declared(health.url), value=new_value(), subject="random")
    assert reply["error"]["code"] == "cannot_verify"


@each
def test_nobody_there_is_unreachable(case: Case) -> None:
    options = case.declared(f"http://127.0.0.1:{free_port()}")
    assert ask(case.kind, "probe", options, value="1234567890:" + new_value())["outcome"] == "unreachable"
    assert ask(case.kind, "preflight", options, value=new_value(), subject="random")["error"]["code"] == "unreachable"


@each
def test_a_short_retry_after_is_waited_for_within_the_budget(case: Case, providers: Providers) -> None:
    value = case.first(providers)["value"]
    providers.switch(case.provider, "throttle", retry_after=1)
    rationed = case.kind == "chemspider_key"
    assert probe(case, providers, value)["outcome"] == ("throttled" if rationed else "accepted")
    providers.ask("DELETE", f"/{case.provider}/calls")
    providers.switch(case.provider, "throttle", retry_after=1, times=None)
    assert probe(case, providers, value)["outcome"] == "throttled"
    assert len(providers.calls(case.provider)) == (1 if rationed else 3)


def test_a_new_value_that_has_not_propagated_is_refused_and_then_accepted(providers: Providers) -> None:
    case = BY_KIND["asana_pat"]
    old = case.first(providers)
    providers.switch("asana", "propagation", new_seconds=30, old_seconds=30)
    new = case.second(providers, old)
    assert probe(case, providers, new["value"])["outcome"] == "refused"
    case.end and case.end(providers, old)
    assert probe(case, providers, old["value"], "old")["outcome"] == "accepted"
    providers.later(31)
    assert [probe(case, providers, one["value"])["outcome"] for one in (new, old)] == ["accepted", "refused"]


def test_the_token_of_telegram_is_in_no_evidence_though_it_is_in_the_path(providers: Providers) -> None:
    value = BY_KIND["telegram_token"].first(providers)["value"]
    told = probe(BY_KIND["telegram_token"], providers, value)["evidence"]
    assert told["call"].endswith("/telegram/bot<value>/getMe")
    assert "wrong form" not in told
    strange = ask("telegram_token", "probe", BY_KIND["telegram_token"].declared(providers.url), value="no token of that form/../x")
    assert strange["outcome"] == "unreachable"


def test_another_400_of_ncbi_says_nothing_about_the_key(providers: Providers) -> None:
    case = BY_KIND["ncbi_key"]
    value = case.first(providers)["value"]
    providers.switch("ncbi", "error", status=400)
    assert probe(case, providers, value)["outcome"] == "unreachable"


def test_a_key_of_another_n8n_is_refused(providers: Providers) -> None:
    case = BY_KIND["n8n_key"]
    value = case.first(providers)["value"]
    providers.step("n8n", "create_instance", instance="sandbox")
    assert probe(case, providers, value, base_url=f"{providers.url}/n8n/sandbox")["outcome"] == "refused"
    scopeless = providers.step("n8n", "create_key", instance="mas", name="x", scopes=[])["value"]
    assert probe(case, providers, scopeless)["outcome"] == "forbidden"


def parity(case: Case, providers: Providers, old: str, new: str, **more: Any) -> dict[str, Any]:
    options = {**case.declared(providers.url), **more}
    reply = ask(case.kind, "parity", options, value=new, previous_value=old)
    assert old not in str(reply)
    assert new not in str(reply)
    return reply


@pytest.mark.parametrize("kind", ["anthropic_key", "asana_pat", "github_pat", "n8n_key", "notion_token"])
def test_two_values_of_the_same_reach_are_equal(providers: Providers, kind: str) -> None:
    case = BY_KIND[kind]
    old = case.first(providers)
    new = case.second(providers, old)
    assert parity(case, providers, old["value"], new["value"])["equal"] is True


def test_a_new_integration_that_sees_fewer_pages_is_noticed_over_all_pages_of_the_list(providers: Providers) -> None:
    old = notion(providers)
    new = providers.step("notion", "create_integration", name="two")
    pages = old["pages"].split()
    for page in pages[1:]:
        providers.step("notion", "share_page", page=page, integration=new["id"])
    case = BY_KIND["notion_token"]
    reply = parity(case, providers, old["value"], new["value"])
    assert (reply["equal"], reply["evidence"]) == (False, {"pages": "119 of 120", "missing": pages[0]})
    assert parity(case, providers, new["value"], old["value"])["evidence"] == {"pages": "119 of 119, 1 more"}


def test_the_token_of_another_person_is_noticed_by_its_workspaces(providers: Providers) -> None:
    old = asana(providers)
    ben = providers.step("asana", "create_person", name="ben", workspaces=["lab"])["gid"]
    new = providers.step("asana", "create_token", person=ben, name="t")
    assert parity(BY_KIND["asana_pat"], providers, old["value"], new["value"])["equal"] is False


@pytest.mark.parametrize("less", [{"pending": True}, {"repositories": ["org/one"]}])
def test_a_token_that_waits_for_an_approval_or_opens_less_is_noticed(providers: Providers, less: dict[str, Any]) -> None:
    old, case = github(providers), BY_KIND["github_pat"]
    new = github_second(providers, **less)
    assert probe(case, providers, new["value"])["outcome"] == "accepted"
    reply = parity(case, providers, old["value"], new["value"], repositories=["org/one", "org/two"])
    assert reply["equal"] is False
    assert "/repos/org/two" in reply["evidence"]["missing"]
    if "pending" in less:
        providers.step("github", "approve_token", token=new["id"])
        assert parity(case, providers, old["value"], new["value"], repositories=["org/one", "org/two"])["equal"] is True


def test_the_generic_kind_compares_the_urls_that_are_declared(providers: Providers) -> None:
    old, more = github(providers), {"url": f"{providers.url}/github/user", "opens": [f"{providers.url}/github/repos/org/one"]}
    case = BY_KIND["generic_api_key"]
    new = github_second(providers, pending=True)["value"]
    assert parity(case, providers, old["value"], new, **more)["equal"] is False
    assert parity(case, providers, old["value"], old["value"], **more)["equal"] is True
    assert parity(case, providers, old["value"], new)["evidence"] == {"compared": "nothing is declared that could be"}


def test_what_cannot_be_read_is_no_parity(providers: Providers) -> None:
    case = BY_KIND["notion_token"]
    old = notion(providers)
    providers.switch("notion", "error", status=500, path="search")
    reply = ask("notion_token", "parity", case.declared(providers.url), value=old["value"], previous_value=old["value"])
    assert reply["error"]["code"] == "cannot_compare"
