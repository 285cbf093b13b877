"""Fleet directories for tests: three hosts, a few services, kinds of their own; values are made at run time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from mycoops import catalogue, kinds
from mycoops.check import Subject
from mycoops.checklist import ITEMS
from mycoops.kinds import Kind

PASSWORD = "not a secret: it opens throw-away vaults"

SERVICE = {
    "host": "h1",
    "unit": "api.service",
    "reads": ["DATABASE_URL", "TOKENS"],
    "env_file": {"path": "/etc/api.env", "readers": ["systemd"]},
    "health": {"url": "http://127.0.0.1:8000/health", "json": {"db": "ok"}, "timeout_seconds": 5},
}
OTHER = {
    "host": "h2",
    "unit": "job.service",
    "group": "jobs",
    "reads": ["TOKEN"],
    "env_file": {"path": "/etc/job.env", "readers": ["systemd"]},
}
DATABASE = {
    "kind": "pair",
    "category": "database_passwords",
    "item": "postgresql",
    "principal": "app",
    "authority": {"host": "h3", "options": {"port": 5432}},
    "consumers": [{"service": "api", "env": {"DATABASE_URL": "postgresql://<principal>:<value|url>@h3/app"}}],
}
TOKEN = {
    "kind": "listed",
    "category": "api_keys",
    "authority": {"services": ["api"], "accepts": {"TOKENS": "<accepted|csv>"}},
    "consumers": [{"service": "job", "env": {"TOKEN": "<value>"}}],
}
KINDS = {
    "pair": {"kind": "pair", "summary": "two names", "overlap": "O1", "slots": ["a", "b"], "options": {"port": "a port"}},
    "listed": {"kind": "listed", "summary": "a list", "overlap": "O1", "accepts_by": "delivery"},
    "person": {"kind": "person", "summary": "by hand", "overlap": "O3", "human": {"page": "p", "instruction": "i"}},
    "single": {"kind": "single", "summary": "one slot", "overlap": "O4"},
    "console": {"kind": "console", "summary": "one slot, by hand", "overlap": "O6", "human": {"page": "p", "instruction": "i"}},
    "roll": {"kind": "roll", "summary": "rolled by API", "overlap": "O5"},
    "refresh": {"kind": "refresh", "summary": "changes itself", "overlap": "O7"},
    "never": {"kind": "never", "summary": "a key of data", "overlap": "O4", "refuse": "replacing it destroys data"},
}


def document() -> dict[str, Any]:
    """A catalogue with nothing wrong in it."""
    return copy.deepcopy(
        {
            "mycoops_fleet": {
                "name": "tale",
                "owner": "somebody",
                "vault_password": {"file": "vault-password"},
                "host_order": ["h1", "h2", "h3"],
            },
            "mycoops_services": {"api": SERVICE, "job": OTHER},
            "mycoops_credentials": {"db": DATABASE, "token": TOKEN},
            "mycoops_not_applicable": {item: "not used here" for item in ITEMS if item != "postgresql"},
        }
    )


def write(directory: Path, data: dict[str, Any] | None = None) -> Path:
    """Write a fleet directory with its own kinds."""
    place = catalogue.catalogue_path(directory)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(yaml.safe_dump(data or document(), sort_keys=False))
    (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {name: {} for name in ("h1", "h2", "h3")}}}))
    for name, kind in KINDS.items():
        meta = directory / "roles" / f"kind_{name}" / "meta" / "kind.yml"
        meta.parent.mkdir(parents=True, exist_ok=True)
        meta.write_text(yaml.safe_dump(kind))
    return directory


def declared_kinds() -> dict[str, Kind]:
    """The kinds as the engine sees them."""
    return {name: Kind.model_validate(kind) for name, kind in KINDS.items()}


def subject(directory: Path, data: dict[str, Any] | None = None) -> Subject:
    """What `check` looks at."""
    write(directory, data)
    found, source = catalogue.load(directory)
    return Subject(found, source, kinds.load([directory / "roles"]), frozenset({"h1", "h2", "h3"}))
