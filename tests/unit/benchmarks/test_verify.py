"""A contender that did not do the work gets no figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.verify import NotDone, Seen, digest, judge, problems

WANTED = digest({"BENCH_01": "new"})
FRESH = Seen("", "", 0, "", 0, 0, 0, False, False, False)
DONE = Seen(WANTED, "0600", 7, WANTED, 100, 1, 0, False, True, True)


def test_work_that_was_done_is_accepted() -> None:
    judge("one", {"h01": FRESH}, {"h01": DONE}, WANTED, 1)


@pytest.mark.parametrize(
    ("cheat", "said"),
    [
        ({"file": digest({"BENCH_01": "old"})}, "the file does not hold the values"),
        ({"mode": "0644"}, "the file has mode 0644"),
        ({"process": ""}, "the process does not hold the values"),
        ({"stale_unit": True}, "the drop-in is not in force"),
        ({"dropped_in": False}, "the drop-in is not in force"),
        ({"healthy": False}, "the service is not healthy"),
        ({"starts": 2}, "2 starts instead of 1"),
        ({"starts": 0}, "0 starts instead of 1"),
        ({"restarts_by_itself": 1}, "it restarted by itself"),
        ({"pid": 0}, "it is the same process as before"),
    ],
)
def test_work_that_was_not_done_is_refused_by_name(cheat: dict[str, object], said: str) -> None:
    with pytest.raises(NotDone, match=said):
        judge("one", {"h01": FRESH}, {"h01": replace(DONE, **cheat)}, WANTED, 1)  # type: ignore[arg-type]


def test_one_idle_host_among_many_is_named() -> None:
    before = {"h01": FRESH, "h02": FRESH}
    with pytest.raises(NotDone, match="one on h02"):
        judge("one", before, {"h01": DONE, "h02": FRESH}, WANTED, 1)


def test_a_value_that_was_there_already_is_no_work() -> None:
    again = replace(DONE, pid=101, starts=2)
    assert problems(DONE, again, WANTED, 1) == ["there was nothing to change"]


def test_a_second_run_must_leave_file_and_process_alone() -> None:
    judge("one", {"h01": DONE}, {"h01": DONE}, WANTED, 0)
    with pytest.raises(NotDone, match="the file was written"):
        judge("one", {"h01": DONE}, {"h01": replace(DONE, written=8)}, WANTED, 0)
    with pytest.raises(NotDone, match="it is another process"):
        judge("one", {"h01": DONE}, {"h01": replace(DONE, pid=101, starts=2)}, WANTED, 0)


def test_hosts_that_vanish_or_none_at_all_are_refused() -> None:
    with pytest.raises(NotDone, match="not the same hosts"):
        judge("one", {"h01": FRESH, "h02": FRESH}, {"h01": DONE}, WANTED, 1)
    with pytest.raises(NotDone, match="not the same hosts"):
        judge("one", {}, {}, WANTED, 1)
