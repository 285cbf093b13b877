"""Proxmox: tokens by API, separated privileges, and nodes that hear of a change one after the other."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.providers.server import Answer, Lost, Providers

USER = "ops@pve"
TAG = "mycoops/proxmox/g2/r1"


class Cluster:
    """Two nodes, a user who audits, and a token that may change that user's tokens and ACLs."""

    def __init__(self, providers: Providers) -> None:
        self.providers = providers
        self.nodes = {node: providers.at(f"proxmox/{node}") for node in ("pve1", "pve2")}
        providers.step("proxmox", "create_user", user=USER, roles="PVEAuditor")
        made = providers.step("proxmox", "create_token", user="root@pam", token="creator", privsep=0)
        self.creator = f"{made['id']}={made['value']}"

    def __call__(self, method: str, path: str, value: str = "", node: str = "pve1", /, **body: Any) -> Answer:
        headers = {"Authorization": f"PVEAPIToken={value or self.creator}"}
        form = {name: str(one) for name, one in body.items()} if body else None
        return self.nodes[node](method, f"/api2/json{path}", headers, form=form)

    def token(self, method: str, name: str, /, **body: Any) -> Answer:
        return self(method, f"/access/users/{USER}/token/{name}", **body)

    def make(self, name: str, /, **body: Any) -> str:
        data = self.token("POST", name, **{"comment": TAG, **body}).json["data"]
        return f"{data['full-tokenid']}={data['value']}"

    def version(self, value: str, node: str = "pve1") -> Answer:
        return self("GET", "/version", value, node)

    def listed(self, comment: str) -> list[str]:
        found = self("GET", f"/access/users/{USER}/token").json["data"]
        return [token["tokenid"] for token in found if token.get("comment") == comment]


@pytest.fixture
def cluster(providers: Providers) -> Cluster:
    return Cluster(providers)


def test_a_token_is_made_once_with_comment_and_expiry(cluster: Cluster) -> None:
    made = cluster.token("POST", "t2", comment=TAG, expire=4070908800).json["data"]
    assert made["full-tokenid"] == f"{USER}!t2"
    assert str(uuid.UUID(made["value"])) == made["value"]
    assert made["info"] == {"comment": TAG, "expire": 4070908800, "privsep": 1}
    assert cluster.listed(TAG) == ["t2"]
    assert cluster.listed("another") == []
    assert made["value"] not in cluster("GET", f"/access/users/{USER}/token").text
    again = cluster.token("POST", "t2")
    assert (again.status, again.json["errors"]) == (400, {"tokenid": "Token already exists."})


def test_reasons_of_a_refusal(cluster: Cluster) -> None:
    value = cluster.make("t2")
    assert cluster.version(value).json["data"]["version"]
    wrong = cluster.version(value[:-4] + "0000")
    assert (wrong.status, wrong.reason) == (401, "invalid token value!")
    unknown = cluster.version(value.replace("!t2", "!t3"))
    assert (unknown.status, unknown.reason) == (401, f"no such token 't3' for user '{USER}'")
    assert cluster.nodes["pve1"]("GET", "/api2/json/version").status == 401
    assert cluster.nodes["pve1"]("GET", "/api2/json/version", {"Authorization": "PVEAPIToken=nonsense"}).status == 401


def test_a_separated_token_starts_with_nothing(cluster: Cluster) -> None:
    value = cluster.make("t2")
    assert cluster("GET", "/access/permissions", value).json["data"] == {}
    assert cluster("GET", "/access/acl", value).status == 403
    cluster("PUT", "/access/acl", path="/", roles="PVEAuditor", tokens=f"{USER}!t2")
    assert cluster("GET", "/access/permissions", value).json["data"]["/"]["Sys.Audit"] == 1
    assert cluster("GET", "/access/acl", value).status == 200
    assert cluster("GET", "/access/permissions", cluster.make("t3", privsep=0)).json["data"]["/"]["Sys.Audit"] == 1


def test_a_token_never_may_more_than_its_user(cluster: Cluster) -> None:
    value = cluster.make("t2")
    cluster("PUT", "/access/acl", path="/", roles="Administrator", tokens=f"{USER}!t2")
    found = cluster("GET", "/access/permissions", value).json["data"]["/"]
    assert "Sys.Audit" in found
    assert "Sys.Modify" not in found
    assert cluster("POST", f"/access/users/{USER}/token/own", value, comment="x").status == 403, "nor make tokens of its own user"


def test_permissions_of_old_and_new_can_be_compared(cluster: Cluster) -> None:
    old, new = cluster.make("t1"), cluster.make("t2")
    for token, path in (("t1", "/"), ("t1", "/vms/100"), ("t2", "/")):
        cluster("PUT", "/access/acl", path=path, roles="PVEAuditor", tokens=f"{USER}!{token}", propagate=int(path == "/"))
    assert cluster("GET", "/access/permissions", old).json != cluster("GET", "/access/permissions", new).json
    cluster("PUT", "/access/acl", path="/vms/100", roles="PVEAuditor", tokens=f"{USER}!t2", propagate=0)
    assert cluster("GET", "/access/permissions", old).json == cluster("GET", "/access/permissions", new).json
    entries = {(one["path"], one["ugid"]) for one in cluster("GET", "/access/acl").json["data"]}
    assert {("/", f"{USER}!t2"), ("/vms/100", f"{USER}!t2"), ("/", USER)} <= entries
    cluster("PUT", "/access/acl", path="/vms/100", roles="PVEAuditor", tokens=f"{USER}!t2", delete=1)
    assert cluster("GET", "/access/permissions?path=/vms/100", new).json["data"]["/vms/100"]["VM.Audit"] == 1, "handed down"


def test_a_deleted_token_is_refused_and_gone(cluster: Cluster) -> None:
    value = cluster.make("t2")
    assert cluster.token("DELETE", "t2").json == {"data": None}
    assert cluster.version(value).status == 401
    assert cluster.token("DELETE", "t2").status == 500
    assert cluster.listed(TAG) == []
    assert cluster.version(cluster.make("t2")).status == 200, "the id is free again"
    assert cluster.version(value).status == 401


def test_regenerate_cuts_at_once(cluster: Cluster) -> None:
    value = cluster.make("t2")
    told = cluster.token("PUT", "t2", regenerate=1).json["data"]
    assert cluster.version(value).reason == "invalid token value!"
    assert cluster.version(f"{told['full-tokenid']}={told['value']}").status == 200
    assert cluster.listed(TAG) == ["t2"]
    assert "value" not in cluster.token("PUT", "t2", comment="other").json["data"]
    assert cluster.listed("other") == ["t2"]


def test_it_expires_by_itself(cluster: Cluster) -> None:
    now = int(cluster.providers.ask("GET", "/clock")["now"])
    value = cluster.make("t2", expire=now + 600)
    assert cluster.version(value).status == 200
    cluster.providers.later(601)
    told = cluster.version(value)
    assert (told.status, told.reason) == (401, "token 't2' access expired")
    assert cluster.token("POST", "t3", expire="soon").status == 400


def test_each_node_hears_of_it_in_its_own_time(cluster: Cluster) -> None:
    cluster.providers.switch("proxmox", "propagation", place="pve2", new_seconds=20, old_seconds=40)
    value = cluster.make("t2")
    assert [cluster.version(value, node).status for node in ("pve1", "pve2")] == [200, 401]
    cluster.providers.later(21)
    assert [cluster.version(value, node).status for node in ("pve1", "pve2")] == [200, 200]
    cluster.token("DELETE", "t2")
    assert [cluster.version(value, node).status for node in ("pve1", "pve2")] == [401, 200]
    cluster.providers.later(41)
    assert [cluster.version(value, node).status for node in ("pve1", "pve2")] == [401, 401]


def test_acls_are_replicated_too(cluster: Cluster) -> None:
    value = cluster.make("t2")
    cluster.providers.switch("proxmox", "propagation", place="pve2", new_seconds=20)
    cluster("PUT", "/access/acl", path="/", roles="PVEAuditor", tokens=f"{USER}!t2")
    seen = [bool(cluster("GET", "/access/permissions", value, node).json["data"]) for node in ("pve1", "pve2")]
    assert seen == [True, False]
    cluster.providers.later(21)
    assert cluster("GET", "/access/permissions", value, "pve2").json["data"]


def test_the_nodes_are_known_to_each_other_and_no_other_answers(cluster: Cluster) -> None:
    assert [node["node"] for node in cluster("GET", "/nodes").json["data"]] == ["pve1", "pve2"]
    cluster.providers.step("proxmox", "set_nodes", nodes=["pve1"])
    assert cluster.version(cluster.creator, "pve2").status == 595
    assert cluster.version(cluster.creator).status == 200


def test_a_lost_reply_leaves_a_token_that_is_found_and_deleted(cluster: Cluster) -> None:
    cluster.providers.switch("proxmox", "lost_reply", method="POST")
    with pytest.raises(Lost):
        cluster.make("t2")
    assert cluster.listed(TAG) == ["t2"]
    cluster.token("DELETE", "t2")
    assert cluster.listed(TAG) == []
