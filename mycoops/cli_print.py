"""How answers are printed on stdout: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

PLAIN_WIDTH = 10_000
"""Columns of a table that does not go to a terminal: a row is a line there, and no name is broken."""


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)


out = _console()


_answers: list[int] = []


def begin() -> None:
    """Another command begins: nothing is answered yet."""
    _answers.clear()


def answered() -> bool:
    """Whether this command has answered a program already."""
    return bool(_answers)


def print_json(data: Any) -> None:
    """Print an answer for programs; what JSON has no word for becomes its text."""
    _answers.append(1)
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], console: Console = out, title: str = "") -> None:
    """Print a table; cells are texts, not markup."""
    made = Table(title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    cells = [[str(cell) for cell in row] for row in rows]
    # What a row is about is not broken over lines, where that leaves the other columns a place.
    whole = max((len(row[0]) for row in cells), default=0) <= console.width // 2
    for number, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=whole and number == 0)
    for row in cells:
        made.add_row(*map(escape, row))
    console.print(made)
