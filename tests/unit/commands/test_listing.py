"""The list of the vault has every name, number and age, needs no password, and holds no value."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mycoops.commands import listing
from mycoops.secret import generate
from mycoops.session import open_fleet
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit import fleets


def test_everything_that_is_kept_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    fleet = fleets.write(tmp_path / "fleet")
    store = Store.open(fleet, password_secrets(fleets.PASSWORD))
    store.add("db", "a", generate("token"))
    store.put_pending("db", 2, "b", generate("token"))
    store.promote("db", 2)
    store.put_pending("db", 3, "a", generate("token"))
    store.add("gone", "", generate("token"))
    store.put_pending("forgotten", 4, "", generate("token"))
    today = datetime.now(UTC).date()
    found = {one.credential: one for one in listing.kept(open_fleet(fleet), today + timedelta(days=3))}
    assert list(found) == ["db", "token", "gone", "forgotten"]
    db = found["db"]
    assert (db.kind, db.generation, db.slot, db.age_days, db.candidates, db.old) == ("pair", 2, "b", 3, (3,), (1,))
    assert (found["token"].kind, found["token"].generation, found["token"].age_days) == ("listed", 0, -1)
    assert (found["gone"].kind, found["gone"].generation) == ("", 1)
    assert (found["forgotten"].candidates, found["forgotten"].generation) == ((4,), 0)
    text = str([dataclasses.asdict(one) for one in found.values()])
    assert not [name for name, _, secret in store.secrets() if secret.reveal() in text]


def test_an_entry_without_a_date_has_no_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    fleet = fleets.write(tmp_path / "fleet")
    Store.open(fleet, password_secrets(fleets.PASSWORD)).add("db", "a", generate("token"))
    path = vault_path(fleet)
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "created" not in line))
    assert listing.kept(open_fleet(fleet), date(2030, 1, 1))[0].age_days == -1
