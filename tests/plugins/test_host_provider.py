"""The one HTTP client of host programs: what it calls an outcome, how often it asks, and what it never says."""

from __future__ import annotations

import base64
import secrets
import time
from urllib.parse import quote

import mycoops_provider as provider
import pytest
from fake_host import Health
from mycoops_reply import Refusal


def client(health: Health, **options: object) -> provider.Client:
    return provider.Client({"base_url": health.url, "timeout_seconds": 2, **options})


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (200, {}, "accepted"),
        (401, {}, "refused"),
        (403, {}, "forbidden"),
        (403, {"Retry-After": "60"}, "throttled"),
        (403, {"X-RateLimit-Remaining": "0"}, "throttled"),
        (403, {"X-RateLimit-Remaining": "12"}, "forbidden"),
        (429, {"Retry-After": "60"}, "throttled"),
        (302, {"Location": "http://192.0.2.1/"}, "unreachable"),
        (404, {}, "unreachable"),
        (503, {"Retry-After": "60"}, "unreachable"),
        (529, {}, "unreachable"),
    ],
)
def test_only_what_says_something_about_a_credential_is_an_outcome(
    health: Health, status: int, headers: dict[str, str], outcome: str
) -> None:
    health.says({}, status)
    health.headers = headers
    assert client(health)("GET", "").outcome() == outcome
    assert len(health.seen) == 1


def test_a_status_counts_as_refused_only_with_the_words_declared(health: Health) -> None:
    rule = {"status": 400, "json": {"error.type": "invalid"}}
    health.says({"error": {"type": "invalid"}}, 400)
    assert client(health)("GET", "").outcome(refused=rule) == "refused"
    health.says({"error": {"type": "other"}}, 400)
    assert client(health)("GET", "").outcome(refused=rule) == "unreachable"
    assert client(health)("GET", "").outcome(refused=[401, 400]) == "refused"


def test_no_answer_is_unreachable_and_told_by_its_class() -> None:
    answer = provider.Client({"base_url": "http://127.0.0.1:1"})("GET", "/")
    assert (answer.outcome(), answer.seen, answer.data) == ("unreachable", "ConnectionRefusedError", None)


def test_a_short_retry_after_is_waited_for_as_often_as_the_budget_lasts(health: Health) -> None:
    health.says({}, 429)
    health.headers = {"Retry-After": "1"}
    began, asking = time.monotonic(), provider.Client({"base_url": health.url}, budget=2)
    assert asking("GET", "").outcome() == "throttled"
    assert (len(health.seen), time.monotonic() - began >= 1) == (2, True)
    with pytest.raises(Refusal, match="no_budget"):
        asking("GET", "")
    assert len(health.seen) == 2


def test_a_long_retry_after_is_not_waited_for(health: Health) -> None:
    health.says({}, 429)
    health.headers = {"Retry-After": "9"}
    answer = client(health)("GET", "")
    assert (len(health.seen), answer.retry_after) == (1, 9.0)
    health.headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert client(health)("GET", "").retry_after == 0.0


def test_what_cannot_be_sent_is_named_without_it(health: Health) -> None:
    value = secrets.token_urlsafe(24) + "\nX-Other: 1"
    with pytest.raises(Refusal) as caught:
        client(health)("GET", "", {"X-Token": value})
    assert caught.value.code == "bad_value"
    assert value not in str(caught.value.error())
    assert health.seen == []


@pytest.mark.parametrize(
    "form",
    [
        lambda value: value,
        lambda value: value[5:15],
        lambda value: value.upper(),
        lambda value: value[::-1],
        lambda value: quote(value, safe=""),
        lambda value: base64.b64encode(value.encode()).decode(),
    ],
)
def test_what_a_service_says_is_shown_only_without_any_part_of_a_value(form: object) -> None:
    value = secrets.token_urlsafe(16) + "/+=" + secrets.token_urlsafe(16)
    assert provider.harmless(f"bad key {form(value)}", [value]) == ""  # type: ignore[operator]
    assert provider.harmless("API key invalid", [value]) == "API key invalid"
    assert provider.harmless("a" * 200, [value]) == ""


def test_a_proxy_of_the_environment_is_not_used(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert client(health)("GET", "").outcome() == "accepted"
