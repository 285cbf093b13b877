"""`mycoops log …` on the command line."""

from __future__ import annotations

import typer

from mycoops import cli_answers as answers
from mycoops.cli_options import FleetOption, JsonOption, errors
from mycoops.commands import looking, rendering
from mycoops.errors import Exit
from mycoops.session import open_fleet

app = typer.Typer(invoke_without_command=True, help="Show the rotation log; `verify` checks the journals behind it.")


@app.callback()
def log(context: typer.Context, fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Show the rotation log."""
    context.obj = fleet
    if context.invoked_subcommand is None:
        opened = open_fleet(fleet)
        answers.log(rendering.render_log(opened), opened, as_json=as_json)


@app.command("verify")
def verify(context: typer.Context, fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Check every journal, offline: intact, torn, tampered, foreign, copied, shortened, missing, unverified (no key)."""
    found = looking.verify_log(open_fleet(fleet or context.obj))
    answers.verdicts(found, as_json=as_json)
    if any(verdict.state == "unverified" for verdict in found):
        errors.print(
            "cannot verify here: the state directory has no install.key\n→ Put the one back that the journals were written under."
        )
    if any(verdict.state not in ("intact", "torn") for verdict in found):
        raise typer.Exit(Exit.FINDINGS)
