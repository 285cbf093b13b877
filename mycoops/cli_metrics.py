"""`mycoops metrics` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mycoops.cli_options import FleetOption
from mycoops.commands import measuring
from mycoops.session import open_fleet


def metrics(
    textfile: Annotated[
        Path | None, typer.Option(help="Write them to this file, which ends in .prom, for the textfile collector.")
    ] = None,
    fleet: FleetOption = None,
) -> None:
    """Tell ages, due dates, states, what waits, and the last drift as metrics for Prometheus."""
    opened = open_fleet(fleet)
    if textfile:
        measuring.write(opened, textfile)
    else:
        typer.echo(measuring.text(opened), nl=False)
