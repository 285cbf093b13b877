"""Reads a declared YAML file with the line of every key; each mistake in it names file, line and fix, and never quotes a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mycoops.errors import Finding, Invalid
from mycoops.yaml_nodes import LOADER, composed

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str, ...]
QUOTED = re.compile(r"(['\"])(?!<).{2,}\1")
"""What a parser quotes from the file: more than one character of it may be a value."""
TEXTS = {
    "missing": ("this key is missing", "Add it."),
    "extra_forbidden": ("this key is unknown", "Remove it, or mend its name."),
    "model_type": ("a mapping is wanted here", "Write KEY: VALUE lines."),
    "dict_type": ("a mapping is wanted here", "Write KEY: VALUE lines."),
    "tuple_type": ("a list is wanted here", "Write [A, B], or one - A line for each."),
    "string_type": ("text is wanted here", "Put it in quotes."),
}
"""What pydantic calls a problem: how it is told here, and its fix."""


class Mistake(ValueError):
    """What a validator finds: the problem, how to mend it, and under which key of the declaration it is."""

    def __init__(self, problem: str, fix: str, key: str = "") -> None:
        super().__init__(problem)
        self.fix = fix
        self.key = key


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file lies, and the line of every key in it."""

    path: Path
    lines: dict[Place, int] = field(default_factory=dict)

    def at(self, *place: str | int) -> str:
        """`file:line` of the nearest key that exists on the way to `place`."""
        keys = tuple(str(part) for part in place)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path}:{self.lines.get(keys, 1)}"


class _Tolerant(yaml.SafeLoader):
    """Takes any tag, as `!vault` in an inventory, for nothing."""


_Tolerant.add_multi_constructor("!", lambda loader, suffix, node: None)


def read(path: Path, *, tags: bool = False) -> tuple[Any, Source]:
    """The data of a YAML file and its lines; with `tags` what is tagged reads as None. Raises Invalid."""
    text = _text(path)
    source = Source(path)
    try:
        root = composed(text)
        found = list(_index(root, (), source, ())) if root else []
        data = None if found else yaml.load(text, Loader=_Tolerant if tags else LOADER)  # noqa: S506 - both are safe
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = QUOTED.sub("'…'", str(error.problem or error.context))
        raise Invalid([Finding(f"{path}:{line}", f"not YAML: {problem}", "Mend the line, or the one above.")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise Invalid([Finding(f"{path}:{line}", "a control character", "Remove it.")]) from None
    except ValueError:
        raise Invalid([Finding(f"{path}:1", "a date or number that does not exist", "Put it in quotes.")]) from None
    if found:
        raise Invalid(found)
    return data, source


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Invalid([Finding(f"{path}:1", f"cannot be read: {error.strerror}", "Make it a file that you may read.")]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid([Finding(f"{path}:{line}", "not UTF-8 text", "Save the file as UTF-8.")]) from None
    for number, line_text in enumerate(text.splitlines(), 1):
        if line_text.startswith(("<<<<<<<", ">>>>>>>")):
            raise Invalid([Finding(f"{path}:{number}", "an unresolved merge conflict", "Resolve it, and remove the markers.")])
    return text


def _index(node: yaml.Node, place: Place, source: Source, above: tuple[int, ...]) -> Iterator[Finding]:
    """Note the line of every key; yield what is declared twice or contains itself."""
    line = node.start_mark.line + 1
    source.lines.setdefault(place, line)
    if id(node) in above:
        yield Finding(f"{source.path}:{line}", "an alias that contains itself", "Write out what it stands for.")
    elif isinstance(node, yaml.MappingNode):
        yield from _keys(node, place, source, (*above, id(node)))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _index(value, (*place, str(number)), source, (*above, id(node)))


def _keys(node: yaml.MappingNode, place: Place, source: Source, above: tuple[int, ...]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and name in seen:
            yield Finding(f"{source.path}:{line}", f"{name} stands here for the second time", f"Keep one; see line {seen[name]}.")
        seen.setdefault(name, line)
        source.lines[(*place, name)] = line
        yield from _index(value, (*place, name), source, above)


def validated(model: type[Model], data: Any, source: Source, fix: str) -> Model:
    """The data as the model. Raises Invalid with a finding for each place that does not fit; `fix` is the one for most."""
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        found = [_explain(problem, model, source, fix) for problem in problems]
        raise Invalid(list(dict.fromkeys(found))) from None


def _explain(problem: Any, model: type[BaseModel], source: Source, general: str) -> Finding:
    place = [part for part in problem["loc"] if part != "[key]"]
    mistake = problem.get("ctx", {}).get("error")
    text, fix = TEXTS.get(problem["type"], (problem["msg"].removeprefix("Value error, "), general))
    if problem["type"] == "extra_forbidden":
        fix = _similar(str(place[-1]), model) or fix
    elif isinstance(mistake, Mistake):
        place, fix = [*place, mistake.key] if mistake.key else place, mistake.fix
    named = ".".join(str(part) for part in place)
    return Finding(source.at(*place), f"{named}: {text}" if named else text, fix)


def _similar(name: str, model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    known = [key for part in (schema, *schema.get("$defs", {}).values()) for key in part.get("properties", {})]
    near = difflib.get_close_matches(name, known, n=1)
    return f"Do you mean {near[0]}?" if near else ""
