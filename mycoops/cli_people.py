"""`mycoops todo` and `mycoops confirm` on the command line, and what `rotate` and `resume` ask of who is at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from mycoops import cli_completion as completion
from mycoops import interrupts
from mycoops.cli_options import STOPPING, FleetOption, JsonOption, errors
from mycoops.cli_print import out, print_json, table
from mycoops.commands import confirming, tasking
from mycoops.commands.providing import kind_of, refuse_known, refuse_shape
from mycoops.commands.rotating import Asker
from mycoops.commands.tasking import Task
from mycoops.display import Display
from mycoops.editor import typed
from mycoops.errors import ConfigurationError, Exit, WrongUsage
from mycoops.exposure import minute
from mycoops.interrupts import Stop
from mycoops.kinds import HumanStep
from mycoops.secret import Secret
from mycoops.session import Fleet, open_fleet
from mycoops.vault import Store

NoInputOption = Annotated[
    bool, typer.Option("--no-input", help="Ask for no value on the terminal: what a person makes is waited for.")
]


def todo(
    markdown: Annotated[bool, typer.Option("--markdown", help="Answer as a list for a ticket.")] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what persons have to do for the open rotations: where, by whom, until when; exit status 6 where there is anything."""
    if markdown and as_json:
        raise WrongUsage("an answer is either Markdown or JSON", hint="Take one of --markdown, --json.")
    found = tasking.tasks(open_fleet(fleet))
    if as_json:
        print_json([asdict(task) for task in found])
    elif markdown:
        typer.echo("\n".join(_item(task) for task in found))
    elif found:
        rows = [(t.credential, t.step, t.page, _shape(t.prefix, t.length), t.owner, _due(t), t.next) for t in found]
        table(("credential", "what to do", "page", "to bring", "who", "until", "then"), rows)
    else:
        out.print("nothing waits for a person")
    if found:
        raise typer.Exit(Exit.WAITING)


def _due(task: Task) -> str:
    when = minute(task.deadline) if task.deadline else "–"
    return f"{when}, overdue" if task.overdue else when


def _shape(prefix: str, length: int) -> str:
    return ", ".join([f"begins with {prefix}"] * bool(prefix) + [f"{length} characters"] * bool(length))


def _item(task: Task) -> str:
    where = f" at <{task.page}>" if task.page else ""
    shape = f" ({shaped})" if (shaped := _shape(task.prefix, task.length)) else ""
    due = f"**overdue since {minute(task.deadline)}**" if task.overdue else f"until {_due(task)}"
    return f"- [ ] `{task.credential}`: {task.step}{where}{shape}; {task.owner}, {due}; then `{task.next}`"


def confirm(
    credential: Annotated[str, typer.Argument(autocompletion=completion.unconfirmed)],
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that you have ended an old value where only a person can; a fresh login has to see it refused."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display, interrupts.gentle(STOPPING) as stop:
        done = confirming.confirm(opened, credential, display, display.host, stop)
    if as_json:
        print_json(asdict(done))
    else:
        text = f"{done.credential}: generation {done.generation} is refused, confirmed by {done.by}\n→ {done.next}"
        out.print(escape(text), highlight=False, soft_wrap=True)


def asker(fleet: Fleet, display: Display, stop: Stop, *, no_input: bool) -> Asker | None:
    """What asks who is at the terminal for a value; None where nobody is, or is to be asked."""
    if no_input or not sys.stdin.isatty():
        return None

    def ask(store: Store, credential: str) -> Secret | None:
        with display.paused():
            step = kind_of(fleet, credential).step(fleet.catalogue.credentials[credential].authority.options)
            _show(credential, step)
            return _answer(fleet, store, credential, stop)

    return ask


def _show(credential: str, step: HumanStep | None) -> None:
    page, what = (step.page, step.instruction) if step else ("", "make a new value")
    shape = _shape(step.prefix, step.length) if step else ""
    text = f"[bold]{escape(credential)}[/]: {escape(what)}" + (f"\n  page      {escape(page)}" if page else "")
    errors.print(text + (f"\n  to bring  {escape(shape)}" if shape else ""), highlight=False, soft_wrap=True)


def _answer(fleet: Fleet, store: Store, credential: str, stopped: Callable[[], bool]) -> Secret | None:
    """A value of the right shape that is not known yet; None for an empty answer, which is "later"."""
    while not stopped():
        answer = typer.prompt(f"Value of {credential} (empty: later)", "", hide_input=True, show_default=False, err=True)
        if not answer.strip():
            return None
        secret = typed(answer)
        try:
            refuse_shape(fleet, credential, secret)
            refuse_known(store, credential, secret)
        except ConfigurationError as error:
            errors.print(f"[red]{escape(error.message)}[/]\n→ {escape(error.hint)}", highlight=False, soft_wrap=True)
        else:
            return secret
    return None
