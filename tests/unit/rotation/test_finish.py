"""The old value goes only after the soak has counted nothing, and its end is seen; a leak is told before a rotation closes."""

from __future__ import annotations

import json

import pytest

from mycoops.drill.bench import KEY
from mycoops.drill.faults import Fault
from mycoops.drill.stories import STORIES, Story, fleet, lists
from mycoops.errors import ForwardOnly, StepFailed
from mycoops.model import State
from mycoops.rotation import finish
from mycoops.secret import Secret, fingerprint
from tests.unit.rotation.conftest import MakeBench


def test_the_soak_is_as_long_as_the_fleet_says(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.walk()
    assert made.slept == [3]


def test_a_key_is_dropped_no_sooner_than_its_longest_token_ends(bench: MakeBench) -> None:
    declared = lists()
    key = declared.credentials["key"]
    authority = key.authority.model_copy(update={"options": {"max_ttl_seconds": 90}})
    credentials = {**declared.credentials, "key": key.model_copy(update={"authority": authority})}
    made = bench(Story("long", declared.model_copy(update={"mycoops_credentials": credentials})))
    made.clock.seen = lambda what: (
        what == "deliver far" and pytest.fail("dropped") if not made.slept and "REVOKING" in what else None
    )
    assert made.walk() is None
    assert made.slept == [90 + finish.SKEW_SECONDS]


def test_one_slot_has_nothing_to_wait_for(bench: MakeBench) -> None:
    made = bench("O4")
    made.walk()
    assert set(made.slept) <= {0.0}


def test_a_use_that_never_ends_keeps_the_old_value(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.uses["db"] = 1
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert "h3 still counts 1 uses of the old value" in str(error)
    assert made.world.calls.count("drain db h3") == finish.DRAIN_ATTEMPTS
    assert made.standing("db").state is State.SOAKING
    assert "revoke db h3" not in made.world.calls
    made.world.uses.clear()
    assert made.walk() is None
    made.over()


def test_a_use_that_ends_in_time_is_waited_for(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    made.world.uses["db"] = 3
    real = made.world._drain

    def less(item: object, values: object) -> object:
        made.world.uses["db"] -= 1
        return real(item, values)  # type: ignore[arg-type]

    monkeypatch.setattr(made.world, "_drain", less)
    assert made.walk() is None
    assert made.slept == [3, finish.DRAIN_SECONDS, finish.DRAIN_SECONDS]


def test_an_authority_that_cannot_count_keeps_the_old_value(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.faults = [Fault("unreachable", "drain", times=finish.DRAIN_ATTEMPTS)]
    assert "cannot be reached" in str(made.walk())
    assert made.standing("db").state is State.SOAKING
    assert made.walk() is None
    made.over()


def test_a_change_that_a_restart_would_undo_is_not_proof(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    monkeypatch.setattr(made.world, "_persist", lambda *_: {"persisted": False})
    assert "a restart of the authority would undo the change" in str(made.walk())
    assert made.standing("db").state is State.REVOKED
    monkeypatch.undo()


@pytest.mark.parametrize(("host", "path", "service"), [("h1", "/etc/gate-tokens.env", "gate"), ("h3", "/etc/door.env", "door")])
def test_a_list_that_a_restart_would_bring_back_is_not_proof(bench: MakeBench, host: str, path: str, service: str) -> None:
    made = bench("O1-lists")
    made.crash("after the record state token REVOKED")
    both = json.dumps([made.store().secret("token", number).reveal() for number in (1, 2)])
    made.world.machines[host].files[path]["TOKENS"] = both
    assert f"{path} does not hold TOKENS as it has to be" in str(made.walk())
    assert made.standing("token").state is State.REVOKING
    assert made.walk() is None
    made.over()


def test_a_process_that_verifies_by_another_list_than_its_file_is_not_proof(bench: MakeBench) -> None:
    made = bench("O1-lists")
    made.crash("after the record state key REVOKED")
    new = made.store().secret("key", 2).reveal()
    made.world.machines["h2"].processes["far"]["KEYS"] = json.dumps([new, new])
    assert "far does not run on what its files hold" in str(made.walk())
    made.walk()
    made.over()


def test_an_authority_service_that_cannot_be_read_back_is_not_proof(bench: MakeBench) -> None:
    made = bench("O1-lists")
    made.crash("after the record state token REVOKED")
    made.world.faults = [Fault("unreachable", "delivery", "h3", check=True)]
    assert "h3 cannot be reached over ssh" in str(made.walk())
    made.walk()
    made.over()


def test_a_path_that_accepts_anything_proves_nothing(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db REVOKED")
    made.world.authorities["db"]["h3"].trust = True
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "this path does not check" in str(error)
    made.world.authorities["db"]["h3"].trust = False
    assert made.walk() is None
    made.over()


def test_a_fleet_of_nothing_is_over_at_once(bench: MakeBench) -> None:
    made = bench(Story("none", fleet({}, {})))
    assert made.walk() is None
    assert made.records()[-1]["event"] == "finished"


@pytest.mark.parametrize("story", [name for name in STORIES if name != "mixed"])
def test_the_dead_value_and_the_living_are_named_by_their_fingerprints(bench: MakeBench, story: str) -> None:
    made = bench(story)
    first = {name: value for (name, number), value in made.kept().items() if number == 1}
    made.finish()
    for name, standing in made.run().rotations.items():
        now = made.store().secret(name, standing.to_generation)
        assert standing.fingerprints[standing.to_generation] == fingerprint(KEY, name, now)
        assert standing.fingerprints[1] == fingerprint(KEY, name, Secret(first[name]))


@pytest.mark.parametrize("story", ["O1-slots", "O2", "O3"])
def test_a_candidate_that_was_taken_back_is_named_too(bench: MakeBench, story: str) -> None:
    made = bench(story)
    if story == "O3":
        made.walk()
        made.bring()
    name = next(iter(made.catalogue.credentials))
    made.crash(f"after the record state {name} VERIFIED")
    candidate = made.store().secret(name, 2)
    assert made.abort() is None
    assert made.standing(name).fingerprints[2] == fingerprint(KEY, name, candidate)
