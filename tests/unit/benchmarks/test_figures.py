"""Medians, ratios and verdicts say what the samples say."""

from __future__ import annotations

import pytest

from benchmarks.contenders import Job
from benchmarks.figures import FLOOR, OURS, RIVAL, ratio, rows, verdicts
from benchmarks.measure import Sample
from benchmarks.rounds import Figure


def figures(job: Job, hosts: int, **seconds: list[float]) -> list[Figure]:
    """Rounds of the three contenders; their other measures are their seconds too, the starts 1 for all but the floor."""
    names = {"floor": FLOOR, "ours": OURS, "rival": RIVAL}
    return [
        Figure(hosts, number, job, names[who], Sample(time, time, time, int(who != "floor"), 0))
        for who, times in seconds.items()
        for number, time in enumerate(times)
    ]


RUN = figures("deploy", 10, rival=[30.0, 24.0, 90.0], ours=[3.0, 4.0, 9.0], floor=[2.0, 2.0, 9.0])


def test_a_row_is_the_median_of_its_rounds() -> None:
    found = rows(RUN)
    assert [(row.contender, row.seconds, row.runs, row.playbook_starts) for row in found] == [
        (FLOOR, 2.0, 3, 0),
        (OURS, 4.0, 3, 1),
        (RIVAL, 30.0, 3, 1),
    ]


def test_a_ratio_is_taken_within_each_round_before_the_median() -> None:
    assert ratio(RUN, "deploy", 10, OURS, FLOOR) == 1.5  # of 1.5, 2.0, 1.0; the medians alone would say 2.0
    assert ratio(RUN, "deploy", 10, RIVAL, OURS) == 10.0
    assert ratio(RUN, "deploy", 10, FLOOR, FLOOR) == 1.0


def test_a_ratio_without_a_round_that_has_both_is_an_error() -> None:
    with pytest.raises(ValueError, match="no round has both"):
        ratio(RUN, "redeploy", 10, OURS, FLOOR)


def test_rows_are_ordered_by_job_hosts_and_contender_whatever_came_first() -> None:
    run = figures("redeploy", 1, ours=[1.0], floor=[1.0], rival=[1.0]) + figures("deploy", 25, rival=[1.0], ours=[1.0], floor=[1.0])
    run += figures("deploy", 1, rival=[1.0], ours=[1.0], floor=[1.0])
    found = [(row.job, row.hosts) for row in rows(run)]
    assert list(dict.fromkeys(found)) == [("deploy", 1), ("deploy", 25), ("redeploy", 1)]


@pytest.mark.parametrize(
    ("ours", "rival", "met"), [(1.5, 12.0, [True, True]), (1.51, 12.0, [False, False]), (1.0, 7.9, [True, False])]
)
def test_a_target_is_met_at_its_bound_and_missed_beyond_it(ours: float, rival: float, met: list[bool]) -> None:
    found = verdicts(figures("deploy", 25, floor=[1.0], ours=[ours], rival=[rival]))
    assert [one.met for one in found] == met


def test_a_rerun_has_no_target() -> None:
    assert verdicts(figures("rerun", 25, floor=[1.0], ours=[1.0], rival=[1.0])) == []
