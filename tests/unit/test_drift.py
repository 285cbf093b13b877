"""What a host is asked holds references alone and no newer value than it has; its answer is not believed beyond what was asked."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from mycoops.catalogue import Catalogue
from mycoops.delivery import Generations, Requests
from mycoops.drift import MOST, WHAT, Looked, looked, requests
from mycoops.model import Reply
from tests.unit import fleets

TOKENS = {"path": "/etc/tokens.env", "readers": ["systemd"], "variables": ["TOKENS"], "reload": True}
EMPTY = {"path": "/etc/other.env", "readers": ["bash"], "variables": ["OTHER"]}


def declared(**changes: Any) -> Catalogue:
    """The fleet of the tests, with a reread file for the list of tokens and a file in which nothing of ours is."""
    data = copy.deepcopy(fleets.document())
    data["mycoops_services"]["api"] |= {"extra_env_files": [TOKENS, EMPTY], **changes}
    return Catalogue.model_validate(data)


def asked(catalogue: Catalogue, *kept: tuple[str, int]) -> dict[str, dict[str, Any]]:
    """The looks for generation 2 of db and generation 1 of token."""
    effective = {("db", "api"): 2, ("token", "job"): 1}
    found = Generations(effective, {("token", "api"): (1,)}, {}, {("db", 2): "b"})
    deliveries = Requests(catalogue, fleets.declared_kinds(), found, 7).for_services(catalogue.services)
    return requests(catalogue, deliveries, kept)


def test_the_request_is_that_of_a_deploy_without_what_changes_something() -> None:
    api = asked(declared())["h1"]
    assert (api["id"], api["token"], api["generations"]) == ("drift/h1", 7, {"db": 2, "token": 1})
    assert api["concerned"] == {"db": ["api"], "token": ["api"]}
    assert [one["path"] for one in api["files"]] == ["/etc/api.env", "/etc/tokens.env", "/etc/other.env"]
    assert [one["name"] for file in api["files"] for one in file["entries"]] == ["DATABASE_URL", "TOKENS"]
    assert [one["services"] for one in api["files"]] == [["api"]] * 3
    assert api["services"][0]["reload_files"] == ["/etc/tokens.env"]
    assert "health" not in api["services"][0]
    assert api["drop_ins"] == [{"unit": "api.service", "env_files": ["/etc/api.env", "/etc/other.env"]}]


def test_only_values_that_a_host_may_have_had_are_looked_for_there() -> None:
    found = asked(declared(), ("db", 1), ("db", 2), ("db", 3), ("token", 1), ("gone", 1))
    labels = {host: [(one["credential"], one["generation"]) for one in request["kept"]] for host, request in found.items()}
    assert labels == {"h1": [("db", 1), ("db", 2), ("token", 1)], "h2": [("token", 1)]}


def test_a_request_holds_references_and_no_value() -> None:
    entry = asked(declared())["h1"]["files"][0]["entries"][0]
    assert entry["value"]["$form"] == "postgresql://<principal>:<value|url>@h3/app"
    assert "previous" not in entry


def test_names_that_belong_elsewhere_and_other_names_are_told_from_those_that_belong_here() -> None:
    found = {one["path"]: one for one in asked(declared())["h1"]["files"]}
    assert {path: one["elsewhere"] for path, one in found.items()} == {
        "/etc/api.env": {"TOKENS": "/etc/tokens.env"},
        "/etc/tokens.env": {"DATABASE_URL": "/etc/api.env"},
        "/etc/other.env": {"DATABASE_URL": "/etc/api.env", "TOKENS": "/etc/tokens.env"},
    }
    assert found["/etc/tokens.env"]["others"] == {"DATABASE_URL": "db", "TOKEN": "token"}
    assert found["/etc/api.env"]["others"] == {"TOKEN": "token", "TOKENS": "token"}


def test_a_variable_whose_credential_has_no_value_yet_is_no_alias_of_itself() -> None:
    catalogue = declared()
    found = Generations({("token", "job"): 1}, {("token", "api"): (1,)}, {}, {})
    deliveries = Requests(catalogue, fleets.declared_kinds(), found, 7).for_services(catalogue.services)
    (api, *_) = requests(catalogue, deliveries, [])["h1"]["files"]
    assert "DATABASE_URL" not in {**api["others"], **api["elsewhere"]}


def told(*findings: dict[str, Any], **more: Any) -> Looked:
    return looked(declared(), "h1", Reply("drift/h1", "h1", {"findings": list(findings), "unseen": [], **more}), "")


def test_silence_and_errors_are_told_as_what_they_are() -> None:
    assert looked(declared(), "h1", None, "h1: no answer") == Looked("h1", "h1: no answer")
    failed = Reply("drift/h1", "h1", {"error": {"code": "crash", "message": "KeyError at drift.py:9"}})
    assert looked(declared(), "h1", failed, "") == Looked("h1", "h1: KeyError at drift.py:9")
    assert told(unseen=["api: hangs", "job: hangs"]).error == "h1: api: hangs; job: hangs"


def test_what_a_host_says_is_one_line_of_a_known_sort() -> None:
    finding = {"what": "copy", "place": "/etc/a\nb", "services": ["api", "nobody"], "names": ["A\x1b[31m"], "detail": "x" * 9999}
    (one,) = told(finding, {"what": "rumour", "place": "/etc/a"}, "nonsense").findings  # type: ignore[arg-type]
    assert (one.place, one.services, one.names) == ("/etc/a?b", ["api"], ["A?[31m"])
    assert len(one.detail) < 500
    assert told(findings="nonsense").findings == []
    assert len(told(*[finding] * (MOST + 1)).findings) == MOST


NEXT = {
    "value-differs": "mycoops deploy --host h1",
    "access": "mycoops deploy --host h1",
    "process": "mycoops deploy --host h1",
    "fence-behind": "mycoops deploy --host h1",
    "daemon-reload": "mycoops deploy --host h1",
    "copy": "remove h1:/etc/x",
    "directory": "take the right to write from others on h1:/etc/x, then mycoops deploy --host h1",
    "file-unreadable": "mend h1:/etc/x, then mycoops deploy --host h1",
    "value-surplus": "take A out of h1:/etc/x, then mycoops deploy --host h1",
    "alias": "take A out of h1:/etc/x or declare it, then mycoops deploy --host h1",
    "fence-ahead": "bring this fleet directory up to date, then mycoops status",
}


@pytest.mark.parametrize("what", WHAT)
def test_each_finding_says_what_ends_it(what: str) -> None:
    (one,) = told({"what": what, "place": "/etc/x", "services": ["api"], "names": ["A"]}).findings
    assert one.next == NEXT.get(what, "mycoops deploy --host h1")


def test_what_a_deploy_would_leave_alone_is_said_to_a_person() -> None:
    def following(what: str, **changes: Any) -> str:
        reply = Reply("drift/h1", "h1", {"findings": [{"what": what, "place": "p", "services": ["api"], "names": []}]})
        return looked(declared(**changes), "h1", reply, "").findings[0].next

    assert following("process", apply="none") == "restart api on h1 by hand"
    assert following("stopped", apply="none") == "restart api on h1 by hand"
    assert following("daemon-reload", drop_in=False) == "systemctl daemon-reload on h1, then mycoops deploy --host h1"


def test_what_hosts_can_say_is_what_is_known_here() -> None:
    """The words stand in the programs of the host, and nowhere else a second time."""
    plugins = Path(__file__).resolve().parents[2] / "plugins"
    said = "".join(
        path.read_text() for path in [*plugins.glob("module_utils/mycoops_drift_*.py"), plugins / "host_programs/drift.py"]
    )
    assert {what for what in WHAT if json.dumps(what) not in said} == set()
