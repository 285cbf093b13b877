"""The command line: parses, calls one plain function, prints the answer on stdout and everything else on stderr."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mycoops import cli_answers as answers
from mycoops import (
    cli_approve,
    cli_drift,
    cli_drill,
    cli_due,
    cli_failing,
    cli_lab,
    cli_log,
    cli_metrics,
    cli_outside,
    cli_people,
    cli_remind,
    cli_split,
    cli_status,
    cli_vault,
    interrupts,
)
from mycoops import cli_completion as completion
from mycoops import schema as catalogue_schema
from mycoops.cli_hints import runnable
from mycoops.cli_options import STOPPING, FleetOption, JsonOption, YearOption, YesOption, agree, errors
from mycoops.cli_people import NoInputOption
from mycoops.commands import checking, deploying, planning, providing, rotating, starting
from mycoops.display import Display
from mycoops.editor import typed
from mycoops.errors import Exit, WrongUsage
from mycoops.session import Fleet, open_fleet

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Deliver and rotate the secrets of a fleet, until every old one is seen refused.",
    epilog="Exit status: 0 done · 1 bug · 2 usage · 3 configuration · 4 a step failed, every old value works · "
    "5 a step failed, forward only · 6 waiting for a person · 7 another run holds the fleet · 8 findings · 9 a value leaked · "
    "130 interrupted",
)
app.add_typer(cli_lab.app, name="lab")
app.add_typer(cli_log.app, name="log")
app.add_typer(cli_vault.app, name="vault")
app.command("drill")(cli_drill.drill)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mycoops {metadata.version('mycoops')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version.")] = False,
) -> None:
    """See `help` of the application."""


@app.command()
def check(
    fleet: FleetOption = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a catalogue instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Validate catalogue, inventory and vault together; change nothing."""
    if schema:
        typer.echo(catalogue_schema.text(), nl=False)
        return
    found, opened = checking.examine(fleet)
    warned = checking.warnings(opened) if opened else []
    answers.findings(found, opened, as_json=as_json, warned=warned)
    if not as_json:
        answers.warnings(warned, errors)
    if opened and not found:
        answers.lacking(planning.lacking(opened), opened, errors)
    if found:
        raise typer.Exit(Exit.CONFIGURATION)


@app.command()
def deploy(
    fleet: FleetOption = None,
    host: Annotated[str, typer.Option(help="Only this host.", autocompletion=completion.service_host)] = "",
    check: Annotated[bool, typer.Option("--check", help="Say what would change, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write env files and units, restart what does not run on them yet, and see it healthy."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display, interrupts.gentle(STOPPING) as stop:
        if names := deploying.under_way(opened):
            what = "each consumer gets what its rotation has come to; `mycoops resume` goes on"
            display.note(runnable(f"in rotation: {', '.join(names)}: {what}"))
        done = deploying.deploy(opened, display.host, stop, host=host, check=check)
    _deployed(done, as_json=as_json, check=check)


@app.command()
def redeploy(
    credential: Annotated[str, typer.Argument(autocompletion=completion.credential)],
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the current value of one credential onto all its consumers, restart them, and prove that they run on it."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display, interrupts.gentle(STOPPING) as stop:
        done = deploying.redeploy(opened, display.host, stop, credential)
    _deployed(done, as_json=as_json, check=False)


def _deployed(done: deploying.Deployed, *, as_json: bool, check: bool) -> None:
    answers.delivered(done, as_json=as_json, check=check)
    if done.error:
        raise done.error
    if any(one.error for one in done.hosts):
        raise typer.Exit(Exit.FAILED_OLD_INTACT)


app.command()(cli_drift.drift)


@app.command()
def init(directory: Path) -> None:
    """Make a new, commented fleet directory that passes `mycoops check`."""
    answers.made(starting.init(directory))


@app.command()
def provide(
    credential: Annotated[str, typer.Argument(autocompletion=completion.credential)],
    slot: Annotated[
        str, typer.Option(help="Of a first value: the slot it lives in, where the kind has slots.", autocompletion=completion.slot)
    ] = "",
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a value: the first of a credential, or the one a rotation waits for. Hidden prompt, or standard input."""
    opened = open_fleet(fleet)
    piped = not sys.stdin.isatty()
    value = typed(sys.stdin.read() if piped else typer.prompt(f"Value of {credential}", hide_input=True, err=True))
    answers.provided(providing.provide(opened, credential, value, slot=slot), as_json=as_json)


@app.command()
def plan(
    quarter: Annotated[str, typer.Option(help="Q1, Q2, Q3 or Q4.", autocompletion=completion.quarter)],
    year: YearOption = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this credential; repeat it.", autocompletion=completion.credential)
    ] = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a quarter's rotation would do: moves, restarts, the point of no return. Nothing is changed."""
    opened = open_fleet(fleet)
    checking.refuse_declarations(opened)
    label = planning.quarter(quarter, year, opened).label
    reason = planning.why(opened, only or [], f"quarterly rotation {label}")
    made, lacking = planning.preview(opened, only or [], label=label, reason=reason)
    answers.plan(made, as_json=as_json)
    answers.lacking(lacking, opened, errors)


@app.command()
def rotate(
    credentials: Annotated[
        list[str] | None, typer.Argument(help="Only these credentials.", autocompletion=completion.credential)
    ] = None,
    quarter: Annotated[str, typer.Option(help="The whole checklist: Q1, Q2, Q3 or Q4.", autocompletion=completion.quarter)] = "",
    year: YearOption = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Of the quarter, only this; repeat it.", autocompletion=completion.credential)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the rotation log.")] = "",
    yes: YesOption = False,
    no_input: NoInputOption = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rotate a quarter's checklist, or the credentials named, until every old value is seen refused."""
    if bool(credentials) == bool(quarter):
        raise WrongUsage("say either which credentials or which quarter", hint="`mycoops rotate --quarter Q2 --only CREDENTIAL`")
    if credentials and (only or year):
        raise WrongUsage(
            "--only and --year choose of a quarter; here are credentials named", hint="Leave them out, or say --quarter."
        )
    opened = open_fleet(fleet)
    chosen = list(dict.fromkeys(credentials or only or []))
    label = planning.quarter(quarter, year, opened).label if quarter else "single"
    why = planning.why(opened, chosen, reason or (f"quarterly rotation {label}" if quarter else "requested by name"))
    checking.refuse(opened)
    made = planning.plan(opened, opened.store(), chosen, label=label, reason=why)
    if not yes:
        answers.plan(made, as_json=False, console=errors)
        agree("Carry this out?")
    runner: list[rotating.Outcome] = []
    with Display(errors, quiet=as_json) as display, interrupts.gentle(STOPPING) as stop:
        asker = cli_people.asker(opened, display, stop, no_input=no_input)
        runner.append(rotating.rotate(opened, made, display, display.host, stop, asker))
    _finish(runner, opened, as_json=as_json)


@app.command()
def resume(no_input: NoInputOption = False, fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Go on with every rotation that is open, from exactly where its journal stands."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display, interrupts.gentle(STOPPING) as stop:
        asker = cli_people.asker(opened, display, stop, no_input=no_input)
        done = rotating.resume(opened, display, display.host, stop, asker)
    _finish(done, opened, as_json=as_json)


def _finish(done: list[rotating.Outcome], fleet: Fleet, *, as_json: bool) -> None:
    answers.rotated(done, fleet, as_json=as_json)
    if not (error := rotating.gravest(done)):
        return
    for other in done:
        if other.error and other.error is not error:
            errors.print(
                f"[red]{escape(other.error.message)}[/]\n→ {escape(runnable(other.error.hint))}", highlight=False, soft_wrap=True
            )
    raise error


app.command()(cli_people.todo)
app.command()(cli_people.confirm)
app.command()(cli_approve.approve)
for command in (cli_outside.pull, cli_outside.acknowledge, cli_outside.waive, cli_split.split):
    app.command()(command)


@app.command()
def abort(fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Take every open rotation back; free before the point of no return, refused after it."""
    opened = open_fleet(fleet)
    with Display(errors, quiet=as_json) as display, interrupts.gentle(STOPPING) as stop:
        names = rotating.abort(opened, display, display.host, stop)
    answers.aborted(names, as_json=as_json)


app.command()(cli_status.status)
app.command()(cli_due.calendar)
app.command()(cli_remind.remind)
app.command()(cli_metrics.metrics)


def main() -> None:
    """Entry point: turns every failure into its message, its next step and its exit status; what is printed is listened to."""
    sys.exit(cli_failing.main(app))


if __name__ == "__main__":
    main()
