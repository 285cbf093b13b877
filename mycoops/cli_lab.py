"""`mycoops lab …` on the command line."""

from __future__ import annotations

import os
import subprocess
from typing import Annotated

import typer

from mycoops import cli_answers as answers
from mycoops import cli_completion as completion
from mycoops import lab
from mycoops.cli_options import FleetOption, JsonOption, errors
from mycoops.commands import labbing
from mycoops.display import Display
from mycoops.session import open_fleet

app = typer.Typer(no_args_is_help=True, help="Boot a fleet of containers on this machine that behaves like the real one.")


@app.command()
def up(fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Build the image if needed, boot every host, and make the authorities accept the vault's values."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display:
        report = labbing.up(opened, display.say, display.host)
    answers.lab(list(report.hosts), as_json=as_json)


@app.command()
def down(
    fleet: FleetOption = None,
    forget: Annotated[bool, typer.Option("--forget", help="Also remove the lab's values, journals and log.")] = False,
) -> None:
    """Remove the lab's containers and network, and nothing else."""
    opened = open_fleet(fleet)
    with Display(errors) as display:
        labbing.down(opened, display.say, forget=forget)


@app.command()
def status(fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """List the lab's hosts."""
    answers.lab(lab.status(open_fleet(fleet).settings.fleet), as_json=as_json)


@app.command()
def ssh(
    host: Annotated[str, typer.Argument(autocompletion=completion.host)],
    command: Annotated[list[str] | None, typer.Argument()] = None,
    fleet: FleetOption = None,
) -> None:
    """Log in to a host of the lab with the rotator's key, or run a command there."""

    def run(argv: list[str], environment: dict[str, str]) -> int:
        return subprocess.run([*argv, *(command or [])], env={**os.environ, **environment}, check=False).returncode

    raise typer.Exit(labbing.ssh(open_fleet(fleet), host, run))
