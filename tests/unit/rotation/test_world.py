"""The scripted world notices an engine that breaks the protocol: without these controls its silence would mean nothing."""

from __future__ import annotations

import pytest

from mycoops.drill.faults import Fault, Violation
from mycoops.model import State
from mycoops.rotation import ahead, finish, prepare, revoke, switch
from mycoops.rotation.context import Context
from mycoops.secret import generate
from mycoops.vault import Store
from tests.unit.rotation.conftest import MakeBench


def test_it_notices_a_revocation_before_every_acknowledgement(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-admin")
    made.world.faults = [Fault("unreachable", "delivery", "h2", check=False)]
    monkeypatch.setattr(finish, "acknowledged", lambda context, rotation: True)
    monkeypatch.setattr(revoke, "acknowledged", lambda context, rotation: True)
    monkeypatch.setattr(switch, "acknowledged", lambda context, rotation: True)
    monkeypatch.setattr(Context, "block", lambda *_: None)
    with pytest.raises(Violation, match="4: cache: revoked before"):
        made.walk()


def test_it_notices_a_revocation_that_was_not_recorded(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    monkeypatch.setattr(revoke, "_revocable", lambda context, move: context.at(move.credentials, State.PROMOTED))
    with pytest.raises(Violation, match="REVOKING was not durable"):
        made.walk()


def test_it_notices_a_value_that_is_kept_nowhere(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    monkeypatch.setattr(made.world, "_revoke", lambda *_: None)
    monkeypatch.setattr(finish, "_alive", lambda *_: "")
    with pytest.raises(Violation, match="1: a value valid for db is kept nowhere"):
        made.walk()


def test_it_notices_a_mint_without_intent(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    real = Context.state

    def silent(self: Context, credential: str, state: State, **facts: object) -> None:
        real(self, credential, state, **{name: value for name, value in facts.items() if name != "tag"})

    monkeypatch.setattr(Context, "state", silent)
    with pytest.raises(Violation, match="without its intent"):
        made.walk()


def test_it_notices_a_slot_that_is_in_use(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    real = made.world._mint

    def wrong(item: object, values: object) -> None:
        item.body["principal"] = "app_a"  # type: ignore[attr-defined]
        real(item, values)  # type: ignore[arg-type]

    monkeypatch.setattr(made.world, "_mint", wrong)
    with pytest.raises(Violation, match="5: the slot app_a is in use"):
        made.walk()


def test_it_notices_a_consumer_left_on_a_dead_value(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.authorities["db"]["h3"].names.clear()  # type: ignore[attr-defined]
    with pytest.raises(Violation, match=r"2: db: .*'api'.* run on"):
        made.world.check()


def test_it_notices_a_cut_that_was_not_staged(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O4")
    monkeypatch.setattr(made.world, "_after", lambda *_, **__: None)
    with pytest.raises(Violation, match="3: it: cut before api was staged"):
        made.walk()


def test_it_notices_a_cut_before_whoever_tries_two_values_holds_both(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O4-dual")
    monkeypatch.setattr(ahead, "bring", lambda *_: None)
    monkeypatch.setattr(ahead, "held", lambda *_: True)
    with pytest.raises(Violation, match="3: it: cut before api held the next value"):
        made.walk()


@pytest.mark.parametrize(("how", "where"), [("run", "processes"), ("would start", "files")])
def test_it_notices_a_consumer_that_tries_two_values_and_has_none(bench: MakeBench, how: str, where: str) -> None:
    made = bench("O4-dual")
    made.crash("after the record state it STAGED")
    made.world.check()
    machine, value = made.world.machines["h1"], made.store().secret("it", 2).reveal()
    held = machine.processes["api"] if where == "processes" else machine.files["/etc/api.env"]
    held["SECRET_NEXT"] = ""
    made.world.check()
    made.world.authorities["it"]["h3"].value = value  # type: ignore[attr-defined]
    with pytest.raises(Violation, match=rf"2: it: \['api'\] {how} on what is not accepted"):
        made.world.check()


def test_a_bench_notices_a_next_value_that_is_left_behind(bench: MakeBench) -> None:
    made = bench("O4-dual")
    assert made.walk() is None
    made.world.machines["h2"].processes["green"]["SECRET_NEXT"] = f"app:{made.store().secret('it', 2).reveal()}"
    with pytest.raises(Violation, match="it: a next value was left behind"):
        made.over()


def test_it_notices_a_value_in_a_request_and_in_the_journal(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    made.world.check()
    value = made.store().secret("db", 1).reveal()
    with pytest.raises(Violation, match="9: a request"):
        made.world.carry_out((), {"h1": {"services": [], "files": value}})
    made.path.write_text(made.path.read_text() + value)
    with pytest.raises(Violation, match="9: a journal"):
        made.silent()


def test_a_bench_notices_what_is_left_valid(bench: MakeBench) -> None:
    made = bench("O1-admin")
    assert made.walk() is None
    stray = generate("token")
    made.world.authorities["cache"]["h3"].tokens[stray.reveal()] = ""  # type: ignore[attr-defined]
    with pytest.raises(Violation, match="other values are still valid"):
        made.over()


def test_a_bench_notices_a_rotation_that_is_not_over(bench: MakeBench) -> None:
    made = bench("O1-slots")
    with pytest.raises(AssertionError, match="PLANNED"):
        made.over()


def test_a_candidate_must_be_on_disk_before_its_mint(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O1-slots")
    monkeypatch.setattr(Store, "put_pending", lambda *_: None)
    monkeypatch.setattr(prepare, "probe", pytest.fail)
    error = made.walk()
    assert "generation 2 is neither in" in str(error)
