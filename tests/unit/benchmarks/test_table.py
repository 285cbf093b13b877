"""The README gets the table, and nothing else of it changes."""

from __future__ import annotations

import pytest

from benchmarks.figures import Row, Verdict
from benchmarks.table import BEGIN, END, render, splice

ROW = Row("deploy", 25, "mycoops", 4.567, 1.234, 7.89, 512.4, 1, 5)
MISSED = Verdict("deploy", 25, "within 1.5 × the floor", 1.94, met=False)
MET = Verdict("redeploy", 1, "within 1.5 × the floor", 1.2, met=True)


def test_a_row_shows_every_measure() -> None:
    text = render([ROW], [], {"processor": "2 cores"}, 10)
    assert "| 25 | mycoops | 4.57 | 1.2 | 7.9 | 512 | 1 |" in text
    assert "- processor: 2 cores" in text
    assert "Median of 5 runs, 10 hosts at once." in text


def test_a_missed_target_is_shown_as_missed() -> None:
    lines = render([ROW], [MISSED, MET], {}, 10).splitlines()
    assert "| deploy | 25 | within 1.5 × the floor | 1.94 × | **missed** |" in lines
    assert "| redeploy | 1 | within 1.5 × the floor | 1.20 × | met |" in lines


def test_only_jobs_that_were_done_have_a_table() -> None:
    text = render([ROW], [], {}, 10)
    assert "First deploy" in text
    assert "Redeploy of" not in text


def test_the_text_goes_between_the_markers() -> None:
    document = f"# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n"
    assert splice(document, "new") == f"# Title\n\n{BEGIN}\nnew\n{END}\n\nafter\n"
    assert splice(splice(document, "one"), "two") == splice(document, "two")


@pytest.mark.parametrize("document", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_document_without_one_pair_of_markers_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="needs one"):
        splice(document, "new")
