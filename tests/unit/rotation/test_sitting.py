"""Who is at the terminal is asked first, for everything in one sitting; who is not there is waited for."""

from __future__ import annotations

import pytest

from mycoops.drill import spoils
from mycoops.drill.stories import Story, fleet, use
from mycoops.drill.stories import _credential as credential
from mycoops.drill.stories import _service as service
from mycoops.errors import WaitingForPerson
from mycoops.model import State
from mycoops.secret import Secret, generate
from tests.unit.rotation.conftest import MakeBench


def three() -> Story:
    """Two values that a person makes, and one that mycoops makes."""
    services = {"api": service("h1", "api", ["ONE", "TWO", "OWN"])}
    credentials = {
        "one": credential("person", {"host": "h3"}, [use("api", "ONE")]),
        "own": credential("acl", {"host": "h3"}, [use("api", "OWN")]),
        "two": credential("person", {"host": "h3"}, [use("api", "TWO")]),
    }
    return Story("three", fleet(services, credentials))


def test_every_value_is_asked_for_before_anything_else(bench: MakeBench) -> None:
    made = bench(three())
    asked: list[tuple[str, int]] = []

    def asker(name: str) -> Secret:
        asked.append((name, len([r for r in made.records() if r["event"] == "move"])))
        assert made.standing(name).shown == State.WAITING_HUMAN
        return made.world.hand_over(name)

    made.asker = asker
    assert made.walk() is None
    assert asked == [("one", 0), ("two", 0)]
    made.over()


def test_a_value_is_encrypted_before_anything_else_happens(bench: MakeBench) -> None:
    made = bench("O3")
    spoils.sits(made)
    made.walk()
    events = [(r["event"], r.get("fact", "")) for r in made.records()]
    assert events[1:4] == [("waiting", ""), ("fact", "probe"), ("fact", "probe")]
    assert events[4:6] == [("fact", "probe"), ("unblocked", "")]


def test_who_is_not_there_is_waited_for_and_the_rest_goes_on(bench: MakeBench) -> None:
    made = bench(three())
    made.asker = lambda name: made.world.hand_over(name) if name == "two" else None
    error = made.walk()
    assert isinstance(error, WaitingForPerson)
    assert "one" in error.message
    states = {name: made.standing(name).shown for name in ("one", "own", "two")}
    assert states == {"one": State.WAITING_HUMAN, "own": State.CLOSED, "two": State.CLOSED}
    made.asker = None
    made.finish()


def test_a_refused_value_is_asked_for_once_more(bench: MakeBench) -> None:
    made = bench("O3")
    spoils.sits_and_mistypes(made)
    assert made.walk() is None
    assert made.standing("it").to_generation == 3
    assert any("refused" in note for note in made.notes)
    made.over()


def test_a_person_with_wrong_values_only_is_not_asked_for_ever(bench: MakeBench) -> None:
    made = bench("O3")
    given: list[str] = []
    made.asker = lambda name: given.append(name) or generate("token")  # type: ignore[func-returns-value]
    assert isinstance(made.walk(), WaitingForPerson)
    assert given == ["it"] * 3
    assert made.standing("it").shown == State.WAITING_HUMAN
    made.asker = None
    spoils.brought_where_asked(made)
    made.finish()


def test_a_lone_slot_is_asked_for_only_when_everything_is_rehearsed(bench: MakeBench) -> None:
    made = bench("O6")
    seen: list[State] = []

    def asker(name: str) -> Secret:
        seen.append(made.standing(name).state)
        return made.world.hand_over(name)

    made.asker = asker
    assert made.walk() is None
    assert seen == [State.CUTOVER]
    made.over()


@pytest.mark.parametrize("story", ["O1-slots", "O4"])
def test_nobody_is_asked_for_what_mycoops_makes(bench: MakeBench, story: str) -> None:
    made = bench(story)
    made.asker = lambda name: pytest.fail("asked")
    assert made.walk() is None
