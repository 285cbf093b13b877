"""A host is searched for what it holds and nothing else, as references; what it answers is not believed further than that."""

from __future__ import annotations

import json

from mycoops.drill.stories import KINDS, STORIES
from mycoops.leaks import hosts
from mycoops.model import Leak, Reply

LISTS = STORIES["O1-lists"].catalogue
SLOTS = STORIES["O1-slots"].catalogue


def test_consumers_and_authorities_hold_a_value() -> None:
    assert hosts.holders(SLOTS, KINDS, "db") == {"h1", "h2", "h3"}
    declared = LISTS.credentials["token"]
    services = {LISTS.services[name].host for name in declared.authority.services}
    assert hosts.holders(LISTS, KINDS, "token") == services | {LISTS.services[c.service].host for c in declared.services}


def test_the_authority_of_a_key_pair_never_gets_the_private_half() -> None:
    kind = SLOTS.credentials["db"].kind
    key_pairs = {**KINDS, kind: KINDS[kind].model_copy(update={"generates": "ed25519"})}
    assert SLOTS.credentials["db"].authority.all_hosts == ("h3",)
    assert hosts.holders(SLOTS, key_pairs, "db") == {"h1", "h2"}
    assert list(hosts.requests(SLOTS, key_pairs, [("db", 1)], ["h1", "h3"], 1.0)) == ["h1"]


def test_a_request_holds_references_and_the_files_that_hold_values() -> None:
    found = hosts.requests(SLOTS, KINDS, [("db", 1), ("db", 2), ("gone", 1)], ["h1", "h9"], 12.5)
    assert list(found) == ["h1"]
    request = found["h1"]
    assert (request["id"], request["seconds"]) == ("scan/h1", 12.5)
    assert [(one["credential"], one["generation"]) for one in request["values"]] == [("db", 1), ("db", 2)]
    assert request["values"][0]["value"] == {"$form": "<value>", "credential": "db", "generation": 1}
    assert "/etc/api.env" in request["excluded"]
    assert "/etc/api.env.mycoops-new" in request["excluded"]
    json.dumps(request)


def test_only_hosts_that_were_asked_for_are_searched() -> None:
    assert list(hosts.requests(SLOTS, KINDS, [("db", 1)], ["h3"], 1.0)) == ["h3"]


def test_what_a_host_was_not_asked_for_is_not_believed() -> None:
    request = hosts.requests(SLOTS, KINDS, [("db", 1)], ["h1"], 1.0)["h1"]
    told = [
        {"credential": "db", "generation": 1, "place": "/tmp/a\n\x1b[2Jb"},
        {"credential": "db", "generation": 9, "place": "/tmp/x"},
        {"credential": "other", "generation": 1, "place": "/tmp/x"},
        {"credential": ["db"], "generation": 1},
        "nonsense",
    ]
    reply = Reply("scan/h1", "h1", {"found": told, "skipped": ["/var/log/huge\n" + "x" * 9000]})
    assert hosts.leaks("h1", reply, request) == [Leak("db", 1, "/tmp/a??[2Jb", "h1")]
    (line,) = hosts.skipped("h1", reply)
    assert line.startswith("h1: /var/log/huge?xxx")
    assert len(line) < 500


def test_a_flood_of_places_is_cut() -> None:
    request = hosts.requests(SLOTS, KINDS, [("db", 1)], ["h1"], 1.0)["h1"]
    told = [{"credential": "db", "generation": 1, "place": str(number)} for number in range(10_000)]
    assert len(hosts.leaks("h1", Reply("scan/h1", "h1", {"found": told}), request)) == hosts.MOST


def test_a_host_that_answers_nonsense_found_nothing() -> None:
    request = hosts.requests(SLOTS, KINDS, [("db", 1)], ["h1"], 1.0)["h1"]
    assert hosts.leaks("h1", Reply("scan/h1", "h1", {"found": "everything"}), request) == []
