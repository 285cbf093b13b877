"""Parses YAML quickly where it is good, and tells precisely what is wrong where it is not."""

from __future__ import annotations

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's safe loader where there is one, as in Ansible: many hosts or values take seconds in Python."""


def composed(text: str) -> yaml.Node | None:
    """The nodes of a document; where it is not YAML, the error is that of the parser in Python: it says more."""
    try:
        return yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)
