"""A principal is retired from the moment its value was seen dead until an open rotation takes it up again."""

from __future__ import annotations

from typing import Any

import pytest

from mycoops import ledger
from mycoops.drill.stories import KINDS, STORIES
from mycoops.ledger import Run
from mycoops.retired import Retired, retired

CATALOGUE = STORIES["O1-slots"].catalogue


def at(minute: int, event: str, **facts: Any) -> dict[str, Any]:
    """A record."""
    return {"time": f"2031-01-01T00:{minute:02d}:00.000Z", "event": event, "credential": "db", **facts}


def run(number: int, *states: str, credential: str = "db") -> Run:
    """A run that took a credential from generation `number` to the next, as far as these states; each a minute later."""
    slots = ("app_a", "app_b") if number % 2 else ("app_b", "app_a")
    entry = {"credential": credential, "from_generation": number, "to_generation": number + 1}
    entry |= {"from_principal": slots[0], "to_principal": slots[1]}
    records = [at(10 * number, "opened", plan={"digest": "d", "rotations": [entry]}, operator="ann@desk")]
    for minute, state in enumerate(states, 10 * number + 1):
        more = {"fingerprint": f"f{number + 1}", "from_fingerprint": f"f{number}"} if state == "PROMOTED" else {}
        records.append(at(minute, "state", state=state, **more))
    found = ledger.fold(records)
    assert found
    return found


def of(*runs: Run, now: str = "") -> list[Retired]:
    """What is retired after these runs."""
    return retired(CATALOGUE, KINDS, runs, {"db": now} if now else {})


WHOLE = ("MINTING", "ACTIVATED", "PROMOTED", "REVOKING", "REVOKED", "PROVEN_DEAD", "CLOSED")


def test_the_old_name_is_retired_since_it_was_last_seen_dead() -> None:
    assert of(run(1, *WHOLE), now="app_b") == [Retired("db", 1, "app_a", "f1", "2031-01-01T00:16:00.000Z")]


def test_nothing_is_retired_before_the_end() -> None:
    for length in range(len(WHOLE)):
        assert of(run(1, *WHOLE[:length])) == []


def test_the_next_rotation_takes_the_name_up_again_with_its_mint() -> None:
    first = run(1, *WHOLE)
    assert [one.generation for one in of(first, run(2, "PREFLIGHT"), now="app_b")] == [1]
    for length in range(1, len(WHOLE)):
        assert of(first, run(2, *WHOLE[:length]), now="app_b") == []
    assert of(first, run(2, *WHOLE), now="app_a") == [Retired("db", 2, "app_b", "f2", "2031-01-01T00:26:00.000Z")]


def test_a_candidate_that_was_taken_back_is_retired_in_place_of_what_had_its_name_before() -> None:
    back = run(2, "MINTING", "ACTIVATED", "SWITCHING", "ROLLING_BACK", "ROLLED_BACK")
    assert of(run(1, *WHOLE), back, now="app_b") == [Retired("db", 3, "app_a", "", "2031-01-01T00:25:00.000Z")]


def test_a_rotation_that_made_nothing_changes_nothing() -> None:
    first = run(1, *WHOLE)
    assert of(first, run(2, "PREFLIGHT", "ROLLING_BACK", "ABORTED"), now="app_b") == of(first, now="app_b")


def test_the_name_in_force_is_never_retired() -> None:
    assert of(run(1, *WHOLE), now="app_a") == []


def test_a_credential_of_one_name_a_mute_kind_or_no_catalogue_has_none() -> None:
    assert of(run(1, *WHOLE, credential="gone")) == []
    mute = {**KINDS, "pair": KINDS["pair"].model_copy(update={"capabilities": frozenset()})}
    assert retired(CATALOGUE, mute, [run(1, *WHOLE)], {}) == []
    one = run(1, *WHOLE)
    one.plan["rotations"][0]["to_principal"] = "app_a"
    assert of(one) == []
    del one.plan["rotations"][0]["to_principal"], one.plan["rotations"][0]["from_principal"]
    assert of(one) == [], "a journal of before there were principals in plans"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_of_many_rotations_only_the_last_old_name_counts(number: int) -> None:
    runs = [run(one, *WHOLE) for one in range(1, number + 1)]
    assert [one.generation for one in of(*runs)] == [number]
