"""Renders the next commands that are told, so that they can be run as they stand: with the fleet that this one was given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer

COMMAND = re.compile(r"(?<=`)mycoops [^`]+(?=`)|(?:^|(?<=then ))mycoops [^`]+$")
"""A command in a text: in backquotes, or all of it, or its end."""
WITHOUT = ("--fleet", "--help", "--schema", "mycoops init")
"""What such a command says where it needs no fleet, or names it already."""
_fleet: list[str] = []


def begin() -> None:
    """Another command begins: no fleet is named yet."""
    _fleet.clear()


def named(context: typer.Context, parameter: typer.CallbackParam, fleet: Path | None) -> Path | None:
    """Remember the fleet that the command line names; one from the environment is there for the next command too."""
    source = context.get_parameter_source(str(parameter.name))
    if fleet and source and source.name == "COMMANDLINE":
        _fleet[:] = [shlex.quote(str(fleet))]
    return fleet


def runnable(text: str) -> str:
    """The text with the fleet in each command."""
    return COMMAND.sub(lambda found: _with_fleet(found[0]), text) if _fleet else text


def _with_fleet(command: str) -> str:
    return command if any(word in command for word in WITHOUT) else f"{command} --fleet {_fleet[0]}"
