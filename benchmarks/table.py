"""The run as Markdown, and its place in the README; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.figures import Row, Verdict

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
TITLES = {
    "deploy": "First deploy of a 40-line env file and its drop-in, one restart, health",
    "redeploy": "Redeploy of one changed value, one restart, health",
    "rerun": "The same again: nothing to change, nothing restarted, health",
}
HEAD = ("hosts", "how", "seconds", "× floor", "controller CPU s", "peak MB", "playbook starts")


def render(rows: Sequence[Row], verdicts: Sequence[Verdict], machine: Mapping[str, str], forks: int) -> str:
    """All that stands between the markers."""
    runs = sorted({row.runs for row in rows})
    counted = str(runs[0]) if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"
    parts = ["\n".join(f"- {name}: {text}" for name, text in machine.items())]
    parts.append(f"Median of {counted} runs, {forks} hosts at once.")
    for job, title in TITLES.items():
        mine = [row for row in rows if row.job == job]
        if mine:
            parts.append(f"### {title}\n\n{_table(HEAD, [_cells(row) for row in mine])}")
    parts.append(f"### Targets\n\n{_table(('job', 'hosts', 'target', 'measured', ''), [_told(one) for one in verdicts])}")
    return "\n\n".join(parts)


def _cells(row: Row) -> list[str]:
    return [
        str(row.hosts),
        row.contender,
        f"{row.seconds:.2f}",
        f"{row.times_floor:.1f}",
        f"{row.cpu_seconds:.1f}",
        f"{row.peak_mb:.0f}",
        f"{row.playbook_starts:g}",
    ]


def _told(verdict: Verdict) -> list[str]:
    measured = f"{verdict.measured:.2f} ×"
    return [verdict.job, str(verdict.hosts), verdict.target, measured, "met" if verdict.met else "**missed**"]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def splice(document: str, text: str) -> str:
    """The document with `text` between its markers. Raises ValueError if it has not exactly one pair of them, in order."""
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise ValueError(f"the document needs one {BEGIN} and, after it, one {END}")
    head, rest = document.split(BEGIN)
    return f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"
