"""What needs a second person's approval is not ended by one: not by revoking, not by a cut, and not by the same person again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.integration import promises
from tests.integration.lab import Lab

GUARDED = ("redis_mindex", "ssh_password_mas")
"""One whose old value is revoked, and one that is cut over."""
FREE = "postgresql_mindex_api"
SECOND = "nobody"
"""An account of every machine, with which somebody else is logged in."""


@pytest.fixture
def guarded(lab: Lab) -> Iterator[Lab]:
    """The lab's fleet, in which two credentials need an approval."""
    path = lab.fleet / "group_vars" / "all" / "catalogue.yml"
    before = path.read_text()
    declared = yaml.safe_load(before)
    for name in GUARDED:
        declared["mycoops_credentials"][name]["approval"] = True
    path.write_text(yaml.safe_dump(declared, sort_keys=False))
    yield lab
    path.write_text(before)


def test_two_people_end_an_old_value_and_one_does_not(guarded: Lab) -> None:
    lab, before = guarded, guarded.current()
    done = lab.run("rotate", *GUARDED, FREE, "--yes", status=6)
    found = {one["credential"]: one for one in lab.run("status", "--json").json()}
    assert (found[FREE]["state"], found[FREE]["next"]) == ("CLOSED", ""), done.told
    digest = found[GUARDED[0]]["next"].removeprefix("mycoops approve ")
    assert [found[name]["state"] for name in GUARDED] == ["WAITING_HUMAN"] * 2, done.told
    assert {found[name]["waiting_for"] for name in GUARDED} == {f"approval of plan {digest} by a second person"}
    assert f"`mycoops approve {digest}`" in done.stderr
    promises.accepted(lab, [before[name] for name in GUARDED])

    own = lab.run("approve", digest, "--yes", status=3)
    assert "has opened or resumed this rotation" in own.stderr, own.told
    lab.run("approve", "0" * 16, "--yes", status=2)
    lab.run("resume", status=6)
    promises.accepted(lab, [before[name] for name in GUARDED])

    told = lab.run("approve", digest, "--yes", "--json", login=SECOND).json()
    assert told["by"].startswith(f"{SECOND}@")
    assert [part["credential"] for part in told["parts"]] == list(GUARDED)
    assert lab.state_of(GUARDED[0]) == "PROMOTED"
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), [*GUARDED, FREE])
    assert f"- approved: {SECOND}@" in (lab.fleet / "docs" / "SECRET_ROTATION_LOG.md").read_text()
    assert {one["state"] for one in lab.run("log", "verify", "--json").json()} == {"intact"}


def test_what_nobody_approves_is_taken_back(guarded: Lab) -> None:
    lab, before = guarded, guarded.current()
    lab.run("rotate", GUARDED[0], "--yes", status=6)
    candidate = lab.values.candidate(GUARDED[0])
    promises.accepted(lab, [before[GUARDED[0]], candidate])
    lab.run("abort")
    promises.refused(lab, [candidate])
    promises.accepted(lab, [before[GUARDED[0]]])
    promises.processes_hold(lab, before)
