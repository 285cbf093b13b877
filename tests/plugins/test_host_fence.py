"""An older run cannot overwrite what a newer one has delivered, however late it arrives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from fake_host import fresh
from mycoops_fence import Fence, locked
from mycoops_reply import Refusal


@pytest.fixture
def state(tmp_path: Path) -> str:
    """A state directory with its lock taken once."""
    with locked(str(tmp_path / "state")):
        pass
    return str(tmp_path / "state")


def test_the_state_is_private(state: str) -> None:
    Fence(state).record(3, {"db": 1})
    assert Path(state).stat().st_mode & 0o777 == 0o700
    assert (Path(state) / "fence.json").stat().st_mode & 0o777 == 0o600


def test_older_tokens_and_generations_are_refused(state: str) -> None:
    Fence(state).record(3, {"db": 2})
    fence = Fence(state)
    fence.check(3, {"db": 2}, ())
    fence.check(4, {"db": 3, "other": 1}, ())
    fence.check(0, {"db": 2}, ())
    fence.check(4, {"db": 1}, ("db",))
    with pytest.raises(Refusal) as caught:
        fence.check(2, {"db": 3}, ())
    assert caught.value.code == "stale_token"
    with pytest.raises(Refusal) as caught:
        fence.check(4, {"db": 1}, ("other",))
    assert caught.value.error()["credential"] == "db"
    assert caught.value.code == "stale_generation"


def test_a_rollback_lowers_the_record_but_not_the_token(state: str) -> None:
    Fence(state).record(5, {"db": 2})
    Fence(state).record(0, {"db": 1})
    fence = Fence(state)
    assert (fence.token, fence.generations) == (5, {"db": 1})


def test_the_lock_is_exclusive_and_dies_with_its_holder(state: str) -> None:
    with locked(state), pytest.raises(Refusal, match="locked"), locked(state, 0.2):
        pass
    with locked(state, 0.2):
        pass


def test_digests_are_keyed_by_the_host(state: str, tmp_path: Path) -> None:
    value = fresh()
    Fence(state).record_reload("api", {"A": value})
    assert Fence(state).reloaded("api", {"A": value})
    assert not Fence(state).reloaded("api", {"A": fresh()})
    assert not Fence(state).reloaded("other", {"A": value})
    text = (Path(state) / "fence.json").read_text()
    bare = hashlib.sha256(json.dumps([["A", value]]).encode()).hexdigest()
    assert value not in text
    assert bare not in text
    assert hashlib.sha256(value.encode()).hexdigest() not in text
    Fence(state).forget_reloads(["api"])
    assert not Fence(state).reloaded("api", {"A": value})


def test_a_broken_fence_is_refused(state: str) -> None:
    for text in ("[1]", "{", '{"token": "x"}'):
        (Path(state) / "fence.json").write_text(text)
        with pytest.raises(Refusal, match="broken_fence"):
            Fence(state)


def test_to_ask_what_was_reloaded_makes_no_key(state: str) -> None:
    fence = Fence(state)
    fence.record_reload("api", {"A": "1"})
    assert Fence(state).reloaded("api", {"A": "1"})
    assert not Fence(state).reloaded("api", {"A": "2"})
    (Path(state) / "digest.key").unlink()
    assert not Fence(state).reloaded("api", {"A": "1"})
    assert not (Path(state) / "digest.key").exists()
