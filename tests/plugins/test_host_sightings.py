"""Refused logins are counted by address, from an instant on that does not depend on whose clock is right, and named by host."""

from __future__ import annotations

import time
from typing import Any

import pytest
from mycoops_sightings import MOST, Sightings, hosts, normal, since


def request(ago: float = 100.0, behind: float = 0.0, **more: Any) -> dict[str, Any]:
    """What counts since `ago` seconds, sent by a control node whose clock is `behind` this host's."""
    now = time.time() - behind
    return {
        "since": now - ago,
        "now": now,
        "host": "db",
        "hosts": {"web": ["192.0.2.7"], "job": ["192.0.2.8", "2001:db8::8"]},
        **more,
    }


@pytest.mark.parametrize("behind", [0.0, 3600.0, -86400.0])
def test_since_when_is_by_the_clock_of_the_host(behind: float) -> None:
    assert since(request(100, behind)) == pytest.approx(time.time() - 100, abs=1)


@pytest.mark.parametrize("behind", [0.0, 3600.0, -86400.0])
def test_what_is_older_does_not_count(behind: float) -> None:
    found, now = Sightings(request(100, behind)), time.time()
    found.add("192.0.2.7", now - 101)
    assert found.told() == []
    found.add("192.0.2.7", now + 60)
    assert found.told() == []
    found.add("192.0.2.7", now - 90)
    assert [one["count"] for one in found.told()] == [1]


def test_an_address_is_counted_with_its_first_and_last_time() -> None:
    found, now = Sightings(request()), time.time()
    for ago in (50, 70, 10):
        found.add("192.0.2.7", now - ago)
    found.add("192.0.2.8", now - 60, count=4, first=now - 500)
    assert found.told() == [
        {"address": "192.0.2.7", "host": "web", "first": now - 70, "last": now - 10, "count": 3},
        {"address": "192.0.2.8", "host": "job", "first": found.since, "last": now - 60, "count": 4},
    ]


def test_only_the_addresses_seen_last_are_told() -> None:
    found, now = Sightings(request()), time.time()
    for number in range(MOST + 20):
        found.add(f"2001:db8::{number:x}", now - 90 + number / 10)
    told = found.told()
    assert len(told) == MOST
    assert told[0]["address"] == f"2001:db8::{MOST + 19:x}"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "[local]", "::ffff:127.0.0.1"])
def test_the_authoritys_own_addresses_are_its_host(address: str) -> None:
    found = Sightings(request())
    found.add(address, time.time())
    assert [one["host"] for one in found.told()] == ["db"]


def test_an_address_of_nobody_has_no_host() -> None:
    found = Sightings(request())
    found.add("198.51.100.1", time.time())
    found.add("laptop.example", time.time())
    assert {one["address"]: one["host"] for one in found.told()} == {"198.51.100.1": "", "laptop.example": ""}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[local]", "local"),
        ("web.example", "web.example"),
        ("", ""),
        ("\x1b[31m192.0.2.7", ""),
        ("a b", ""),
        ("-rf", ""),
    ],
)
def test_what_is_no_address_is_not_passed_on(text: str, plain: str) -> None:
    assert normal(text) == plain
    found = Sightings(request())
    found.add(text, time.time())
    assert len(found.told()) == bool(plain)


def test_names_are_resolved_and_what_two_hosts_share_is_nobodys() -> None:
    found = hosts(
        {"one": ["192.0.2.1", "192.0.2.9"], "two": ["192.0.2.2", "192.0.2.9"], "here": ["localhost"], "no": ["no.invalid"]}
    )
    assert {address: host for address, host in found.items() if address[0].isdigit()} == {"192.0.2.1": "one", "192.0.2.2": "two"}
    assert (found["localhost"], found["no.invalid"]) == ("here", "no")
