"""A value that replaces itself is used once by one writer; whatever is lost on the way, the same value leads to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mycoops.drill.authorities import Grant
from mycoops.drill.faults import Fault, Violation
from mycoops.errors import ForwardOnly, WaitingForPerson
from mycoops.model import State
from mycoops.rotation.context import Context
from tests.unit.rotation.conftest import MakeBench


def grant(made: object) -> Grant:
    (found,) = made.world.authorities["it"].values()  # type: ignore[attr-defined]
    assert isinstance(found, Grant)
    return found


def test_a_lost_reply_uses_the_same_value_again_and_comes_to_the_same_next_one(bench: MakeBench) -> None:
    made = bench("O7")
    made.world.faults = [Fault("lost", "refresh")]
    made.walk()
    first = grant(made).value
    made.walk()
    assert made.world.calls.count("refresh it h3") == 1
    assert made.store().secret("it", 2).reveal() == grant(made).value == first


def test_a_provider_that_was_not_reached_is_asked_again_with_the_same_value(bench: MakeBench) -> None:
    made = bench("O7")
    made.world.faults = [Fault("unreachable", "refresh")]
    assert isinstance(made.walk(), ForwardOnly)
    assert made.standing("it").state is State.REFRESH
    made.finish()


def test_the_old_value_that_lives_on_is_waited_for_and_seen_refused(bench: MakeBench) -> None:
    made = bench("O7")
    assert isinstance(made.walk(), WaitingForPerson)
    standing = made.standing("it")
    assert standing.state is State.REVOKE_PENDING
    until = datetime.strptime(standing.until, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(hours=24)
    assert isinstance(made.walk(), WaitingForPerson)
    made.bring()
    assert made.walk() is None
    made.over()


def test_a_grant_that_is_over_is_put_aside_for_a_person(bench: MakeBench) -> None:
    made = bench("O7")
    grant(made).value = "another"
    made.world.dead.add("it")
    made.world.hand["it"] = "another"
    assert isinstance(made.walk(), ForwardOnly)
    standing = made.standing("it")
    assert standing.state is State.QUARANTINED
    assert "consent anew" in standing.blocked


def test_a_value_that_somebody_else_has_refreshed_is_not_used(bench: MakeBench) -> None:
    made = bench("O7")
    made.crash("after the record state it PREFLIGHT")
    store = made.store()
    store.put_pending("it", 2, "", store.secret("it", 1))
    store.promote("it", 2)
    made.world.calls.clear()
    made.walk()
    assert "another generation" in made.standing("it").blocked
    assert not [call for call in made.world.calls if call.startswith("refresh")]


def test_the_world_notices_a_use_without_intent(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench("O7")
    real = Context.state

    def silent(self: Context, credential: str, state: State, **facts: object) -> None:
        if state is State.REFRESH:
            self.run.rotations[credential].state = State.REFRESH
        else:
            real(self, credential, state, **facts)

    monkeypatch.setattr(Context, "state", silent)
    with pytest.raises(Violation, match="without its intent"):
        made.walk()


def test_copies_are_given_out_one_host_after_the_other(bench: MakeBench) -> None:
    made = bench("O7")
    made.walk()
    given = [call for call in made.world.calls if call.startswith("deliver")]
    assert given == ["deliver api", "deliver job"]
