"""Wherever the control node's disk fails, the run says which file and why, nothing is half written, and resume ends CLOSED.

A run is photographed before and after every durable write; from each photograph it goes on until a system call of a write fails:
with a full disk, one that was made read-only or one that reports an error, once or from then on, after nothing or half a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from mycoops.drill.bench import KEY, Bench
from mycoops.errors import ForwardOnly, MycoopsError, NotWritten
from mycoops.journal import read
from mycoops.vault import Store
from tests.unit.disk import FAULTS, Disk
from tests.unit.rotation.conftest import MakeBench
from tests.unit.rotation.test_crashes import SINGLE, blaming, photographs

CALLS = 7
"""How many system calls a durable write makes at most."""


def kinds_of_fault() -> Iterator[tuple[int, bool, bool]]:
    """What the disk says, whether it goes on saying so, and whether it takes half of a record before."""
    return cycle((number, lasting, short) for lasting in (True, False) for short in (False, True) for number in FAULTS)


def failing(made: Bench, command: Callable[[], MycoopsError | None], skip: int, fault: tuple[int, bool, bool]) -> bool:
    """Run a command until a durable write fails; whether one did. What is on disk is whole then."""
    number, lasting, short = fault
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch, skip, number, lasting=lasting, short=short)
        error = command()
    made.forget()
    if not isinstance(error, NotWritten):
        return False
    assert str(made.fleet) in error.message
    assert error.message.endswith(FAULTS[number])
    assert read(made.path, KEY)[1].state in ("intact", "torn")
    assert Store.open(made.fleet, []).metas()
    made.kept()
    return True


@pytest.mark.parametrize("story", SINGLE)
def test_a_disk_that_fails_anywhere_is_told_and_resume_ends_closed(bench: MakeBench, story: str) -> None:
    made, faults, told = bench(story), kinds_of_fault(), 0
    taken = photographs(made, made.finish)
    for number, (what, snapshot) in enumerate(taken):
        made.restore(snapshot)
        skip = number % CALLS
        with blaming(f"{what}, {skip} calls later"):
            told += failing(made, made.walk, skip, next(faults))
            made.finish()
    assert told > len(taken) // 2


@pytest.mark.parametrize("story", ["O1-slots", "O1-lists", "O2", "O4"])
def test_a_way_back_goes_on_after_a_disk_that_failed(bench: MakeBench, story: str) -> None:
    made, faults, told = bench(story), kinds_of_fault(), 0
    taken = photographs(made, made.finish)
    for number, (what, snapshot) in enumerate(taken[::2]):
        made.restore(snapshot)
        if not made.run().open or any(standing.forward_only for standing in made.run().rotations.values()):
            continue
        skip = number % (3 * CALLS)
        with blaming(f"{what}, {skip} calls later"):
            told += failing(made, made.abort, skip, next(faults))
            if made.run().open:
                assert not isinstance(made.abort(), ForwardOnly)
            made.back()
    assert told > 5
