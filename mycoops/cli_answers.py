"""Prints the answers of commands on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from mycoops.cli_hints import runnable
from mycoops.cli_print import out, print_json, table
from mycoops.commands.deploying import Deployed
from mycoops.commands.looking import Status
from mycoops.commands.providing import Provided
from mycoops.commands.rotating import Outcome
from mycoops.display import NAMED
from mycoops.errors import Finding
from mycoops.exposure import Exposure, exposures
from mycoops.journal import Verdict
from mycoops.lab import LabHost
from mycoops.model import UNPROVEN
from mycoops.plan import Plan
from mycoops.report import Line, ended_in, exposure_text, scan_text
from mycoops.session import Fleet
from mycoops.sightings import Seen

SEEN = ", every old value of them seen refused"


def findings(found: list[Finding], fleet: Fleet | None, *, as_json: bool, warned: Sequence[Finding] = ()) -> None:
    """`check`."""
    if as_json:
        levels = (("error", found), ("warning", warned))
        print_json([{**asdict(finding), "level": level} for level, some in levels for finding in some])
        return
    for finding in found:
        out.print(
            f"[red]{escape(finding.place)}[/]: {escape(finding.problem)}\n    → {escape(runnable(finding.fix))}",
            highlight=False,
            soft_wrap=True,
        )
    if fleet and not found:
        catalogue = fleet.catalogue
        out.print(
            f"{catalogue.fleet.name}: {len(catalogue.credentials)} credentials, {len(catalogue.services)} services, nothing wrong"
        )


def warnings(found: Sequence[Finding], console: Console) -> None:
    """What `check` adds, on standard error, of declarations that contradict each other and stop nothing."""
    for finding in found:
        text = f"[yellow]{escape(finding.place)}[/]: warning: {escape(finding.problem)}\n    → {escape(finding.fix)}"
        console.print(text, highlight=False, soft_wrap=True)


def lacking(names: Sequence[str], fleet: Fleet, console: Console) -> None:
    """What `check` and `plan` add, on standard error, where credentials have no value yet."""
    if names:
        few = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
        console.print(
            f"{len(names)} without a value so far: {few}; nothing can be rotated or deployed before it has one\n"
            f"→ {runnable(fleet.bring(names[0]))}",
            highlight=False,
            soft_wrap=True,
        )


def delivered(deployed: Deployed, *, as_json: bool, check: bool) -> None:
    """`deploy` and `redeploy`."""
    done = deployed.hosts
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        rows = []
        for one in done:
            changed = sum(1 for file in one.files if file.get("changed"))
            healthy = sum(1 for service in one.services if service.get("healthy"))
            verb = "would restart" if check else "restarted"
            rows.append(
                (
                    one.host,
                    f"{changed} of {len(one.files)}",
                    ", ".join(one.restarted) or "–",
                    f"{healthy} of {len(one.services)}",
                    one.error,
                )
            )
        table(("host", "files changed", verb if done else "restarted", "healthy", "error"), rows)
        if deployed.scan:
            out.print(escape(f"leak scan: {deployed.scan}"), highlight=False, soft_wrap=True)


def made(paths: list[Path]) -> None:
    """`init`."""
    for path in paths:
        out.print(str(path), highlight=False, soft_wrap=True)
    out.print(f"→ mycoops check --fleet {shlex.quote(str(paths[0].parent))}", highlight=False, soft_wrap=True)


def provided(kept: Provided, *, as_json: bool) -> None:
    """`provide`."""
    if as_json:
        print_json({**asdict(kept), "next": runnable(kept.next)})
    else:
        slot = f", slot {kept.slot}" if kept.slot else ""
        out.print(
            f"{kept.credential}: generation {kept.generation}{slot}, encrypted\n→ {runnable(kept.next)}",
            highlight=False,
            soft_wrap=True,
        )


def plan(made: Plan, *, as_json: bool, console: Console = out) -> None:
    """`plan`."""
    if as_json:
        print_json(made.as_dict())
        return
    console.print(f"[bold]{made.label}[/] {made.reason} · digest {made.digest}", highlight=False)
    rows = [
        (
            r.credential,
            r.overlap,
            f"{r.from_generation} → {r.to_generation}",
            r.to_principal,
            "a second person" if r.approval else "",
        )
        for r in made.rotations
    ]
    asked = any(r.approval for r in made.rotations)
    table(("credential", "class", "generation", "as", "approval" if asked else ""), rows, console)
    first = next((move.id for move in made.moves if move.forward_only), "")
    moves = [
        (
            move.id + ("  ← point of no return" if move.id == first else ""),
            ", ".join(move.hosts),
            ", ".join(move.services or move.credentials),
        )
        for move in made.moves
    ]
    table(("move", "hosts", "on"), moves, console, title="")
    restarts = [(r.service, r.host, r.count, r.reloads, "; ".join(r.why)) for r in made.restarts]
    table(("service", "host", "restarts", "reloads", "why"), restarts, console)
    for step in made.human_steps:
        console.print(f"a person: {step['credential']}: {step['what']} ({step['page']})", highlight=False)
    if made.not_applicable:
        table(
            ("not applicable", "category", "reason"),
            [(n["item"], n["category"], n["reason"]) for n in made.not_applicable],
            console,
        )


def rotated(done: list[Outcome], fleet: Fleet, *, as_json: bool) -> None:
    """`rotate` and `resume`."""
    log, exposed = fleet.settings.rotation_log, exposures(fleet.runs().values())
    if as_json:
        print_json(
            [
                {
                    "journal": str(one.journal),
                    "log": str(log),
                    "playbook_starts": one.starts,
                    "rotations": [asdict(line) for line in one.lines],
                    "scan": _scan(one),
                    "exposures": [{**asdict(exposure), "seconds": exposure.seconds()} for exposure in _exposures(one, exposed)],
                }
                for one in done
            ]
        )
        return
    for one in done:
        rows = [
            (
                line.credential,
                line.overlap,
                f"{line.from_generation} → {line.to_generation}",
                line.state,
                line.consumers,
                line.restarts,
                line.probes,
                f"{line.seconds:.0f} s" if line.seconds else "–",
            )
            for line in one.lines
        ]
        table(("credential", "class", "generation", "state", "consumers", "restarts", "probes", "time"), rows)
        closed = [line for line in one.lines if line.state == "CLOSED"]
        out.print(
            f"{len(closed)} of {len(one.lines)} closed{_seen(closed)}; {one.starts} playbook starts",
            highlight=False,
        )
        _leaks(one, exposed)
        out.print(f"log      {log}\njournal  {one.journal}", highlight=False, soft_wrap=True)


def _seen(closed: list[Line]) -> str:
    """What is said of the old values of rotations that are closed: of one that nobody can probe, nothing is claimed."""
    unproven = [line.credential for line in closed if line.note == UNPROVEN]
    seen = SEEN if len(closed) > len(unproven) else ""
    return f"{seen}{' but' if seen else ','} {UNPROVEN}: {', '.join(unproven)}" if unproven else seen


def _leaks(done: Outcome, exposed: list[Exposure]) -> None:
    for text in (f"leak scan: {scan_text(done.run) or 'left out'}", *map(exposure_text, _exposures(done, exposed))):
        out.print(escape(text), highlight=False, soft_wrap=True)


def _scan(done: Outcome) -> dict[str, Any]:
    """What the last leak scan of a run searched and left out; empty where there was none."""
    return {name: done.run.scans[-1][name] for name in ("places", "missed", "skipped")} if done.run.scans else {}


def _exposures(done: Outcome, exposed: list[Exposure]) -> list[Exposure]:
    """The exposures a run has ended, and those of its credentials that go on."""
    return ended_in(done.run, exposed) + [one for one in exposed if one.alive and one.credential in done.run.rotations]


def aborted(names: list[str], *, as_json: bool) -> None:
    """`abort`."""
    if as_json:
        print_json({"aborted": names})
    else:
        out.print(f"taken back: {', '.join(names)}; every old value works", highlight=False, soft_wrap=True)


def status(found: list[Status], *, as_json: bool) -> None:
    """`status`."""
    if as_json:
        print_json([{**asdict(one), "next": runnable(one.next)} for one in found])
        return
    rows = [
        (
            one.credential,
            one.generation,
            one.state,
            f"{one.age_days} d",
            "overdue" if one.overdue else one.due,
            one.waiting_for,
            runnable(one.next),
        )
        for one in found
    ]
    table(("credential", "gen", "state", "age", "due", "waiting for", "next command"), rows)
    for one in found:
        for line in _sighted(one.retired):
            out.print(line, markup=False, highlight=False, soft_wrap=True)


def _sighted(old: Seen | None) -> list[str]:
    """Who still tries the old value of a credential."""
    if old is None:
        return []
    return [
        f"{old.credential}: old generation {old.generation} ({old.principal}) still tried from "
        f"{seen.address}{f'/{seen.host}' if seen.host else ''}, last {seen.last.replace('T', ' ').rstrip('Z')} UTC, "
        f"{seen.count} {'time' if seen.count == 1 else 'times'}"
        for seen in old.sightings
    ]


def log(path: Path, fleet: Fleet, *, as_json: bool) -> None:
    """`log`."""
    if as_json:
        print_json(
            {
                "log": str(path),
                "runs": [{"journal": str(name), "plan": run.plan["label"], "open": run.open} for name, run in fleet.runs().items()],
            }
        )
    else:
        typer.echo(path.read_text(encoding="utf-8"))


def verdicts(found: list[Verdict], *, as_json: bool) -> None:
    """`log verify`."""
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        table(("journal", "chain", "records", "line"), [(one.path.name, one.state, one.records, one.line or "") for one in found])


def lab(hosts: list[LabHost], *, as_json: bool) -> None:
    """`lab up` and `lab status`."""
    if as_json:
        print_json([asdict(host) for host in hosts])
    else:
        table(("host", "state", "ssh port", "services"), [(h.name, h.state, h.ssh_port, ", ".join(h.services)) for h in hosts])
