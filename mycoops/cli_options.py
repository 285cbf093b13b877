"""What commands have in common: options, the stream for everything but answers, and the question before something is done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mycoops import cli_hints
from mycoops.errors import Interrupted, WrongUsage

STOPPING = "stopping after this step; everything stays resumable (once more: stop in the middle of it)"
errors = Console(stderr=True)
FleetOption = Annotated[
    Path | None,
    typer.Option(
        "--fleet",
        envvar="MYCOOPS_FLEET",
        help="The fleet directory (default: inventory/lab).",
        show_default=False,
        callback=cli_hints.named,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
YearOption = Annotated[int | None, typer.Option("--year", min=2000, max=2999, help="Default: this year.", show_default=False)]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def agree(question: str) -> None:
    """Ask on the terminal. Raises Interrupted for a no, and WrongUsage where nobody can be asked."""
    if not sys.stdin.isatty():
        raise WrongUsage("nobody can be asked whether to go on; nothing was done", hint="Say --yes.")
    if not typer.confirm(question, err=True):
        raise Interrupted("nothing was done")
