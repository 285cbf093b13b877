"""The tables of docs/LEAKS.md: they are the data of the tests that measure them, line by line."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.documents import ROOT, Documents, table

LEAKS = "docs/LEAKS.md"
DATA = ROOT / "tests" / "plugins" / "leaks"
TABLES = {"What `no_log` does not keep back": "no_log_cases.yml", "Channels": "channels.yml"}


def declared(name: str) -> dict[str, dict[str, Any]]:
    """The cases or channels of one file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((DATA / name).read_text(encoding="utf-8"))
    return found


def rows(name: str) -> list[list[str]]:
    """The lines of its table: name, what it is, of a channel its place, and whether it leaks without mycoops and with it."""
    return [
        [f"`{case}`", one["does"], *([one["place"]] if "place" in one else []), "leaks" if one["leaks"] else "–", "–"]
        for case, one in declared(name).items()
    ]


def leak_tables(documents: Documents) -> list[str]:
    """Each case has its line, in order, and the sums are those of the lines."""
    text, wrong = documents[LEAKS], []
    for heading, name in TABLES.items():
        lines, told = rows(name), table(text, heading)
        wrong += [f"{LEAKS}: {heading}: {line} instead of {true}" for line, true in zip(told, lines, strict=False) if line != true]
        wrong += [] if len(told) == len(lines) else [f"{LEAKS}: {heading}: {len(told)} lines, {len(lines)} cases"]
        total = f"{sum('leaks' in line for line in lines)} of {len(lines)}"
        wrong += [] if re.search(rf"\b{total}\b", text) else [f"{LEAKS}: {heading}: it is {total}"]
    return wrong


if __name__ == "__main__":
    for each in TABLES.values():
        print(*(f"| {' | '.join(line)} |" for line in rows(each)), sep="\n", end="\n\n")
