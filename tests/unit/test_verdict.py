"""The recovery table, over every combination of outcomes: the control first, and only two outcomes prove anything."""

from __future__ import annotations

from itertools import product

import pytest

from mycoops.model import Outcome
from mycoops.verdict import EXPLAINED, Standing, combine, judge

YES, NO = Outcome.ACCEPTED, Outcome.REFUSED
TABLE = {
    (YES, YES): Standing.OVERLAP,
    (YES, NO): Standing.NEW_ONLY,
    (NO, YES): Standing.OLD_ONLY,
    (NO, NO): Standing.NOBODY,
}


@pytest.mark.parametrize(("random", "new", "old"), list(product(Outcome, repeat=3)))
def test_the_table(random: Outcome, new: Outcome, old: Outcome) -> None:
    if random is YES:
        wanted = Standing.CANNOT_VERIFY
    elif random is NO:
        wanted = TABLE.get((new, old), Standing.UNKNOWN)
    else:
        wanted = Standing.UNKNOWN
    assert judge(random, new, old) is wanted


def test_every_standing_has_its_words() -> None:
    assert set(EXPLAINED) == set(Standing)
    assert len(set(EXPLAINED.values())) == len(Standing)


def test_hosts_that_agree_are_one() -> None:
    for outcome in Outcome:
        assert combine([outcome, outcome]) is outcome


def test_hosts_that_disagree_count_as_told() -> None:
    assert combine([YES, NO], YES) is YES
    assert combine([NO, YES, NO], NO) is NO
    assert combine([YES, NO]) is Outcome.UNREACHABLE


@pytest.mark.parametrize("other", [Outcome.FORBIDDEN, Outcome.UNREACHABLE, Outcome.THROTTLED])
def test_a_host_that_could_not_say_leaves_it_open(other: Outcome) -> None:
    assert combine([YES, other], YES) is Outcome.UNREACHABLE
    assert combine([YES, NO, other], NO) is Outcome.UNREACHABLE


def test_nobody_asked_is_nothing_known() -> None:
    assert combine([]) is Outcome.UNREACHABLE
