"""What holds in every scenario."""

from __future__ import annotations

import os
from pathlib import Path


def test_the_first_run_changes_and_the_second_does_not(replies, watched, before):
    assert any(replies.changes("converge"))
    assert not any(replies.changes("idempotence"))
    assert watched() != before, "what is watched does not show a change"


def test_no_error_but_those_meant(replies, story):
    assert replies.errors("converge") == replies.errors("idempotence") == []
    assert replies.errors("side_effect") == story["refused"]


def test_no_value_shows(host, masker, value):
    said = (Path(os.environ["MOLECULE_RUN"]) / "replies.jsonl").read_text()
    journal = host.run("journalctl --quiet --no-pager --output cat")
    assert journal.rc == 0
    assert len(journal.stdout) > 1000
    assert not masker.hit(said)
    assert not masker.hit(journal.stdout)
    assert masker.hit(f"{said} {value(1)}"), "the search finds nothing at all"
