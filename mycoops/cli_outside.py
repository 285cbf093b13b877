"""`mycoops pull`, `acknowledge` and `waive` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mycoops import cli_completion as completion
from mycoops.cli_options import FleetOption, JsonOption
from mycoops.cli_print import out, print_json, table
from mycoops.commands import acknowledging, pulling
from mycoops.commands.acknowledging import Said
from mycoops.session import open_fleet

CredentialArgument = Annotated[str, typer.Argument(autocompletion=completion.credential)]
ConsumerArgument = Annotated[
    str,
    typer.Argument(help="As `mycoops status` names it, or what stands there after its colon.", autocompletion=completion.outside),
]


def pull(
    developer: Annotated[
        str, typer.Option("--as", help="Whose env files (default: your login).", autocompletion=completion.developer)
    ] = "",
    into: Annotated[Path, typer.Option(help="Where their paths begin (default: here).", show_default=False)] = Path(),
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write your own env files on this machine from the fleet directory, and acknowledge what they hold."""
    done = pulling.pull(open_fleet(fleet), developer, into)
    if as_json:
        print_json(asdict(done))
        return
    rows = [
        (one.path, ", ".join(one.changed) or "as it was", ", ".join(f"{name} {number}" for name, number in one.generations.items()))
        for one in done.files
    ]
    table(("env file", "changed", "generations"), rows)
    out.print(f"→ commit and push {done.acknowledgement}: the rotation reads it", highlight=False, soft_wrap=True, markup=False)


def acknowledge(
    credential: CredentialArgument,
    consumer: ConsumerArgument,
    show: Annotated[bool, typer.Option("--show", help="Open the value in your editor, and record nothing.")] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that you have put the value an open rotation asks for into a store that mycoops does not reach."""
    opened = open_fleet(fleet)
    if show:
        acknowledging.show(opened, credential, consumer)
        return
    _told(acknowledging.acknowledge(opened, credential, consumer), "acknowledged", as_json=as_json)


def waive(
    credential: CredentialArgument,
    consumer: ConsumerArgument,
    until: Annotated[str, typer.Option(help="The last day it counts, as 2031-02-28.")],
    reason: Annotated[str, typer.Option(help="Why, for the rotation log.")],
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an open rotation go on without the acknowledgement of one consumer, until a day: its old value then ends all the same."""
    said = acknowledging.waive(open_fleet(fleet), credential, consumer, until, reason)
    _told(said, f"waived until {said.until}", as_json=as_json)


def _told(said: Said, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(said))
        return
    text = f"{said.credential}: {said.consumer}: generation {said.generation} {words}, by {said.by}\n→ {said.next}"
    out.print(text, highlight=False, soft_wrap=True, markup=False)
