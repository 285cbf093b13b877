"""An authority that is restarted in the middle of a rotation, with what it was told or without it: resume closes."""

from __future__ import annotations

import pytest

from tests.integration import promises
from tests.integration.lab import Lab

pytestmark = pytest.mark.fault

ACL = "/etc/redis/users.acl"


def test_a_redis_that_was_restarted_without_what_it_was_told_is_told_again(lab: Lab) -> None:
    before, mindex = lab.current(), lab.hosts["mindex"]
    saved = mindex.read(ACL)
    running = lab.begin("rotate", "redis_mas", "--yes")
    running.until("soak")
    mindex.write(ACL, saved)
    mindex.systemctl("restart", "redis-server.service")
    done = running.end()
    assert done.status == 4, done.told
    assert "its authority had lost the new value, and has it again" in done.stderr, done.told
    promises.accepted(lab, [before["redis_mas"], lab.values.candidate("redis_mas")])
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["redis_mas"])


def test_a_postgresql_that_restarts_in_the_middle_loses_nothing(lab: Lab) -> None:
    before, mindex = lab.current(), lab.hosts["mindex"]
    running = lab.begin("rotate", "postgresql_mas", "--yes")
    for move in ("verify", "revoke"):
        running.until(move)
        mindex.systemctl("restart", "postgresql.service")
    done = running.end()
    assert done.status in (0, 4, 5), done.told
    if done.status:
        lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["postgresql_mas"])
