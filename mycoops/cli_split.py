"""`mycoops split` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mycoops import cli_completion as completion
from mycoops.cli_options import FleetOption, JsonOption
from mycoops.cli_print import out, print_json
from mycoops.commands import splitting
from mycoops.session import open_fleet


def split(
    credential: Annotated[str, typer.Argument(autocompletion=completion.credential)],
    into: Annotated[str, typer.Option(help="The credentials that share its value, with commas between.")],
    reason: Annotated[str, typer.Option(help="Why, for the rotation log.")] = "",
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give each of several credentials that share one value an entry of its own, so that each is rotated alone."""
    done = splitting.split(open_fleet(fleet), credential, [name.strip() for name in into.split(",") if name.strip()], reason)
    if as_json:
        print_json(asdict(done))
        return
    words = [f"{name}: generation 1, the value of {done.credential}" for name in done.made]
    words += [f"{name}: has that value already" for name in done.there]
    text = "\n".join([*words, *(f"→ {command}" for command in done.next)])
    out.print(text, highlight=False, soft_wrap=True, markup=False)
