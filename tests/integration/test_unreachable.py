"""A host that is lost at any move, cut off or frozen, stops the run with its name, and resume closes when it is back.

An authority that a consumer cannot reach is neither accepting nor refusing."""

from __future__ import annotations

import time

import pytest

from tests.integration import promises
from tests.integration.faults import dropped, frozen, last_move, out_of_reach
from tests.integration.lab import Lab

pytestmark = pytest.mark.fault

NAME = "postgresql_mas"
MOVES = ("preflight", "mint", "verify", "stage", "switch", "soak", "revoke", "prove")


def test_hosts_lost_at_each_move_stop_the_run_and_resume_closes(lab: Lab) -> None:
    before, lost = lab.current(), []
    arguments: tuple[str, ...] = ("rotate", NAME, "--yes")
    for move in MOVES:
        running = lab.begin(*arguments)
        running.until(f" {move}")
        with out_of_reach([lab.hosts["mindex"], lab.hosts["mas"]]):
            done = running.end()
            assert done.status in (4, 5), done.told
            assert any(words in done.stderr for words in ("cannot be reached over ssh", "the connection broke off")), done.told
            assert "mycoops resume" in done.stderr, done.told
            promises.accepted(lab, [lab.current()[NAME]])
        lost.append(last_move(done))
        arguments = ("resume",)
    assert len(set(lost)) >= 6, lost
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), [NAME])


def test_a_frozen_host_stops_the_wave_and_the_others_keep_what_they_have(lab: Lab) -> None:
    before = lab.current()
    running = lab.begin("rotate", "mindex_service_token", "redis_mindex", "--yes")
    running.until("switch on mas")
    with frozen(lab.hosts["sandbox"]):
        began = time.monotonic()
        done = running.end()
        assert time.monotonic() - began < 100, done.told
        assert done.status == 4, done.told
        assert "sandbox" in done.stderr, done.told
        assert "sandbox cannot be reached over ssh" in done.stderr, done.told
        assert (lab.state_of("mindex_service_token"), lab.state_of("redis_mindex")) == ("BLOCKED", "CLOSED")
        promises.accepted(lab, [before["mindex_service_token"], lab.values.candidate("mindex_service_token")])
    promises.healthy(lab)
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), ["mindex_service_token", "redis_mindex"])


@pytest.mark.parametrize(("move", "status"), [("verify", 4), ("prove", 5)])
def test_traffic_that_is_dropped_between_hosts_proves_nothing(lab: Lab, move: str, status: int) -> None:
    before = lab.current()
    running = lab.begin("rotate", NAME, "--yes")
    running.until(f" {move}")
    with dropped(lab.hosts["mas"], 5432):
        done = running.end()
        assert done.status == status, done.told
        assert last_move(done) == move, done.told
        assert "unreachable" in done.told, done.told
        assert lab.state_of(NAME) == "BLOCKED"
    if move == "verify":
        promises.accepted(lab, [before[NAME], lab.values.candidate(NAME)])
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), [NAME])
    promises.healthy(lab)
