"""The kinds cloudflare_token and proxmox_token against the provider server: what is made is kept, found again, and ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from provider_fleet import Kept, listed

from tests.providers.server import Providers

TAG = "mycoops/it/g2/run"
USER = "ops@pve"


@pytest.fixture
def cloud(providers: Providers, tmp_path: Path) -> Kept:
    zone = providers.step("cloudflare", "create_zone", name="example.org")["id"]
    first = providers.step("cloudflare", "create_token", name="website", permissions={"Zone Read": zone, "DNS Write": zone})
    admin = providers.step("cloudflare", "create_token", name="maker", permissions={"API Tokens Write": "user"})
    options = {"base_url": f"{providers.url}/cloudflare", "soak_seconds": 0, "settle_seconds": 3, "timeout_seconds": 2}
    program = "kind_cloudflare_token/files/cloudflare_token.py"
    return Kept(tmp_path, program, {**options, "read": f"/client/v4/zones/{zone}/dns_records"}, first["value"], admin["value"])


@pytest.fixture
def cluster(providers: Providers, tmp_path: Path) -> Kept:
    providers.step("proxmox", "create_user", user=USER, roles="PVEAuditor,PVEVMAdmin")
    first = providers.step("proxmox", "create_token", user=USER, token="app_a", roles="PVEVMUser", path="/vms/100")
    providers.step("proxmox", "create_user", user="root@pam")
    admin = providers.step("proxmox", "create_token", user="root@pam", token="rotator", privsep=0)
    urls = [f"{providers.url}/proxmox/{node}" for node in ("pve1", "pve2")]
    names = {"principal": f"{USER}!app_b", "previous_principal": f"{USER}!app_a", "admin_principal": admin["id"], "slot": "b"}
    options = {"base_url": urls, "settle_seconds": 4, "timeout_seconds": 2}
    return Kept(tmp_path, "kind_proxmox_token/files/proxmox_token.py", options, first["value"], admin["value"], **names)


def probes(kept: Kept) -> list[str]:
    """As Kept.outcomes; a Proxmox probe names the subject's own id."""
    if "principal" not in kept.body:
        return kept.outcomes()
    old = {"principal": kept.body["previous_principal"]}
    return [str(kept("probe", one, **(old if one == "old" else {})).get("outcome")) for one in ("random", "new", "old")]


@pytest.fixture(params=["cloudflare", "proxmox"])
def kept(request: pytest.FixtureRequest) -> Kept:
    return request.getfixturevalue({"cloudflare": "cloud", "proxmox": "cluster"}[request.param])  # type: ignore[no-any-return]


def provider_of(kept: Kept) -> str:
    return "proxmox" if "principal" in kept.body else "cloudflare"


def test_a_token_goes_the_whole_way(kept: Kept, providers: Providers) -> None:
    assert kept("preflight")["done"] is True
    assert len(listed(providers, provider_of(kept))) == 2, "a preflight makes nothing"
    made = kept("mint")
    assert (made["kept"], made["changed"]) == (2, True)
    assert kept("settle").get("error") is None
    assert probes(kept) == ["refused", "accepted", "accepted"]
    assert kept("parity")["equal"] is True
    assert kept("revoke")["changed"] is True
    assert probes(kept) == ["refused", "accepted", "refused"]
    assert kept("revoke")["changed"] is False, "a repetition finds it done"
    kept.silent()


def test_a_value_that_is_kept_is_not_made_twice(kept: Kept, providers: Providers) -> None:
    kept("mint")
    before = listed(providers, provider_of(kept))
    assert kept("mint") == {"done": True, "changed": False, "kept": 2}
    assert listed(providers, provider_of(kept)) == before


def test_what_an_ended_controller_had_made_is_found_by_its_tag_and_replaced(kept: Kept, providers: Providers) -> None:
    kept("mint", lose=True)
    assert kept.store.pending("it") == [], "nothing was written"
    assert len(listed(providers, provider_of(kept))) == 3, "and there is a token that nobody holds"
    made = kept("mint")
    assert made["evidence"]["orphans"] == "1"
    assert len(listed(providers, provider_of(kept))) == 3
    kept("settle")
    assert probes(kept) == ["refused", "accepted", "accepted"]


def test_a_lost_answer_is_no_value_and_leaves_an_orphan_that_is_found(kept: Kept, providers: Providers) -> None:
    providers.switch(provider_of(kept), "lost_reply", method="POST")
    assert kept("mint")["error"]["code"] == "no_answer"
    assert kept.store.pending("it") == []
    assert kept("mint")["evidence"]["orphans"] == "1"


def test_the_way_back_ends_the_candidate_and_the_orphan_alike(kept: Kept, providers: Providers) -> None:
    back: dict[str, Any] = {"numbers": (2, 1)}
    if provider_of(kept) == "proxmox":
        back |= {"principal": f"{USER}!app_a", "previous_principal": f"{USER}!app_b"}
    kept("mint", lose=True)
    assert kept("revoke", **back, previous_value=None)["changed"] is True
    assert len(listed(providers, provider_of(kept))) == 2
    kept("mint")
    assert kept("revoke", **back)["changed"] is True
    assert len(listed(providers, provider_of(kept))) == 2
    assert probes(kept) == ["refused", "refused", "accepted"]


def test_the_old_token_stays_while_the_new_one_is_not_accepted(kept: Kept, providers: Providers) -> None:
    kept("mint")
    wrong = {"$form": "<value>", "credential": "it", "generation": 2, "random": True}
    assert kept("revoke", value=wrong)["error"]["code"] == "new_not_ready"
    assert probes(kept) == ["refused", "accepted", "accepted"]


def test_throttled_without_permission_and_a_stranger_are_told_apart(kept: Kept, providers: Providers) -> None:
    provider = provider_of(kept)
    providers.switch(provider, "throttle", retry_after=60, times=None)
    assert kept("probe", "random")["outcome"] == "throttled"
    assert kept("mint")["error"]["code"] in ("throttled", "unreachable")
    providers.ask("DELETE", f"/{provider}/switches")
    providers.switch(provider, "forbid", method="POST")
    assert kept("mint")["error"]["code"] == "admin_forbidden"
    wrong = {"$form": "<value>", "credential": "admin", "generation": 1, "random": True}
    assert kept("mint", admin_value=wrong)["error"]["code"] == "admin_refused"
    assert kept.store.pending("it") == []


def test_a_short_retry_after_is_waited_for(kept: Kept, providers: Providers) -> None:
    providers.switch(provider_of(kept), "throttle", retry_after=1)
    assert kept("probe", "random")["outcome"] == "refused"


def test_an_error_that_quotes_the_token_quotes_it_nowhere_else(kept: Kept, providers: Providers) -> None:
    kept("mint")
    providers.switch(provider_of(kept), "echo", times=None)
    kept("revoke")
    probes(kept)
    kept("parity")
    kept("mint", numbers=(2, 3))
    kept.silent()


class TestCloudflare:
    def test_the_new_token_is_like_the_old_one_and_ends_after_its_time(self, cloud: Kept, providers: Providers) -> None:
        cloud("mint")
        made = next(one for one in providers.ask("GET", "/cloudflare")["credentials"] if one["name"] == TAG)
        now = providers.ask("GET", "/clock")["now"]
        assert 121 * 86400 < made["expires"] - now < 123 * 86400

    def test_a_token_that_may_not_read_is_forbidden(self, cloud: Kept, providers: Providers) -> None:
        cloud("mint")
        providers.switch("cloudflare", "forbid", path="dns_records")
        assert cloud("probe")["outcome"] == "forbidden"

    def test_a_token_with_other_policies_is_not_equal(self, cloud: Kept, providers: Providers) -> None:
        zone = providers.step("cloudflare", "create_zone", name="other.example")["id"]
        other = providers.step("cloudflare", "create_token", name="less", permissions={"Zone Read": zone})
        cloud.store.put_pending("it", 2, "", type(cloud.store.secret("it", 1))(other["value"]))
        assert cloud("parity")["equal"] is False

    @pytest.mark.parametrize("refused", [False, True])
    def test_disabled_is_refused_and_deleted_by_the_next_attempt(self, cloud: Kept, providers: Providers, refused: bool) -> None:
        providers.settings("cloudflare", inactive_is_refused=refused)
        cloud("mint")
        providers.switch("cloudflare", "error", method="DELETE", status=500)
        assert cloud("revoke")["error"]["code"] == "provider_error"
        named = [one for one in listed(providers, "cloudflare") if one.startswith("website")]
        assert named == ["website [mycoops/it/g1]"], "the name goes along, and a mark"
        assert cloud.outcomes() == ["refused", "accepted", "refused"]
        assert cloud("revoke")["changed"] is True
        assert not [one for one in listed(providers, "cloudflare") if one.startswith("website")]

    def test_a_token_that_takes_its_time_is_waited_for(self, cloud: Kept, providers: Providers) -> None:
        cloud("mint")
        assert cloud("settle").get("error") is None
        providers.switch("cloudflare", "propagation", new_seconds=60)
        cloud("mint", numbers=(2, 3))
        assert cloud("settle", numbers=(2, 3))["error"]["code"] == "not_ready"


class TestProxmox:
    def test_the_acls_go_along_and_without_them_nothing_is_equal(self, cluster: Kept, providers: Providers) -> None:
        cluster("mint")
        assert cluster("parity")["equal"] is False, "a separated token begins with nothing"
        assert cluster("settle")["changed"] is True
        assert cluster("parity")["equal"] is True
        assert cluster("settle")["changed"] is False

    def test_every_node_counts(self, cluster: Kept, providers: Providers) -> None:
        providers.switch("proxmox", "propagation", place="pve2", new_seconds=600, old_seconds=600)
        cluster("mint")
        assert cluster("settle")["error"]["code"] == "not_everywhere"
        assert probes(cluster) == ["refused", "refused", "accepted"]
        assert cluster("revoke")["error"]["code"] == "new_not_ready"
        providers.later(601)
        assert cluster("settle").get("error") is None
        assert cluster("revoke")["error"]["code"] == "not_everywhere", "the other node still takes the old one"
        assert cluster("persist")["persisted"] is False
        assert probes(cluster) == ["refused", "accepted", "accepted"]
        providers.later(601)
        assert cluster("persist")["persisted"] is True
        assert probes(cluster) == ["refused", "accepted", "refused"]

    def test_a_token_of_somebody_else_in_the_other_slot_is_left_alone(self, cluster: Kept, providers: Providers) -> None:
        providers.step("proxmox", "create_token", user=USER, token="app_b")
        assert cluster("preflight")["error"]["code"] == cluster("mint")["error"]["code"] == "slot_taken"
        assert len(listed(providers, "proxmox")) == 3
