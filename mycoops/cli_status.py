"""`mycoops status` on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from mycoops import cli_answers as answers
from mycoops.cli_options import FleetOption, JsonOption, errors
from mycoops.commands import asking, looking
from mycoops.display import Display
from mycoops.session import open_fleet


def status(
    ask: Annotated[bool, typer.Option("--ask", help="First ask the authorities who still tries an old value.")] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where every credential stands, who waits for what, the exact next command, and who still tries an old value."""
    opened, done = open_fleet(fleet), None
    if ask:
        with Display(errors, quiet=as_json) as display:
            done = asking.ask(opened, display.host)
    answers.status(looking.status(opened), as_json=as_json)
    for finding in looking.doubts(opened):
        errors.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    if done and not done.credentials:
        errors.print("nobody was asked: no credential has an old login name of its own whose authority tells of refused logins")
    if done and (error := done.error):
        raise error
