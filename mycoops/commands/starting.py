"""`mycoops init`: a new fleet directory, commented, that passes `mycoops check`."""

from __future__ import annotations

import re
from pathlib import Path

from mycoops import durable, schema
from mycoops.checklist import ITEMS
from mycoops.errors import ConfigurationError

HOSTS = """# The hosts of the fleet, as Ansible knows them. Name hosts as in the catalogue.
all:
  vars:
    ansible_user: deploy
    ansible_become: true
    ansible_python_interpreter: /usr/bin/python3
  hosts:
    example-host:
      ansible_host: 192.0.2.10
"""

CATALOGUE = """# yaml-language-server: $schema=../../{schema}
# What this fleet's credentials are, who uses them, and how they are rotated. No value is ever in this file.
---
mycoops_fleet:
  name: "{name}"
  owner: infrastructure lead
  vault_password:
    # Relative to this control node's state directory; or script: /path/to/script, or prompt: true.
    file: vault-password
  # The canary first; hosts are switched in this order, one at a time.
  host_order: [example-host]
  # How long nobody may use an old value before it is revoked.
  soak_seconds: 60
  # With `required: true` a second person says `mycoops approve` before anything without a way back.
  approval: {{required: false}}

mycoops_services:
  # One running instance on one host.
  example-api:
    host: example-host
    unit: example-api.service
    # Every variable the program reads: a delivered variable without a reader is an error.
    reads: [DATABASE_URL]
    env_file: {{path: /etc/example/api.env, readers: [systemd]}}
    # Assert content, not only the status code.
    health: {{url: "http://127.0.0.1:8000/health", json: {{"database": "ok"}}}}

mycoops_credentials:
  postgresql_example:
    kind: postgresql
    category: database_passwords
    item: postgresql
    # The login roles are example_a and example_b, members of example_owner.
    principal: example
    authority: {{host: example-host, options: {{address: 127.0.0.1, port: 5432, database: example}}}}
    consumers:
      - service: example-api
        env: {{DATABASE_URL: "postgresql://<principal>:<value>@127.0.0.1:5432/example"}}

# Every item of the checklist is either a credential above or has its reason here; none is skipped in silence.
mycoops_not_applicable:
{absent}
"""

SCHEMA = ".catalogue.schema.json"
"""Beside the inventory and hidden, so that Ansible does not take it for one; `mycoops check --schema` prints it anew."""

IGNORE = "known_hosts.old\n*.retry\n.*.new\n.*.rekeyed\n.rekey.json\n"
"""What git leaves alone; the last are files that a writer was killed over, and those of a rekey under way."""


def init(directory: Path) -> list[Path]:
    """Write a new fleet directory; returns its files. Raises ConfigurationError if it holds anything already."""
    if directory.exists() and any(directory.iterdir()):
        raise ConfigurationError(f"{directory} is not empty", hint="Choose a new directory.")
    name = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-") or "fleet"
    absent = "".join(f"  {item}: not used here yet\n" for item in ITEMS if item != "postgresql").rstrip("\n")
    files = {
        directory / "hosts.yml": HOSTS,
        directory / "group_vars" / "all" / "catalogue.yml": CATALOGUE.format(name=name, absent=absent, schema=SCHEMA),
        directory / SCHEMA: schema.text(),
        directory / ".gitignore": IGNORE,
    }
    for path, text in files.items():
        durable.replace(path, text.encode(), 0o644)
    return list(files)
