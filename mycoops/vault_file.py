"""The text of a vault file: which entry lies on which lines; it knows ciphertext only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from mycoops.errors import VaultError
from mycoops.yaml_nodes import composed

ROOT_KEY = "mycoops_vault"
RESTORE = "Restore the file from version control."
HEADER = f"# The current generation of every credential, written by mycoops; do not edit by hand.\n{ROOT_KEY}:\n"


@dataclass(frozen=True, slots=True)
class Meta:
    """What may be known of a stored generation without its value."""

    credential: str
    generation: int
    slot: str
    created: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One credential of the file: what is known of it, its ciphertext, and its first and last line."""

    meta: Meta
    ciphertext: str
    line: int
    end: int


def text_of(path: Path, raw: bytes) -> str:
    """The text of a vault file, of which these are the bytes. Raises VaultError where it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise VaultError(f"{path}:{line}: not UTF-8 text", hint=RESTORE) from None


def parse(path: Path, text: str) -> dict[str, Entry]:
    """The entries of a vault file by credential. Raises VaultError, naming the line, for anything that is not one."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<<", ">>>>>>>")):
            raise VaultError(f"{path}:{number}: an unresolved merge conflict", hint="Resolve it; mycoops will not write here.")
    try:
        root = composed(text)
    except yaml.MarkedYAMLError as error:
        line_number = error.problem_mark.line + 1 if error.problem_mark else 1
        raise VaultError(f"{path}:{line_number}: not YAML", hint=RESTORE) from None
    except yaml.reader.ReaderError as error:
        line_number = text.count("\n", 0, int(error.position)) + 1
        raise VaultError(f"{path}:{line_number}: a control character", hint=RESTORE) from None
    body = _child(path, root, ROOT_KEY)
    if body is None or (isinstance(body, yaml.ScalarNode) and not body.value):
        return {}
    if not isinstance(body, yaml.MappingNode):
        raise VaultError(f"{path}:{body.start_mark.line + 1}: {ROOT_KEY} is not a mapping", hint=RESTORE)
    return _entries(path, body, text.splitlines())


def block(meta: Meta, ciphertext: str) -> str:
    """The lines of one entry."""
    head = f'  {meta.credential}:\n    generation: {meta.generation}\n    slot: "{meta.slot}"\n    created: "{meta.created}"\n'
    return f"{head}    value: !vault |\n" + "".join(f"      {line}\n" for line in ciphertext.strip().splitlines())


def resealed(text: str, entries: Mapping[str, Entry], ciphertexts: Mapping[str, str]) -> str:
    """The text with another ciphertext in every entry, and nothing else changed where an entry looks as mycoops writes it."""
    lines = [f"{line}\n" for line in text.splitlines()]
    for name, entry in sorted(entries.items(), key=lambda item: -item[1].line):
        old, first, last = entry.ciphertext.splitlines(), entry.line - 1, entry.end
        start = next((n for n in range(first, last) if [line.strip() for line in lines[n : n + len(old)]] == old), None)
        if start is None:
            lines[first:last] = [block(entry.meta, ciphertexts[name])]
            continue
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        lines[start : start + len(old)] = [f"{indent}{line}\n" for line in ciphertexts[name].strip().splitlines()]
    return "".join(lines)


def _entries(path: Path, body: yaml.MappingNode, lines: list[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for key, value in body.value:
        line_number = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise VaultError(f"{path}:{line_number}: not the name of a credential", hint=RESTORE)
        if first := found.get(key.value):
            problem = f"{path}:{line_number}: {key.value} stands here for the second time; see line {first.line}"
            raise VaultError(problem, hint="Keep the entry whose generation is the higher.")
        found[key.value] = _entry(path, key, value, _last(lines, key))
    return found


def _last(lines: list[str], key: yaml.ScalarNode) -> int:
    """The number of an entry's last line: what follows, comments and blank lines too, is not its own."""
    column, last = key.start_mark.column, key.start_mark.line + 1
    for number, line in enumerate(lines[last:], last + 1):
        if line.strip() and len(line) - len(line.lstrip()) <= column:
            break
        last = number if line.strip() else last
    return int(last)


def _child(path: Path, node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        raise VaultError(f"{path}:1: the key {name} is missing", hint=RESTORE)
    for key, value in node.value:
        if key.value == name:
            return value  # type: ignore[no-any-return]
    raise VaultError(f"{path}:1: the key {name} is missing", hint=RESTORE)


def _entry(path: Path, key: yaml.ScalarNode, node: yaml.Node, end: int) -> Entry:
    line = key.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise VaultError(f"{path}:{line}: {key.value} is not a mapping", hint=RESTORE)
    fields = {str(name.value): value for name, value in node.value}
    value = fields.get("value")
    if not isinstance(value, yaml.ScalarNode) or value.tag != "!vault" or "generation" not in fields:
        problem = f"{path}:{line}: {key.value} needs `generation` and an encrypted `value: !vault |`"
        raise VaultError(problem, hint=f"{RESTORE} A value is brought with `mycoops provide {key.value}`.")
    try:
        generation = int(fields["generation"].value)
    except (TypeError, ValueError):
        raise VaultError(f"{path}:{fields['generation'].start_mark.line + 1}: generation is not a number", hint=RESTORE) from None
    slot, created = (str(fields[name].value) if name in fields else "" for name in ("slot", "created"))
    return Entry(Meta(key.value, generation, slot, created), value.value.strip(), line, end)
