"""`mycoops approve` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from mycoops import cli_completion as completion
from mycoops.cli_hints import runnable
from mycoops.cli_options import FleetOption, JsonOption, YesOption, agree, errors
from mycoops.cli_print import out, print_json, table
from mycoops.commands import approving
from mycoops.commands.approving import Approval
from mycoops.session import open_fleet

DigestArgument = Annotated[str, typer.Argument(help="Of the plan, as `mycoops status` shows it.", autocompletion=completion.digest)]


def approve(digest: DigestArgument, yes: YesOption = False, fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Agree, as a second person, that an open rotation may pass its point of no return."""
    opened = open_fleet(fleet)
    if not yes:
        show(approving.asked(opened, digest), errors)
        agree("Approve this?")
    done = approving.approve(opened, digest)
    if as_json:
        print_json({**asdict(done), "next": runnable(done.next)})
    else:
        names = ", ".join(part.credential for part in done.parts)
        out.print(f"approved by {escape(done.by)}: {names}\n→ {runnable(done.next)}", highlight=False, soft_wrap=True)


def show(asked: Approval, console: Console) -> None:
    """Print what is about to be approved."""
    console.print(f"[bold]{escape(asked.label)}[/] {escape(asked.reason)} · digest {asked.digest}", highlight=False)
    console.print(f"opened or resumed by {escape(', '.join(asked.operators))}; you are {escape(asked.by)}", highlight=False)
    rows = [
        (part.credential, part.overlap, f"{part.from_generation} → {part.to_generation}", part.state, ", ".join(part.services))
        for part in asked.parts
    ]
    table(("credential", "class", "generation", "state", "used by"), rows, console)
    console.print(f"no way back from: {', '.join(asked.forward_only)}", highlight=False, soft_wrap=True)
