"""A session knows every value it has seen, also those the store has forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycoops.drill.cipher import QuickVault
from mycoops.leaks.known import Known
from mycoops.secret import generate
from mycoops.vault import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with one credential in its first generation."""
    monkeypatch.setattr("mycoops.vault.VaultLib", QuickVault)
    made = Store.open(tmp_path, [])
    made.add("db", "", generate("token"))
    return made


def test_a_value_is_named_by_credential_and_generation(store: Store) -> None:
    known = Known(store)
    assert known.found(b"x" + store.secret("db", 1).reveal().encode()) == [("db", 1)]
    assert known.found(generate("token").reveal().encode()) == []


def test_a_candidate_is_known_from_the_moment_it_is_kept_and_for_good(store: Store) -> None:
    known = Known(store)
    value = generate("token")
    store.put_pending("db", 2, "", value)
    assert known.kept() == [("db", 1), ("db", 2)]
    store.drop_pending("db", 2)
    assert known.kept() == [("db", 1)]
    assert known.found(value.reveal().encode()) == [("db", 2)]
    assert known.masker().hit(value.reveal())
    assert len(known) == 2
