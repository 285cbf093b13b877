"""The controller is killed at points of a rotation on real hosts; each is resumed to its end. Every day it is other points."""

from __future__ import annotations

import json
from datetime import date

import pytest

from tests.integration.lab import Lab

POINTS = 100
"""About as many points has a rotation of one credential on the lab."""


@pytest.mark.parametrize("credential", ["redis_mindex", "ssh_password_sandbox"])
def test_a_kill_on_the_lab_is_resumed_to_the_end(lab: Lab, credential: str) -> None:
    offset = date.today().toordinal() * 37 % (POINTS // 2)
    done = lab.run("drill", "--lab", credential, "--every", str(POINTS // 2 - 3), "--offset", str(offset), "--most", "1", "--json")
    report = json.loads(done.stdout)
    assert report["findings"] == [], done.told
    assert len(report["kills"]) == 1, done.told
    if credential == "ssh_password_sandbox":
        assert report["overlap"] == "O4"
        assert report["cut"]
        assert 0 < min(report["cut"]) < 60_000


def test_a_host_that_does_not_hold_what_it_has_to_is_a_finding(lab: Lab) -> None:
    """The control of the judge: another service's file is changed by hand."""
    host, path = lab.hosts["sandbox"], "/opt/mycosoft/website/.env"
    before = host.read(path)
    host.write(path, before.replace(b"DATABASE_URL=", b"DATABASE_URL=x", 1))
    assert host.read(path) != before
    try:
        done = lab.run("drill", "--lab", "redis_mindex", "--offset", "0", "--most", "1", "--json", status=8)
        assert any("sandbox" in finding for finding in json.loads(done.stdout)["findings"]), done.told
    finally:
        host.write(path, before)
    assert "unknown credential" in lab.run("drill", "--lab", "no_such_credential", status=2).stderr
