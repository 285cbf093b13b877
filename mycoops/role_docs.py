"""The table of variables in a role's README is made from its argument specification."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

START, END = "<!-- variables -->", "<!-- /variables -->"


def table(role_dir: Path) -> str:
    """Render the options of every entry point as Markdown. Raises OSError if the role has no argument specification."""
    text = (role_dir / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    entries: Mapping[str, Any] = yaml.safe_load(text)["argument_specs"]
    parts = [_entry(name, spec, heading=len(entries) > 1) for name, spec in entries.items()]
    return "\n\n".join(parts)


def _entry(name: str, spec: Mapping[str, Any], *, heading: bool) -> str:
    rows = [f"### `{name}`", "", str(spec.get("short_description", "")), ""] if heading else []
    options: Mapping[str, Mapping[str, Any]] = spec.get("options") or {}
    if not options:
        return "\n".join([*rows, "No variables."])
    rows += ["| variable | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*rows, *(_row(option, facts) for option, facts in options.items())])


def _row(name: str, facts: Mapping[str, Any]) -> str:
    kind = facts.get("type", "str") + (f" of {facts['elements']}" if "elements" in facts else "")
    default = "**required**" if facts.get("required") else f"`{json.dumps(facts['default'])}`" if "default" in facts else "–"
    text = facts.get("description", "")
    meaning = " ".join(text) if isinstance(text, list) else str(text)
    meaning = re.sub(r"[CIV]\(([^)]*)\)", r"`\1`", " ".join(meaning.split())).replace("|", "\\|")
    return f"| `{name}` | {kind} | {default} | {meaning} |"


def with_table(readme: str, role_dir: Path) -> str:
    """Return the README with what lies between the two markers replaced; without markers it is returned as it is."""
    pattern = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{START}\n{table(role_dir)}\n{END}", readme)


def main(role_dirs: list[str]) -> None:
    """Rewrite the READMEs of the given roles."""
    for role_dir in map(Path, role_dirs):
        readme = role_dir / "README.md"
        readme.write_text(with_table(readme.read_text(encoding="utf-8"), role_dir), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
