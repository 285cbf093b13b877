"""The container's process holds the values, and neither the second run nor a refusal has made another one."""

from __future__ import annotations

import json


def test_its_process_holds_the_values(host, value):
    (container,) = json.loads(host.run("podman inspect mycorrhizae-api").stdout)
    held = dict(
        pair.split("=", 1) for pair in host.file(f"/proc/{container['State']['Pid']}/environ").content_string.split("\0") if pair
    )
    assert held["MINDEX_TOKEN"] == value(2)
    assert held["DATABASE_URL"] == "postgresql://mindex/website"


def test_it_is_the_one_that_was_made_first(host, replies):
    (first,), (again,) = (reply["services"] for run in ("converge", "idempotence") for reply in replies.all(run))
    (container,) = json.loads(host.run("podman inspect mycorrhizae-api").stdout)
    assert container["State"]["Running"]
    assert first["pid"] == again["pid"] == container["State"]["Pid"]


def test_the_file_is_written_for_podman(host, value):
    file = host.file("/opt/mycosoft/.env")
    assert f"MINDEX_TOKEN={value(2)}" in file.content_string.splitlines()
    assert "other" not in file.content_string
    assert file.mode == 0o600
