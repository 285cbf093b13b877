"""Progress says what a move does, and to whom."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mycoops.display import AHEAD, WORDS, Display
from mycoops.model import Verb
from mycoops.plan import Move


@pytest.mark.parametrize(("services", "words"), [((), WORDS[Verb.STAGE]), (("website",), AHEAD)])
def test_a_next_value_that_is_given_is_told_apart_from_a_rehearsal(services: tuple[str, ...], words: str) -> None:
    stream = io.StringIO()
    Display(Console(file=stream, width=200)).move(Move("07-stage", Verb.STAGE, ("db",), services, services and ("h1",)), 7, 9)
    where, who = (" on h1", "website") if services else ("", "db")
    assert stream.getvalue() == f"0:00  7/9 stage{where}: {words} ({who})\n"
