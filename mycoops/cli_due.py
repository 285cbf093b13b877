"""`mycoops calendar` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from mycoops import ics
from mycoops.cli_options import FleetOption, JsonOption, YearOption
from mycoops.cli_print import out, print_json, table
from mycoops.commands import dating
from mycoops.errors import WrongUsage
from mycoops.session import open_fleet


def calendar(
    year: YearOption = None,
    as_ics: Annotated[bool, typer.Option("--ics", help="Answer as iCalendar, for a calendar to import.")] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rotation windows, when each credential is due, who owns it and when it was last rotated."""
    if as_ics and as_json:
        raise WrongUsage("--ics and --json are two answers", hint="Say one of them.")
    found = dating.calendar(open_fleet(fleet), year=year)
    if as_ics:
        typer.echo(ics.text(found.fleet, _entries(found), datetime.now(UTC)), nl=False)
    elif as_json:
        print_json(asdict(found))
    else:
        _told(found)


def _told(found: dating.Calendar) -> None:
    rows = [(w.quarter, w.opens, w.closes, w.owner, len(w.credentials)) for w in found.windows]
    table(("quarter", "opens", "closes", "owner", "credentials"), rows)
    out.print()
    table(
        ("credential", "owner", "gen", "last rotated", "due", "until", "by"),
        [
            (one.credential, one.owner, one.generation, one.rotated or "never", *_when(one), one.by)
            for one in sorted(found.credentials, key=lambda one: one.closes)
        ],
    )


def _when(one: dating.Dated) -> tuple[str, str]:
    return ("overdue", one.closes if one.rotated else "") if one.overdue else (one.due, one.closes)


def _entries(found: dating.Calendar) -> list[ics.Entry]:
    """A window is of the fleet, a date of its credential: the next generation moves it."""
    windows = [
        ics.Entry(
            key=f"window-{window.quarter.lower()}",
            first=date.fromisoformat(window.opens),
            last=date.fromisoformat(window.closes),
            title=f"Rotation window {window.quarter} of {found.fleet}",
            text="\n".join(
                [
                    f"Due: {', '.join(window.credentials) or 'nothing'}",
                    f"mycoops plan --quarter {window.quarter[-2:]} --year {window.quarter[:4]}",
                ]
            ),
            owner=window.owner,
        )
        for window in found.windows
    ]
    dates = [
        ics.Entry(
            key=f"due-{one.credential}",
            first=date.fromisoformat(one.due),
            last=date.fromisoformat(one.closes),
            title=f"{'OVERDUE: rotate' if one.overdue else 'Rotate'} {one.credential} ({found.fleet})",
            text=f"Last rotated: {one.rotated or 'never'}\nmycoops rotate {one.credential}",
            owner=one.owner,
            version=one.generation,
        )
        for one in found.credentials
    ]
    return [*windows, *dates]
