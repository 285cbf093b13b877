"""Reads the project's documentation: code, commands, tables and links, as a reader would find them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("README.md", "DESIGN.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
Documents = dict[str, str]
"""Text by path."""

SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|\| |-- )(mycoops(?: [^|]*)?)$")


def load() -> Documents:
    """Every document of the project, those of the roles included."""
    paths = [*map(ROOT.joinpath, NAMES), *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("roles/*/README.md"))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def code_lines(text: str) -> list[str]:
    """The lines of code blocks, fenced or indented, without the prompt."""
    found, fenced = [], False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            found.append(line.strip().removeprefix("$ "))
    return found


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def spans(text: str) -> list[str]:
    """What stands in code marks outside fenced blocks."""
    return SPAN.findall(prose(text))


def commands(lines: Iterable[str]) -> Iterator[list[str]]:
    """The words of every mycoops command line, without the marks of a synopsis, comments and redirections."""
    for line in lines:
        plain = re.split(r"  +| #| [<>] ", line)[0]
        if found := COMMAND.search(plain):
            yield [word.strip("[]…") for word in shlex.split(found[1])][1:]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one; empty where there is none."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    rows = re.search(r"(?:^\|.*\n?)+", section(text, heading), re.MULTILINE)
    lines = rows[0].strip().splitlines()[2:] if rows else []
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def anchors(text: str) -> set[str]:
    """The names under which headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
