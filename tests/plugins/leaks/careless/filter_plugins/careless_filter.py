"""A filter that says in its error what it was given."""

from __future__ import annotations


def careless_filter(value):
    raise ValueError(f"cannot use {value!r}")


class FilterModule:
    """What Ansible looks for."""

    def filters(self):
        return {"careless_filter": careless_filter}
