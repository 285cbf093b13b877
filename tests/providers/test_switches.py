"""Every switch does what it says at every provider, as often as it says, where it says, and nothing without it."""

from __future__ import annotations

import time

import pytest

from tests.providers.probes import PROBES, Probe, quickbooks
from tests.providers.server import Answer, Base, Lost, Providers

LATE, PATIENCE, SILENCE = 0.15, 0.1, 3.0


@pytest.fixture(params=PROBES, ids=lambda probe: probe.provider)
def probe(request: pytest.FixtureRequest) -> Probe:
    found: Probe = request.param
    return found


@pytest.fixture
def value(probe: Probe, providers: Providers) -> str:
    return probe.make(providers)


def told(answer: Answer, value: str) -> bool:
    """Whether an answer quotes the secret part of a value."""
    return value.rpartition("=")[2] in answer.text


def test_without_a_switch_a_value_is_accepted_and_another_refused(probe: Probe, providers: Providers, value: str) -> None:
    assert probe(providers, value).status == 200
    refused = probe(providers, probe.other(value))
    assert refused.status == probe.refused
    assert refused.status < 500


def test_the_values_of_two_credentials_are_not_the_same(probe: Probe, providers: Providers, value: str) -> None:
    providers.ask("POST", "/reset")
    again = probe.make(providers)
    assert again != value
    assert len(again) == len(value)
    assert probe(providers, value).status == probe.refused


def test_latency(probe: Probe, providers: Providers, value: str) -> None:
    providers.switch(probe.provider, "latency", seconds=LATE)
    begun = time.monotonic()
    assert probe(providers, value).status == 200
    assert time.monotonic() - begun >= LATE
    providers.switch(probe.provider, "latency", seconds=LATE)
    with pytest.raises(Lost):
        probe(providers, value, timeout=PATIENCE)
    assert probe(providers, value).status == 200
    assert "" in [call["fault"] for call in providers.calls(probe.provider)][-2:], "the third call was not late"


def test_throttle(probe: Probe, providers: Providers, value: str) -> None:
    providers.switch(probe.provider, "throttle", times=2, retry_after=7)
    for _ in range(2):
        answer = probe(providers, value)
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert answer.json
        assert not told(answer, value)
    assert probe(providers, value).status == 200


@pytest.mark.parametrize("status", [500, 502, 503])
def test_error(probe: Probe, providers: Providers, value: str, status: int) -> None:
    providers.switch(probe.provider, "error", status=status)
    answer = probe(providers, value)
    assert (answer.status, bool(answer.json)) == (status, True)
    assert probe(providers, value).status == 200


def test_lost_reply(probe: Probe, providers: Providers, value: str) -> None:
    providers.ask("DELETE", f"/{probe.provider}/calls")
    providers.switch(probe.provider, "lost_reply")
    with pytest.raises(Lost):
        probe(providers, value)
    providers.switch(probe.provider, "lost_reply", seconds=SILENCE)
    begun = time.monotonic()
    with pytest.raises(Lost):
        probe(providers, value, timeout=PATIENCE)
    assert PATIENCE <= time.monotonic() - begun < SILENCE
    assert probe(providers, value).status == 200
    found = providers.calls(probe.provider)
    assert [(call["status"], call["fault"]) for call in found] == [(0, "lost_reply"), (0, "lost_reply"), (200, "")]
    assert all(call["credential"] for call in found), "the effect was there: it had been let in"


def test_forbid_is_no_refusal(probe: Probe, providers: Providers, value: str) -> None:
    providers.switch(probe.provider, "forbid", times=None)
    assert probe(providers, value).status == 403
    assert probe(providers, probe.other(value)).status == probe.refused, "what is not valid is refused, with or without permission"
    providers.ask("DELETE", f"/{probe.provider}/switches")
    assert probe(providers, value).status == 200


def test_echo(probe: Probe, providers: Providers, value: str) -> None:
    another = probe.other(value)
    always = probe.provider == "ncbi"
    assert told(probe(providers, another), another) == always
    providers.switch(probe.provider, "echo", times=None)
    assert told(probe(providers, another), another)
    providers.switch(probe.provider, "error")
    assert told(probe(providers, value), value)
    assert probe(providers, value).status == 200


@pytest.mark.parametrize("probe", [probe for probe in PROBES if probe.make is not quickbooks], ids=lambda probe: probe.provider)
def test_a_new_value_works_once_it_has_propagated(probe: Probe, providers: Providers) -> None:
    """An access token of QuickBooks comes from a refresh token; that is in its own test."""
    providers.switch(probe.provider, "propagation", new_seconds=50)
    value = probe.make(providers)
    assert probe(providers, value).status == probe.refused
    providers.later(49)
    assert probe(providers, value).status == probe.refused
    providers.later(2)
    assert probe(providers, value).status == 200


def test_a_switch_is_about_its_method_and_path_only(probe: Probe, providers: Providers, value: str) -> None:
    path = probe.template or probe.path
    providers.switch(probe.provider, "error", method="PATCH", times=None)
    providers.switch(probe.provider, "error", path="/elsewhere", times=None)
    assert probe(providers, value).status == 200
    providers.switch(probe.provider, "error", method=probe.method, path=path, skip=1)
    assert [probe(providers, value).status for _ in range(3)] == [200, 503, 200]


def test_nobody_is_known_where_nothing_is_sent(probe: Probe, providers: Providers, value: str) -> None:
    base = probe.base(providers)
    answer = base(probe.method, probe.path.format(value="x"))
    expected = {"ncbi": 200, "telegram": 404, "cloudflare": 400}
    assert answer.status == expected.get(probe.provider, 401)


def test_what_is_not_documented_is_not_there(probe: Probe, providers: Providers, value: str) -> None:
    base = probe.base(providers)
    assert base("GET", "/never/heard/of/it").status == 404
    assert base("PATCH", probe.path.format(value=value)).status == 405


def test_a_call_is_noted_without_its_value(probe: Probe, providers: Providers, value: str) -> None:
    providers.ask("DELETE", f"/{probe.provider}/calls")
    probe(providers, value)
    (call,) = providers.calls(probe.provider)
    assert (call["method"], call["path"], call["status"]) == (probe.method, probe.template or probe.path, 200)
    secret = value.rpartition("=")[2]
    for path in ("calls", "switches", "settings", ""):
        assert secret not in providers.control("GET", f"/{probe.provider}/{path}".rstrip("/")).text


def test_a_provider_is_also_found_under_the_name_it_has_in_production(probe: Probe, providers: Providers, value: str) -> None:
    hosts = providers.ask("GET", "/")[probe.provider]["hosts"]
    assert bool(hosts) == (not probe.place)
    for host in hosts:
        assert probe.at(Base(providers.url, host=host), value).status == 200
    assert probe.at(Base(providers.url, host="example.org"), value).status == 404
