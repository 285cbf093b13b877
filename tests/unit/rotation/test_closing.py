"""Nothing is CLOSED before the leak scan of its run is clean for it, or a person was told where a value was found."""

from __future__ import annotations

import pytest

from mycoops.errors import ForwardOnly
from mycoops.exposure import emergencies
from mycoops.model import Leak, State
from mycoops.runner import Outcome
from tests.unit.rotation.conftest import MakeBench


def test_a_leak_is_told_once_and_survives_the_process_that_saw_it(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.leaks = [Leak("db", 1, "run003/stdout")]
    made.crash("after the record state db ACTIVATED")
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "generation 1 in control node: run003/stdout" in str(error)
    assert made.standing("db").state is State.PROVEN_DEAD
    assert made.store().pending("db") == [1, 2]
    assert made.walk() is None
    assert [fact["place"] for fact in made.standing("db").facts if fact["fact"] == "leak"] == ["control node: run003/stdout"]
    made.over()


def test_the_scan_comes_before_closed_while_both_values_are_known(bench: MakeBench) -> None:
    made = bench("O1-slots")
    seen: list[tuple[State, list[int]]] = []

    def scan() -> Outcome:
        seen.append((made.standing("db").state, made.store().pending("db")))
        return Outcome(searched=["h1"], skipped=["h1: /var/log/huge"])

    made.scanner = scan
    assert made.walk() is None
    assert seen == [(State.PROVEN_DEAD, [1, 2])]
    events = [record["event"] if record["event"] != "state" else record["state"] for record in made.records()]
    assert events.index("scanned") < events.index("CLOSED")
    (record,) = made.run().scans
    assert (record["places"], record["missed"], record["skipped"]) == (["h1"], {}, ["h1: /var/log/huge"])


def test_a_leak_of_the_scan_keeps_its_own_credential_open_and_no_other(bench: MakeBench) -> None:
    made = bench("O1-lists")
    made.scanner = lambda: Outcome(leaks=[Leak("token", 2, "/tmp/left", "h1")])
    error = made.walk()
    assert "token: a value was found where it must not be: generation 2 in h1: /tmp/left" in str(error)
    states = {name: standing.state for name, standing in made.run().rotations.items()}
    assert states == {"token": State.PROVEN_DEAD, "key": State.CLOSED}
    assert list(emergencies([made.run()])) == ["token"]
    assert made.walk() is None
    assert list(emergencies([made.run()])) == ["token"], "a rotation that is closed does not make the value less leaked"
    assert len(made.run().leaks) == 1, "what is found again is not recorded again"


def test_a_dead_generation_that_is_found_is_told_and_is_no_emergency(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.scanner = lambda: Outcome(leaks=[Leak("db", 1, "/tmp/left", "h1")])
    assert "generation 1 in h1: /tmp/left" in str(made.walk())
    assert emergencies([made.run()]) == {}


def test_a_host_that_cannot_be_searched_is_not_clean(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.scanner = lambda: Outcome(missed={"h1": "h1 cannot be reached over ssh"})
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "db: not searched for leaks: h1 cannot be reached over ssh" in str(error)
    assert made.standing("db").state is State.PROVEN_DEAD
    assert any("not searched for leaks: h1" in note for note in made.notes)
    made.scanner = Outcome
    assert made.walk() is None
    made.over()


def test_a_host_that_holds_nothing_of_a_credential_does_not_keep_it_open(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.scanner = lambda: Outcome(missed={"h9": "h9 cannot be reached over ssh"})
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("story", ["O1-slots", "O1-lists", "O4"])
def test_the_scan_of_the_hosts_rides_along_with_the_last_move_that_speaks_to_them(
    bench: MakeBench, monkeypatch: pytest.MonkeyPatch, story: str
) -> None:
    made = bench(story)
    rides: list[bool] = []
    carry_out = made.world.carry_out

    def watched(*arguments: object, **options: object) -> object:
        rides.append(bool(options.get("scan")))
        return carry_out(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(made.world, "carry_out", watched)
    assert made.walk() is None
    assert rides == [False] * (len(rides) - 1) + [True]
