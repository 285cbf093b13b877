"""A value that a person brings is checked, differs from every other, and is kept where the next command looks for it."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from mycoops import durable
from mycoops.commands import checking, looking, providing, rotating, starting
from mycoops.commands.planning import plan
from mycoops.drill.authorities import Single, Tokens
from mycoops.errors import ConfigurationError, Exit, WrongUsage
from mycoops.secret import Secret
from mycoops.session import Fleet, open_fleet
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never


def bring(made: Stage, credential: str, value: str, **options: str) -> providing.Provided:
    return providing.provide(made.opened(), credential, Secret(value), **options)


def nobody(_host: str, _task: str) -> None:
    """Nobody is told."""


def begin(made: Stage) -> rotating.Outcome:
    opened = made.opened()
    planned = plan(opened, opened.store(), ["it"], label="single", reason="a test")
    return rotating.rotate(opened, planned, Quiet(), nobody, never)


def test_a_rotation_that_waits_for_a_person_goes_on_with_what_was_brought(stage: MakeStage) -> None:
    made = stage("O3")
    begun = begin(made)
    assert begun.error
    assert begun.error.exit_status is Exit.WAITING
    kept = bring(made, "it", secrets.token_urlsafe(32))
    assert (kept.generation, kept.next) == (2, "mycoops resume")
    assert 2 in made.store().pending("it")


def test_a_second_value_does_not_replace_the_first(stage: MakeStage) -> None:
    made = stage("O3")
    begin(made)
    first, second = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    assert [bring(made, "it", value).generation for value in (first, second)] == [2, 3]
    assert made.store().secret("it", 2).reveal() == first
    assert made.store().secret("it", 3).reveal() == second


@pytest.mark.parametrize("story", ["O3", "O6"])
def test_a_value_that_was_brought_and_is_refused_can_be_followed_by_another(stage: MakeStage, story: str) -> None:
    made = stage(story)
    begin(made)
    bring(made, "it", secrets.token_urlsafe(32))
    (outcome,) = rotating.resume(made.opened(), Quiet(), nobody, never)
    assert outcome.error
    (one,) = looking.status(made.opened())
    assert one.next == "mycoops provide it", one.waiting_for
    value = secrets.token_urlsafe(32)
    (authority,) = made.world.authorities["it"].values()
    made.world.hand["it"] = value
    if isinstance(authority, Single):
        authority.value = value
    else:
        assert isinstance(authority, Tokens)
        authority.tokens[value] = ""
    assert bring(made, "it", value).generation == 3
    del made.world.hand["it"]
    (outcome,) = rotating.resume(made.opened(), Quiet(), nobody, never)
    assert outcome.error is None
    assert [line.state for line in outcome.lines] == ["CLOSED"]


def test_a_credential_nobody_waits_for_is_rotated_instead(stage: MakeStage) -> None:
    with pytest.raises(ConfigurationError, match="no rotation waits") as caught:
        bring(stage("O3"), "it", secrets.token_urlsafe(32))
    assert "mycoops rotate it" in caught.value.hint


def test_the_value_in_force_is_not_taken_for_a_new_one(stage: MakeStage) -> None:
    made = stage("O3")
    begin(made)
    with pytest.raises(ConfigurationError, match="this is the value of it, generation 1"):
        bring(made, "it", made.store().secret("it", 1).reveal())
    assert made.store().pending("it") == []


@pytest.mark.parametrize(("value", "reason"), [("short", "at least 16"), ("a" * 20 + "\n" + "b" * 20, "line break")])
def test_a_value_of_the_wrong_shape_is_refused_without_showing_it(stage: MakeStage, value: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        bring(stage("O3"), "it", value)
    assert value not in f"{caught.value.message}{caught.value.hint}"


def test_an_unknown_credential_is_named(stage: MakeStage) -> None:
    with pytest.raises(ConfigurationError, match="unknown credential nothing"):
        bring(stage("O3"), "nothing", secrets.token_urlsafe(32))


@pytest.fixture
def new_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """What `mycoops init` makes, with a vault password beside it."""
    monkeypatch.setenv("MYCOOPS_STATE", str(tmp_path / "state"))
    starting.init(tmp_path / "fleet")
    opened = open_fleet(tmp_path / "fleet")
    opened.settings.state.mkdir(parents=True)
    durable.replace(opened.settings.state / "vault-password", secrets.token_urlsafe(24).encode())
    return opened


def test_a_first_value_goes_into_the_vault_in_the_slot_that_is_said(new_fleet: Fleet) -> None:
    value = Secret(secrets.token_urlsafe(32))
    with pytest.raises(ConfigurationError, match="no slot z"):
        providing.provide(new_fleet, "postgresql_example", value, slot="z")
    with pytest.raises(WrongUsage, match="say in which slot") as caught:
        providing.provide(new_fleet, "postgresql_example", value)
    assert "--slot a or --slot b" in caught.value.hint
    kept = providing.provide(new_fleet, "postgresql_example", value, slot="b")
    assert (kept.generation, kept.slot, kept.next) == (1, "b", "mycoops check")
    store = new_fleet.store()
    assert (store.slot("postgresql_example", 1), store.secret("postgresql_example", 1).same_as(value)) == ("b", True)
    assert checking.check(new_fleet) == []
