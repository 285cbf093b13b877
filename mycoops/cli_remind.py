"""`mycoops remind` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mycoops.cli_options import FleetOption, JsonOption
from mycoops.cli_print import out, print_json
from mycoops.commands import reminding
from mycoops.session import open_fleet


def remind(
    only_print: Annotated[bool, typer.Option("--print", help="Show what would be sent, and send nothing.")] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the fleet's targets what is overdue, due soon, waiting for somebody, or drifted; nothing where there is nothing."""
    opened = open_fleet(fleet)
    told = reminding.reminder(opened)
    reached = [] if only_print else [str(target) for target in reminding.send(opened, told)]
    if as_json:
        print_json({**asdict(told), "sent": reached})
        return
    if only_print:
        lines = [told.title, *(["", told.text] if told.parts else [])]
    else:
        lines = [f"told {', '.join(reached)}: {told.title}" if reached else f"{told.title}; nothing was sent"]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
