"""The person of the lab, against every provider: a first value, the next one, the end of the old one; and what is made anew."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mycoops import durable, lab_fleet, lab_person
from mycoops.catalogue import load
from mycoops.commands import seeding
from mycoops.errors import ConfigurationError, LabError
from mycoops.journal import Journal
from mycoops.lab_consoles import Consoles, of
from mycoops.lab_person import Case
from mycoops.session import Fleet, open_fleet
from mycoops.settings import install_key
from tests.providers.probes import BY_NAME, Probe, refreshed
from tests.providers.server import Providers, basic

LAB = Path(__file__).resolve().parents[2] / "inventory" / "lab"
CREDENTIALS = load(LAB)[0].credentials
BASE = "https://mas:8090"
CASES = lab_person.cases(Consoles((BASE,), "http://127.0.0.1:1"), CREDENTIALS)
ADMIN = "/v1/organizations/api_keys?limit=1"


@pytest.fixture
def consoles(providers: Providers) -> Consoles:
    return Consoles((BASE,), f"http://{providers.control.parts.netloc}")


def accepted(providers: Providers, case: Case, value: str) -> bool:
    """What the provider itself says to a value, by a call of the test's own."""
    if case.declared.kind == "quickbooks_app":
        form = {"grant_type": "refresh_token", "refresh_token": "none"}
        told = providers.at("quickbooks")(
            "POST", "/oauth2/v1/tokens/bearer", basic(case.options["client_id"], value), form=form
        ).json["error"]
        assert told in ("invalid_grant", "invalid_client")
        return bool(told == "invalid_grant")
    probe = BY_NAME[case.provider]
    if case.declared.kind == "generic_api_key":
        probe = replace(probe, path=ADMIN)
    status = asked(probe, providers, case, value)
    assert status in (200, probe.refused), f"{case.name}: {status}"
    return status == 200


def asked(probe: Probe, providers: Providers, case: Case, value: str) -> int:
    shown = f"{case.declared.principal}_a={value}" if case.provider == "proxmox" else value
    return probe(providers, shown).status


def test_every_credential_of_the_lab_that_a_provider_makes_is_known() -> None:
    theirs = {name for name, one in CREDENTIALS.items() if BASE in str(one.authority.options)}
    assert theirs == CASES.keys()
    assert len(theirs) == 15
    by_hand = {name for name, case in CASES.items() if case.declared.kind in lab_person.END}
    assert by_hand == {"anthropic_admin", "asana", "chemspider", "n8n", "notion"}


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"quickbooks"}))
def test_a_first_value_is_accepted_and_another_one_is_not(name: str, providers: Providers, consoles: Consoles) -> None:
    case = CASES[name]
    value = lab_person.first(consoles, case).reveal()
    assert accepted(providers, case, value)
    assert not accepted(providers, case, value[:-20] + secrets.token_hex(10))


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.declared.kind in lab_person.FOLLOWING))
def test_the_next_value_is_accepted_and_the_old_one_ends(name: str, providers: Providers, consoles: Consoles) -> None:
    case = CASES[name]
    old = lab_person.first(consoles, case).reveal()
    new = lab_person.following(consoles, case).reveal()
    assert accepted(providers, case, new)
    assert accepted(providers, case, old) is (case.declared.kind not in ("ncbi_key", "quickbooks_app", "telegram_token"))
    if case.declared.kind in lab_person.END:
        lab_person.end(consoles, case)
        assert (accepted(providers, case, old), accepted(providers, case, new)) == (False, True)


def test_a_company_consents_to_the_app_that_the_catalogue_names(providers: Providers, consoles: Consoles) -> None:
    app, company = CASES["quickbooks_app"], CASES["quickbooks"]
    assert [*CASES].index(app.name) < [*CASES].index(company.name), "without the app there is nothing to consent to"
    secret = lab_person.first(consoles, app).reveal()
    grant = lab_person.first(consoles, company).reveal()
    assert refreshed(providers, {"id": app.options["client_id"], "value": secret}, grant).status == 200


def test_a_second_integration_sees_what_the_first_one_sees(providers: Providers, consoles: Consoles) -> None:
    lab_person.first(consoles, CASES["notion"])
    lab_person.following(consoles, CASES["notion"])
    seen = list(consoles.seen("notion")["shared"].values())
    assert (len(seen), len(seen[0]), seen[0]) == (2, 3, seen[1])


@pytest.mark.parametrize(("step", "name"), [(lab_person.following, "cloudflare"), (lab_person.end, "github_pat")])
def test_what_no_person_does_is_said(step: Callable[[Consoles, Case], object], name: str, consoles: Consoles) -> None:
    with pytest.raises(LabError, match=f"{name}: no person"):
        step(consoles, CASES[name])


def test_providers_that_do_not_run_are_told_with_the_command_that_starts_them() -> None:
    with pytest.raises(LabError, match="do not answer") as told:
        Consoles((BASE,), "http://127.0.0.1:1").listed("notion")
    assert "mycoops lab up" in told.value.hint


# What `mycoops lab up` does with them.


@pytest.fixture
def fleet(tmp_path: Path, providers: Providers, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The lab's fleet, whose control API is published where this server listens."""
    made = tmp_path / "lab"
    shutil.copytree(LAB, made, ignore=shutil.ignore_patterns("vault.yml", "pending", "journal", "docs"))
    hosts = made / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("28091", str(providers.control.parts.port)))
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    (tmp_path / "state" / "lab").mkdir(parents=True)
    durable.replace(tmp_path / "state" / "lab" / "vault-password", secrets.token_urlsafe(32).encode())
    return open_fleet(made)


def generations(fleet: Fleet) -> dict[str, int]:
    return {meta.credential: meta.generation for meta in fleet.store().metas()}


def test_first_values_are_made_once(fleet: Fleet) -> None:
    assert sorted(seeding.seed(fleet, fleet.store())) == sorted(CASES)
    assert generations(fleet) == dict.fromkeys(CASES, 1)
    assert fleet.store().slot("proxmox", 1) == "a"
    assert seeding.seed(fleet, fleet.store()) == []


def test_providers_that_were_started_anew_make_values_that_replace_those_they_forgot(fleet: Fleet, providers: Providers) -> None:
    seeding.seed(fleet, fleet.store())
    before = fleet.store().secret("telegram", 1)
    providers.ask("POST", "/telegram/reset")
    assert seeding.seed(fleet, fleet.store()) == ["telegram"]
    assert generations(fleet) == dict.fromkeys(CASES, 1) | {"telegram": 2}
    now = fleet.store().secret("telegram", 2)
    assert not now.same_as(before)
    assert accepted(providers, CASES["telegram"], now.reveal())
    (run,) = fleet.runs().values()
    assert [(one["credential"], one["generation"]) for one in run.hands] == [("telegram", 2)]


def test_what_was_forgotten_in_the_middle_of_a_rotation_is_not_made_anew(fleet: Fleet, providers: Providers) -> None:
    seeding.seed(fleet, fleet.store())
    rotation = {"credential": "telegram", "kind": "telegram_token", "overlap": "O6", "category": "communication_tokens"}
    rotation |= {"from_generation": 1, "to_generation": 2, "from_slot": "", "to_slot": "", "from_principal": "", "to_principal": ""}
    plan = {"fleet": "lab", "label": "one", "reason": "", "rotations": [{**rotation, "segment": 0, "approval": False}], "moves": []}
    plan |= {"restarts": [], "human": [], "not_applicable": [], "digest": ""}
    path = fleet.settings.journals / "20310101T000000000000-0000000000000000.jsonl"
    path.parent.mkdir(parents=True)
    Journal(path, install_key(fleet.settings)).write("opened", plan=plan)
    providers.ask("POST", "/telegram/reset")
    with pytest.raises(ConfigurationError, match="a rotation of telegram is open") as told:
        seeding.seed(fleet, fleet.store())
    assert "mycoops lab down --forget" in told.value.hint
    assert generations(fleet)["telegram"] == 1


def test_a_lab_without_providers_has_no_consoles(fleet: Fleet) -> None:
    hosts = fleet.settings.fleet / "hosts.yml"
    assert of(lab_fleet.load(fleet.settings.fleet)) is not None
    hosts.write_text(hosts.read_text().replace("mas-agent, providers]", "mas-agent]"))
    assert of(lab_fleet.load(fleet.settings.fleet)) is None
    assert (seeding.cases(fleet), seeding.seed(fleet, fleet.store())) == ({}, [])
