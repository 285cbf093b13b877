"""The command line as it really is: what it takes, and which commands and options it has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import typer
from typer.exceptions import TyperException

from mycoops import cli


@cache
def root() -> Any:
    """The command `mycoops`."""
    return typer.main.get_command(cli.app)


def _context(command: Any, parent: Any) -> Any:
    return type(command).context_class(command, parent=parent, info_name=command.name)


def refusal(words: list[str], *, named: bool = False) -> str:
    """Why the command line does not take these words, else an empty string. `named`: a command may stand without its arguments."""
    command, context = root(), None
    try:
        while hasattr(command, "commands"):
            context = _context(command, context)
            _, words, _ = command.make_parser(context).parse_args(list(words))
            if not words:
                return "" if named or command.invoke_without_command else "a command is missing"
            following = command.get_command(context, words[0])
            if following is None:
                return f"there is no command {words[0]}"
            command, words = following, words[1:]
        if words or not named:
            command.make_context(command.name, list(words), parent=context)
    except TyperException as error:
        return str(getattr(error, "message", "")) or type(error).__name__
    return ""


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Every command that does something, by its words, with its options."""
    command = command or root()
    if path and (not hasattr(command, "commands") or command.invoke_without_command):
        yield " ".join(path), {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))
