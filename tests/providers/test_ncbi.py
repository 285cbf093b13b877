"""NCBI: a wrong key is refused with a body that quotes it; no key at all is accepted, which proves nothing."""

from __future__ import annotations

import pytest

from tests.providers.server import Answer, Providers

PATH = "/entrez/eutils/einfo.fcgi"


def einfo(providers: Providers, value: str = "", method: str = "POST") -> Answer:
    given = {"retmode": "json", **({"api_key": value} if value else {})}
    ask = providers.at("ncbi")
    if method == "POST":
        return ask("POST", PATH, form=given)
    return ask("GET", PATH + "?" + "&".join(f"{name}={one}" for name, one in given.items()))


@pytest.fixture
def value(providers: Providers) -> str:
    return str(providers.step("ncbi", "create_key", account="ann")["value"])


def test_the_key_in_the_body_is_accepted(providers: Providers, value: str) -> None:
    told = einfo(providers, value)
    assert (told.status, "pubmed" in told.json["einforesult"]["dblist"]) == (200, True)
    assert einfo(providers, value, "GET").status == 200
    assert providers.at("ncbi")("GET", PATH).text.startswith("<eInfoResult>")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_wrong_key_is_refused_and_quoted(providers: Providers, value: str, method: str) -> None:
    wrong = value[::-1]
    told = einfo(providers, wrong, method)
    assert told.status == 400
    assert told.json == {"error": "API key invalid", "api-key": wrong, "type": "invalid", "status": "unknown"}


def test_without_a_key_it_answers_too(providers: Providers, value: str) -> None:
    assert einfo(providers).status == 200


def test_a_replaced_key_dies_at_once(providers: Providers, value: str) -> None:
    assert providers.control("POST", "/ncbi/console/create_key", body={"account": "ann"}).status == 400, "one slot"
    new = providers.step("ncbi", "replace_key", account="ann")["value"]
    assert (einfo(providers, value).status, einfo(providers, new).status) == (400, 200)


def test_a_death_propagates(providers: Providers, value: str) -> None:
    providers.switch("ncbi", "propagation", old_seconds=5)
    new = providers.step("ncbi", "replace_key", account="ann")["value"]
    assert (einfo(providers, value).status, einfo(providers, new).status) == (200, 200)
    providers.later(6)
    assert einfo(providers, value).status == 400


def test_without_a_key_it_is_slower(providers: Providers, value: str) -> None:
    assert (einfo(providers).headers["x-ratelimit-limit"], einfo(providers, value).headers["x-ratelimit-limit"]) == ("3", "10")
    providers.settings("ncbi", per_second=0)
    told = einfo(providers)
    assert (told.status, told.headers["retry-after"], told.json["error"]) == (429, "2", "API rate limit exceeded")
    assert told.json["api-key"] == "127.0.0.1"
    assert einfo(providers, value).status == 200
    providers.settings("ncbi", per_second_with_key=0)
    assert einfo(providers, value).json["api-key"] == value, "this one quotes the key, too"
