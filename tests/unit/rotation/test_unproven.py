"""A value that nobody can probe is delivered like any other, and nothing is ever claimed of it."""

from __future__ import annotations

from dataclasses import replace

from mycoops.cli_answers import SEEN, _seen
from mycoops.errors import WaitingForPerson
from mycoops.model import UNPROVEN, State
from mycoops.report import lines, rotation_log
from tests.unit.rotation.conftest import MakeBench


def test_it_is_closed_without_a_proof_and_the_log_says_so(bench: MakeBench) -> None:
    made = bench("O6-unproven")
    assert isinstance(made.walk(), WaitingForPerson)
    assert not made.standing("it").cut
    made.bring()
    assert made.walk() is None
    standing = made.standing("it")
    assert (standing.state, standing.unproven, standing.proven) == (State.CLOSED, True, "")
    assert not [call for call in made.world.calls if call.startswith("probe it")]
    assert State.PROVEN_DEAD not in {record.get("state") for record in made.records()}
    (line,) = lines(made.run(), made.records())
    assert line.note == UNPROVEN
    row = next(text for text in rotation_log([("run", made.run(), "0" * 16)]).splitlines() if "| it |" in text)
    assert row.count(UNPROVEN) == 4
    assert _seen([line]) == f", {UNPROVEN}: it"
    proven = replace(line, credential="db", note="")
    assert _seen([line, proven]) == f"{SEEN} but {UNPROVEN}: it"
    assert (_seen([proven]), _seen([])) == (SEEN, "")


def test_the_same_with_a_probe_is_proven(bench: MakeBench) -> None:
    made = bench("O6")
    made.walk()
    made.bring()
    assert made.walk() is None
    standing = made.standing("it")
    assert (standing.unproven, bool(standing.proven)) == (False, True)
    assert UNPROVEN not in rotation_log([("run", made.run(), "0" * 16)])
