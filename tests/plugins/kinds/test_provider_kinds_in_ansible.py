"""The kinds whose value a person makes through their task files, over TLS, where every error quotes the value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_cases import CASES, anthropic, github, github_second
from test_kinds_in_ansible import Fleet

from mycoops.secret import Secret
from tests.providers.server import Providers


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Providers]:
    server = Providers(ca_file=tmp_path / "ca.pem")
    try:
        yield server
    finally:
        assert server.stop() == ""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def keep(fleet: Fleet, credential: str, number: int, value: str) -> None:
    fleet.store.put_pending(credential, number, "", Secret(value))
    fleet.values[credential, number] = value


def probed(of: Any, kind: str, *subjects: str) -> list[str]:
    replies = [of(kind, "probe", subject) for subject in subjects]
    assert not any(reply.error for reply in replies), [reply.error for reply in replies]
    return [reply.data["outcome"] for reply in replies]


def test_every_kind_asks_its_provider_through_its_role(secured: Providers, fleet: Fleet, tmp_path: Path) -> None:
    made, items = {}, []
    for case in CASES:
        if case.kind.startswith("generic_"):
            secured.ask("POST", f"/{case.provider}/reset")
        secured.switch(case.provider, "echo", times=None)
        old = made[case.kind] = case.first(secured)
        new = {"value": case.random(old["value"])} if case.one_slot else case.second(secured, old)
        keep(fleet, case.kind, 1, old["value"])
        keep(fleet, case.kind, 2, new["value"])
        more: dict[str, Any] = {"options": {**case.declared(secured.url), "ca_file": str(tmp_path / "ca.pem")}}
        if case.kind == "anthropic_key":
            keep(fleet, "admin", 1, old["admin"])
            more["admin_value"] = {"$form": "<value>", "credential": "admin", "generation": 1}
        entries = [] if case.one_slot or case.kind == "chemspider_key" else ["parity"]
        items += [fleet.item(case.kind, entry, **more) for entry in ["preflight", *entries]]
        items += [fleet.item(case.kind, "probe", subject, **more) for subject in ("random", "new", "old")]
        if case.kind.startswith("generic_"):
            of = fleet.run(items[-5 if entries else -4 :])
            assert probed(of, case.kind, "random", "new", "old") == [
                "refused",
                "refused" if case.one_slot else "accepted",
                "accepted",
            ]
            items = items[: -5 if entries else -4]
            secured.ask("POST", f"/{case.provider}/reset")
    of = fleet.run(items)
    for case in CASES:
        if case.kind.startswith("generic_"):
            continue
        assert of(case.kind, "preflight").data.get("done") is True, of(case.kind, "preflight").error
        expected = ["refused", "refused" if case.one_slot else "accepted", "accepted"]
        assert probed(of, case.kind, "random", "new", "old") == expected, case.kind
        if not case.one_slot and case.kind != "chemspider_key":
            assert of(case.kind, "parity").data["equal"] is True, case.kind


def test_the_old_value_is_ended_through_the_role(secured: Providers, fleet: Fleet, tmp_path: Path) -> None:
    keys, tokens = anthropic(secured), github(secured)
    keep(fleet, "anthropic_key", 1, keys["value"])
    keep(fleet, "anthropic_key", 2, secured.step("anthropic", "create_key", name="two")["value"])
    keep(fleet, "admin", 1, keys["admin"])
    keep(fleet, "github_pat", 1, tokens["value"])
    keep(fleet, "github_pat", 2, github_second(secured)["value"])
    items = []
    for kind, entries in (("anthropic_key", ["revoke", "persist"]), ("github_pat", ["revoke"])):
        case = next(case for case in CASES if case.kind == kind)
        options = {**case.declared(secured.url), "ca_file": str(tmp_path / "ca.pem")}
        admin = {"$form": "<value>", "credential": "admin", "generation": 1}
        items += [fleet.item(kind, entry, options=options, admin_value=admin) for entry in entries]
        items += [fleet.item(kind, "probe", subject, options=options) for subject in ("new", "old")]
    of = fleet.run(items)
    for kind in ("anthropic_key", "github_pat"):
        assert of(kind, "revoke").error == {}
        assert of(kind, "revoke").data["done"] is True
        assert probed(of, kind, "new", "old") == ["accepted", "refused"]
    assert of("anthropic_key", "persist").data["persisted"] is True
