"""Finds the kinds on the roles path and reads what each declares of itself in meta/kind.yml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mycoops import source as source_file
from mycoops.errors import Finding, Invalid
from mycoops.model import Overlap

Capability = Literal["preflight", "parity", "drain", "persistence", "stage", "sightings"]


class HumanStep(BaseModel):
    """What a person has to do where no API exists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: str
    instruction: str
    prefix: str = ""
    length: int = 0
    revoke_page: str = ""
    """Where a person ends the old value, if not on the page where the new one is made."""
    revoke_instruction: str = ""


STEP_OPTIONS = {
    "page": "page",
    "instruction": "instruction",
    "value_prefix": "prefix",
    "value_length": "length",
    "revoke_page": "revoke_page",
    "revoke_instruction": "revoke_instruction",
}
"""Options by which a catalogue says what the step of a person is, where a kind offers them."""


class Kind(BaseModel):
    """One kind as its role declares it; the engine decides by these fields alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    summary: str
    overlap: Overlap
    accepts_by: Literal["role", "delivery"] = "role"
    slots: tuple[str, ...] = ()
    slots_optional: bool = False
    generates: Literal["token", "ed25519"] = "token"
    probe_from: Literal["consumers", "authority", "controller"] = "consumers"
    own_access: bool = False
    revoked_by: Literal["role", "person"] = "role"
    provable: bool = True
    """Whether anything can tell a valid value from another; if not, it is delivered, and never called proven."""
    capabilities: frozenset[Capability] = frozenset()
    options: dict[str, str] = Field(default_factory=dict)
    human: HumanStep | None = None
    refuse: str = ""

    @model_validator(mode="after")
    def _told(self) -> Kind:
        if not self.provable and (self.overlap is not Overlap.O6 or self.capabilities):
            fix = "What nobody can probe is of class O6 and has no entries: a person says when it was replaced."
            raise source_file.Mistake("nobody can probe it, and yet it has entries or another class", fix, "provable")
        return self

    def next_slot(self, slot: str) -> str:
        """The slot after the one in use; the first where there is none yet, unless a credential may do without."""
        if not self.slots or (self.slots_optional and not slot):
            return ""
        return self.slots[(self.slots.index(slot) + 1) % len(self.slots)] if slot in self.slots else self.slots[0]

    def bring(self, credential: str) -> str:
        """The command that takes the first value of a credential; of two slots it names the first, which is a guess."""
        slot = self.next_slot("")
        return f"mycoops provide {credential}" + (f" --slot {slot}" if slot else "")

    def counts(self, old: str, new: str) -> bool:
        """Whether its authority can count who uses the old value: where a name is shared with the new one, it cannot."""
        return "drain" in self.capabilities and (old != new or not self.slots_optional)

    def step(self, options: Mapping[str, Any]) -> HumanStep | None:
        """What a person has to do for one credential: the kind's step, with what the catalogue's options say of it.

        Raises ValueError for an option that cannot be that."""
        if self.human is None:
            return None
        said = {field: options[name] for name, field in STEP_OPTIONS.items() if name in self.options and name in options}
        return HumanStep.model_validate({**self.human.model_dump(), **said})

    def principal(self, name: str, slot: str) -> str:
        """The login name of a generation."""
        return f"{name}_{slot}" if slot else name


def bring(kinds: Mapping[str, Kind], kind: str, credential: str) -> str:
    """The same for a credential whose kind may be unknown, which is told elsewhere."""
    return kinds[kind].bring(credential) if kind in kinds else f"mycoops provide {credential}"


def load(roles_paths: Iterable[Path]) -> dict[str, Kind]:
    """Every kind on the roles path by name; an earlier directory wins. Raises Invalid naming file and line."""
    found: dict[str, Kind] = {}
    for roles in roles_paths:
        for path in sorted(roles.glob("kind_*/meta/kind.yml")):
            name = path.parent.parent.name.removeprefix("kind_")
            found.setdefault(name, _read(path, name))
    return found


def _read(path: Path, name: str) -> Kind:
    data, source = source_file.read(path)
    kind = source_file.validated(Kind, data, source, "docs/ADD_A_KIND.md says what may stand here.")
    if kind.kind != name:
        problem = f"declares the kind {kind.kind} in the role kind_{name}"
        raise Invalid([Finding(source.at("kind"), problem, "Make the two names equal.")])
    return kind
