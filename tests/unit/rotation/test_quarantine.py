"""A rotation of which no value is valid is put aside, stops nothing else, and goes on from its place when that is mended."""

from __future__ import annotations

import pytest

from mycoops.drill.authorities import Single, Tokens
from mycoops.drill.stories import APART
from mycoops.errors import ForwardOnly
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench


@pytest.mark.parametrize(
    ("story", "credential", "where", "place"),
    [
        ("O1-admin", "cache", "before the record state cache VERIFIED", State.ACTIVATED),
        ("O1-slots", "db", "after the record state db REVOKED", State.REVOKED),
        ("O4", "it", "cutover it", State.CUTOVER),
    ],
)
def test_it_keeps_its_place(bench: MakeBench, story: str, credential: str, where: str, place: State) -> None:
    made = bench(story)
    made.crash(where)
    made.world.authorities[credential]["h3"].outage = True
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "not every credential has a valid value" in str(error)
    standing = made.standing(credential)
    assert (standing.state, standing.place) == (State.QUARANTINED, place)
    assert isinstance(made.walk(), ForwardOnly)
    assert made.standing(credential).state is State.QUARANTINED
    made.world.authorities[credential]["h3"].outage = False
    made.finish()


def test_it_stops_nothing_else(bench: MakeBench) -> None:
    made = bench(APART)
    made.crash("before the record state one VERIFIED")
    made.world.authorities["one"]["h3"].outage = True
    assert isinstance(made.walk(), ForwardOnly)
    assert made.standing("one").state is State.QUARANTINED
    assert made.standing("two").state is State.CLOSED


def test_before_the_point_of_no_return_it_can_be_taken_back(bench: MakeBench) -> None:
    made = bench("O1-admin")
    made.crash("before the record state cache VERIFIED")
    made.world.authorities["cache"]["h3"].outage = True
    made.walk()
    assert made.standing("cache").state is State.QUARANTINED
    assert made.abort() is None
    assert made.standing("cache").state is State.ABORTED


def test_an_authority_that_cannot_be_asked_releases_nothing(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db REVOKED")
    made.world.authorities["db"]["h3"].outage = True
    made.walk()
    made.world.authorities["db"]["h3"].down = True
    assert "nothing is known" in str(made.walk())
    assert made.standing("db").state is State.QUARANTINED


def test_authorities_of_every_sort_can_have_an_outage() -> None:
    for authority in (Tokens(tokens={"v": ""}), Single(value="v")):
        assert authority.ask("", "v") == "accepted"
        authority.outage = True
        assert authority.ask("", "v") == "refused"
