"""The kinds of providers through their own task files: the action keeps what comes back, and no artifact of Ansible holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_fleet import listed
from test_kinds_in_ansible import Fleet

from mycoops.secret import Secret
from tests.providers.server import Providers


@pytest.fixture
def providers() -> Iterator[Providers]:
    server = Providers()
    try:
        yield server
    finally:
        assert server.stop() == ""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def first(fleet: Fleet, credential: str, value: str) -> None:
    fleet.store.add(credential, "", Secret(value))


def of_admin(credential: str, **more: Any) -> dict[str, Any]:
    reference = {"$form": "<value>", "credential": credential, "generation": 1}
    return {"admin_value": reference, "tag": "mycoops/it/g2/run", "cadence_days": 92, "slot": "", **more}


def test_what_providers_return_is_kept_by_the_action(fleet: Fleet, providers: Providers) -> None:
    token = providers.step("cloudflare", "create_token", name="web", permissions={"Zone Read": "*"})
    maker = providers.step("cloudflare", "create_token", name="maker", permissions={"API Tokens Write": "user"})
    providers.step("proxmox", "create_user", user="ops@pve", roles="PVEAuditor")
    node = providers.step("proxmox", "create_token", user="ops@pve", token="app_a", roles="PVEAuditor")
    root = providers.step("proxmox", "create_token", user="root@pam", token="rotator", privsep=0)
    app = providers.step("quickbooks", "create_app", name="books")
    grant = providers.step("quickbooks", "consent", app=app["id"], company="Spores Ltd", realm="7")
    values = {"cloudflare_token": token, "proxmox_token": node, "quickbooks_oauth": grant, "maker": maker, "root": root, "app": app}
    for name, made in values.items():
        first(fleet, name, made["value"])
    books = f"{providers.url}/quickbooks"
    cloud = of_admin("maker", options={"base_url": f"{providers.url}/cloudflare", "soak_seconds": 0})
    names = {"principal": "ops@pve!app_b", "previous_principal": "ops@pve!app_a", "admin_principal": root["id"], "slot": "b"}
    cluster = of_admin("root", options={"base_url": [f"{providers.url}/proxmox/{one}" for one in ("pve1", "pve2")]}) | names
    company = of_admin("app", options={"base_url": books, "company_url": books, "client_id": app["id"], "realm": "7"})
    tokens = (("cloudflare_token", cloud), ("proxmox_token", cluster))

    of = fleet.run(
        [
            *(fleet.item(kind, "preflight", "random", **more) for kind, more in tokens),
            *(fleet.item(kind, "mint", **more) for kind, more in tokens),
            fleet.item("quickbooks_oauth", "preflight", "random", **company),
            fleet.item("quickbooks_oauth", "refresh", **company),
        ]
    )
    for kind, entry in (("cloudflare_token", "mint"), ("proxmox_token", "mint"), ("quickbooks_oauth", "refresh")):
        assert of(kind, entry).error == {}, kind
        assert fleet.store.pending(kind) == [2]
    assert fleet.store.slot("proxmox_token", 2) == "b"

    subjects = ("random", "new", "old")
    old = {"old": {"principal": "ops@pve!app_a"}}
    of = fleet.run(
        [
            *(fleet.item("cloudflare_token", "probe", subject, **cloud) for subject in subjects),
            *(fleet.item("proxmox_token", "probe", subject, **cluster | old.get(subject, {})) for subject in subjects),
            *(fleet.item("quickbooks_oauth", "probe", subject, **company) for subject in subjects),
            *(fleet.item(kind, "parity", **more) for kind, more in tokens),
        ]
    )
    for kind in ("cloudflare_token", "proxmox_token", "quickbooks_oauth"):
        assert [of(kind, "probe", subject).outcome for subject in subjects] == ["refused", "accepted", "accepted"], kind
    for kind, _ in tokens:
        assert of(kind, "parity").data["equal"] is True

    of = fleet.run([fleet.item(kind, "mint", **more) for kind, more in tokens])
    assert len(listed(providers, "cloudflare")) == len(listed(providers, "proxmox")) == 3, "nothing is made twice"
    of = fleet.run(
        [
            *(fleet.item(kind, "revoke", **more) for kind, more in tokens),
            fleet.item("proxmox_token", "persist", **cluster),
            fleet.item("cloudflare_token", "probe", "old", **cloud),
        ]
    )
    assert of("cloudflare_token", "revoke").error == of("proxmox_token", "revoke").error == {}
    assert of("cloudflare_token", "probe", "old").outcome == "refused"
    assert of("proxmox_token", "persist").data["persisted"] is True


def test_a_secret_of_an_app_is_tried(fleet: Fleet, providers: Providers) -> None:
    app = providers.step("quickbooks", "create_app", name="books")
    first(fleet, "quickbooks_app", app["value"])
    fleet.store.put_pending("quickbooks_app", 2, "", Secret("x" * 40))
    options = {"options": {"base_url": f"{providers.url}/quickbooks", "client_id": app["id"]}}
    of = fleet.run([fleet.item("quickbooks_app", "probe", subject, **options) for subject in ("new", "old")])
    assert [of("quickbooks_app", "probe", subject).outcome for subject in ("new", "old")] == ["refused", "accepted"]
