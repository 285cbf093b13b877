"""Where a naive playbook leaves values, and that mycoops leaves none in any of these places; docs/LEAKS.md has the table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from careless_fleet import CarelessFleet, Value
from channels import CASES, CHANNELS, NaiveFleet, Places
from fake_host import Health
from kind_servers import Postgres

from mycoops.model import Item
from mycoops.secret import Secret
from mycoops.values import scram_verifier

FEWEST = 30
"""As many channels have to leak naively."""
ENV_FILE = "/app.env"
LOUD = {"ANSIBLE_VERBOSITY": "5", "ANSIBLE_DIFF_ALWAYS": "True", "ANSIBLE_DEBUG": "1", "ANSIBLE_DISPLAY_TRACEBACK": "always"}


def places_of(fleet: CarelessFleet) -> Places:
    return Places(fleet.folder, fleet.session, fleet.scratch, fleet.account)


def psql(postgres: Postgres) -> list[str]:
    account = ["runuser", "-u", postgres.account, "--"] if postgres.account else []
    return [*account, "psql", "-X", "-h", str(postgres.home), "-p", str(postgres.port), "-d", "app"]


def test_a_naive_playbook_leaks_on_these_channels(tmp_path: Path, postgres: Postgres, health: Health) -> None:
    """The control: the same search in the same places."""
    health.status = 401
    fleet = NaiveFleet(tmp_path, CASES, CASES, psql=psql(postgres), quote="'", server=health.url)
    places = places_of(fleet)
    found = fleet.leaking(places.texts(fleet.play_naively(places), postgres, health))
    assert len(found) >= FEWEST
    assert found == {name for name, declared in CHANNELS.items() if declared["leaks"]}


class Job:
    """An env file is delivered and a PostgreSQL role rotated on this machine, as the engine orders it."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.fleet = NaiveFleet(folder, ["here"], {"here": []})
        self.places = places_of(self.fleet)
        self.old, self.new = self.fleet.values["here"], Value(between="-")
        self.fleet.store.put_pending("here", 2, "", Secret(self.new.text))
        postgres.slots("app")
        postgres.sql(f"ALTER ROLE app_a LOGIN PASSWORD '{scram_verifier(self.old.text)}'")
        self._postgres = postgres

    def item(self, entry: str, subject: str = "new") -> Item:
        number = 1 if subject == "old" else 2
        value = {"$form": "<value>", "credential": "here", "generation": number, "random": subject == "random"}
        principals = {"principal": "app_a" if number == 1 else "app_b", "previous_principal": "app_a", "subject": subject}
        options = {"options": self._postgres.options(host="here"), "generation": 2, "previous": 1}
        return Item(f"{entry}/{subject}", entry, "here", "here", "postgresql", {"value": value, **principals, **options})

    def delivery(self, generation: int = 2) -> dict[str, Any]:
        value = {"$form": "<value>", "credential": "here", "generation": generation}
        entries = [{"name": "TOKEN", "credential": "here", "value": value}]
        file = {"path": ENV_FILE, "mode": "0600", "readers": ["systemd"], "entries": entries}
        return {"id": "delivery/here", "root": str(self.fleet.scratch), "files": [file]}

    def play(self, **overrides: str) -> tuple[dict[str, Any], str]:
        """Both moves, in two starts; returns the replies by item, and all that was handed on."""
        heard: list[dict[str, Any]] = []
        acting = self.fleet.performer(heard.append, **overrides)
        probes = [self.item("probe", subject) for subject in ("random", "new", "old")]
        with self.places.sampler.sampling():
            first = acting.carry_out([self.item("mint"), *probes], {"here": self.delivery()})
            second = acting.carry_out([self.item("revoke"), self.item("probe", "old")])
        assert (first.problems, second.problems, first.leaks, second.leaks) == ({}, {}, [], [])
        replies = {reply.item: reply.data for outcome in (first, second) for reply in outcome.replies}
        return replies, json.dumps(heard, ensure_ascii=False)

    def shown_in(self, texts: Mapping[str, str]) -> set[str]:
        """The places that hold the old or the new value."""
        return {place for place, text in texts.items() for value in (self.old, self.new) if value.is_in(text)}

    def silent(self, told: str, postgres: Postgres, health: Health) -> None:
        """No value in any place but the env file, though the job was done and told of."""
        texts = self.places.texts(told, postgres, health)
        assert self.shown_in(texts) == set()
        assert (self.fleet.scratch / ENV_FILE.lstrip("/")).read_text() == f"TOKEN={self.new.text}\n"
        assert "delivery/here" in texts["screen"]
        assert "ALTER ROLE" in texts["postgresql"]
        assert {declared["place"] for declared in CHANNELS.values()} <= texts.keys()


@pytest.mark.parametrize("through", [False, True], ids=["nothing comes through", "had it come through"])
def test_mycoops_leaves_nothing_in_any_of_these_places(
    tmp_path: Path, postgres: Postgres, health: Health, monkeypatch: pytest.MonkeyPatch, through: bool
) -> None:
    job = Job(tmp_path, postgres)
    wished = {**job.places.settings(), **LOUD}
    for name, value in wished.items():
        monkeypatch.setenv(name, value)
    replies, told = job.play(**(wished if through else {}))
    outcomes = {name: reply["outcome"] for name, reply in replies.items() if name.startswith("probe")}
    assert outcomes == {"probe/random": "refused", "probe/new": "accepted", "probe/old": "refused"}
    job.silent(told, postgres, health)
    filled = [job.places.log, job.places.tree, tmp_path / "account" / ".ansible" / "tmp"]
    assert [path.exists() for path in filled] == [through, through, False]
    assert ("EXEC" in told) == through
