"""Makes a fleet of its own from the lab's declaration: another name, other ports, its own state."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PORT = re.compile(r"\b2[2568]\d{3}\b")


def make(directory: Path, name: str, offset: int) -> Path:
    """Copy inventory/lab to `directory`/`name`; every published port moves by `offset`."""
    fleet = directory / name
    state = shutil.ignore_patterns("vault.yml", "pending", "journal", "docs")
    shutil.copytree(REPOSITORY / "inventory" / "lab", fleet, ignore=state)
    hosts = fleet / "hosts.yml"
    text = PORT.sub(lambda match: str(int(match[0]) + offset), hosts.read_text())
    hosts.write_text(text.replace("lab_name: lab", f"lab_name: {name}"))
    catalogue = fleet / "group_vars" / "all" / "catalogue.yml"
    catalogue.write_text(catalogue.read_text().replace("  name: lab\n", f"  name: {name}\n"))
    return fleet
