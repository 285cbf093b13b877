"""`mycoops drill` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mycoops import cli_completion as completion
from mycoops.cli_options import FleetOption, JsonOption, errors
from mycoops.cli_print import print_json, table
from mycoops.commands import drilling, drilling_lab
from mycoops.commands.drilling import Class, Report
from mycoops.commands.drilling_lab import LabReport
from mycoops.display import Display
from mycoops.drill.matrix import COLUMNS
from mycoops.errors import Exit
from mycoops.session import open_fleet

HEADINGS = ("class", "trials", "points", "kills", *COLUMNS, "cut")
SHOWN = 20
"""So many findings are told in words; all of them are counted."""


def drill(
    overlap: Annotated[
        list[str] | None, typer.Option("--class", help="Only this overlap class, such as O1.", autocompletion=completion.overlap)
    ] = None,
    depth: Annotated[int, typer.Option(help="Kill once (1), or the resume once more (2).", autocompletion=completion.depth)] = 2,
    every: Annotated[int, typer.Option(help="Carry out one in so many of second kills and single failures.")] = (drilling.EVERY),
    offset: Annotated[int, typer.Option(help="Which of them to begin with: another number is another part.")] = 0,
    lab: Annotated[
        str,
        typer.Option(
            metavar="CREDENTIAL",
            help="Kill rotations of this credential on a running lab instead.",
            autocompletion=completion.credential,
        ),
    ] = "",
    most: Annotated[int, typer.Option(help="On a lab: at most so many kills (0: as many as there are).")] = 0,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Kill the engine at each of its points over a scripted world, resume, kill that too, and count what must not be."""
    with Display(errors, quiet=as_json) as display:
        if lab:
            _show_lab(
                drilling_lab.drill(open_fleet(fleet), lab, display.say, every=every, offset=offset, most=most), as_json=as_json
            )
            return
        report = drilling.drill(display.say, overlaps=overlap or (), depth=depth, every=every, offset=offset)
    _show(report, as_json=as_json)
    if not report.clean:
        raise typer.Exit(Exit.FINDINGS)


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(row), "sites": sorted(map(str, row.sites))} for row in report.rows]
        classes = [asdict(one) for one in report.classes]
        told = {"clean": report.clean, "classes": classes, "trials": rows, "effects": report.effects, "missed": report.missed}
        print_json({**told, "seconds": round(report.seconds, 1)})
        return
    table(HEADINGS, [_line(one) for one in report.classes])
    kills = sum(row.kills for row in report.rows)
    covered = "" if report.missed is None else f"; {report.effects - len(report.missed)} of {report.effects} effects interrupted"
    typer.echo(f"{kills} kills in {report.seconds:.0f} s{covered}")
    for example in [example for row in report.rows for example in row.examples][:SHOWN]:
        typer.echo(f"found: {example}")
    for site in report.missed or ():
        typer.echo(f"never interrupted: {site}")


def _show_lab(report: LabReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
    else:
        cut = f"; the cut took {min(report.cut)} to {max(report.cut)} ms" if report.cut else ""
        came_to = f"{len(report.kills)} kills, {len(report.findings)} findings{cut}; {report.seconds:.0f} s"
        typer.echo(f"{report.credential} ({report.overlap}): {came_to}")
        for finding in report.findings:
            typer.echo(f"found: {finding}")
    if report.findings:
        raise typer.Exit(Exit.FINDINGS)


def _line(one: Class) -> list[object]:
    return [one.overlap, one.trials, one.points, one.kills, *(one.found[sort] for sort in COLUMNS), one.cut or "–"]
