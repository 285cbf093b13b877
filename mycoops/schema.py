"""The JSON Schema of a catalogue, for editors: made from the models that check it, so that the two cannot differ."""

from __future__ import annotations

import json

from mycoops.catalogue import Catalogue

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HEADER = "# yaml-language-server: $schema="
"""Followed by the place of the schema, the first line of a catalogue gives an editor completion, help and checks."""


def text() -> str:
    """The schema as a file holds it."""
    schema = Catalogue.model_json_schema(by_alias=True)
    schema |= {"$schema": DIALECT, "title": "mycoops catalogue: group_vars/all/catalogue.yml of a fleet"}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
