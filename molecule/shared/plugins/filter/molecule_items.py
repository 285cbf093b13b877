"""Builds the items of playbooks/move.yml from short steps, in the form in which the engine builds its own."""

from __future__ import annotations

KEYS = ("host", "entry", "subject")


def molecule_items(steps, base, generation=2):
    """Return items by host. A step is `HOST ENTRY [SUBJECT]`, or a mapping with those keys and others that replace the base's."""
    found = {}
    for step in steps or []:
        told = dict(zip(KEYS, step.split(), strict=False)) if isinstance(step, str) else step
        item = _item({**base, **told}, generation)
        found.setdefault(item["host"], []).append(item)
    return found


def _item(told, generation):
    subject, credential = told.get("subject", "new"), told["credential"]
    old, new = told.get("principals") or ("", "")
    first = generation == 1 or subject == "old"
    value = _reference(told, 1 if first else 2)
    computed = {
        "id": f"{told['entry']} {subject}",
        "subject": subject,
        "generation": generation,
        "previous": 1,
        "principal": old if first else new,
        "previous_principal": old,
        "value": {**value, "random": True} if subject == "random" else value,
        "previous_value": _reference(told, 1),
        "tag": f"mycoops/{credential}/g{generation}",
    }
    return {**computed, **told}


def _reference(told, generation):
    return {
        "$form": "<value>",
        "credential": told["credential"],
        "generation": generation,
        "shape": told.get("shape", "token"),
    }


class FilterModule:
    """The filter molecule_items."""

    def filters(self):
        """Return it by name."""
        return {"molecule_items": molecule_items}
