"""The table of options in a kind's README is made from its meta/kind.yml: `python kind_options.py ROLE…` rewrites it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

START, END = "<!-- options -->", "<!-- /options -->"


def table(role: Path) -> str:
    """The options and entries of a kind as Markdown."""
    options = yaml.safe_load((role / "meta" / "kind.yml").read_text(encoding="utf-8"))["options"]
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    rows = ["| option | meaning |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in options.items()), ""]
    rows += ["| entry | what it does |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{name}` | {spec['short_description']} |" for name, spec in entries.items())])


def with_table(readme: str, role: Path) -> str:
    """The README with what lies between the two markers replaced."""
    return re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table(role)}\n{END}", readme, flags=re.DOTALL)


def main(roles: list[str]) -> None:
    for role in map(Path, roles):
        readme = role / "README.md"
        readme.write_text(with_table(readme.read_text(encoding="utf-8"), role), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
