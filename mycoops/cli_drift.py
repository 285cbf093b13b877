"""`mycoops drift` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mycoops import cli_completion as completion
from mycoops.cli_hints import runnable
from mycoops.cli_options import FleetOption, JsonOption, errors
from mycoops.cli_print import out, print_json, table
from mycoops.commands import deploying, drifting
from mycoops.display import Display
from mycoops.errors import Exit
from mycoops.session import open_fleet


def drift(
    fleet: FleetOption = None,
    host: Annotated[str, typer.Option(help="Only this host.", autocompletion=completion.service_host)] = "",
    as_json: JsonOption = False,
) -> None:
    """Ask every host what differs from what a deploy would bring there; change nothing."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display, drifting.kept(opened, whole=not host) as keep:
        if names := deploying.under_way(opened):
            display.note(f"in rotation: {', '.join(names)}: each consumer is compared with what its rotation has come to")
        done = keep(drifting.drift(opened, display.host, host=host))
    _told(done, as_json=as_json)
    if done.error:
        raise done.error
    if done.found:
        raise typer.Exit(Exit.FINDINGS)


def _told(done: drifting.Drifted, *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in done.hosts])
        return
    rows = [
        (one.host, ", ".join(found.services), found.what, found.place, ", ".join(found.names), found.detail, runnable(found.next))
        for one in done.hosts
        for found in one.findings
    ]
    if rows:
        table(("host", "services", "what", "where", "variables", "detail", "next"), rows)
    if clean := [one.host for one in done.hosts if not (one.findings or one.error)]:
        out.print(f"{', '.join(clean)}: nothing differs", highlight=False, soft_wrap=True)
