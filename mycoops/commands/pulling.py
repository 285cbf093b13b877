"""`mycoops pull`: a developer's machine writes its own env files from the fleet directory, and says what it holds."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from mycoops import account, developers, durable, hostcode
from mycoops.consumer import Consumer
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.places import Places
from mycoops.session import Fleet
from mycoops.vault import Store


@dataclass(frozen=True, slots=True)
class Written:
    """One env file: the variables that changed in it, and the generation of each credential that it holds."""

    path: str
    changed: tuple[str, ...]
    generations: dict[str, int]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a developer holds now, and the file that says so: it goes into version control."""

    developer: str
    files: tuple[Written, ...]
    acknowledgement: str


def pull(fleet: Fleet, developer: str, into: Path) -> Pulled:
    """Write the env files of a developer below `into`, and acknowledge. Files that hold it already are left alone.

    Raises WrongUsage for somebody who is not declared, ConfigurationError for a file that cannot be understood or would be read
    wrongly; then nothing is acknowledged."""
    name = developer or account.name()
    uses = [(one, credential) for credential, declared in fleet.catalogue.credentials.items() for one in declared.outside]
    mine = [(one, credential) for one, credential in uses if one.developer == name]
    if not mine:
        known = ", ".join(dict.fromkeys(one.developer for one, _ in uses if one.developer))
        hint = f"One of: {known}: say --as NAME." if known else "Declare one: consumers: [{developer: NAME, env: {…}}]."
        raise WrongUsage(f"no credential has a developer {name}", hint=hint)
    if not into.is_dir():
        raise WrongUsage(f"{into} is not a directory", hint="Name the one of your repository: --into DIR.")
    store = fleet.store()
    planned = [_planned(fleet, store, into / path, mine, path) for path in dict.fromkeys(one.path for one, _ in mine)]
    for file, content, _, _ in planned:
        if content is not None:
            durable.replace(file, content)
        elif stat.S_IMODE(file.stat().st_mode) & 0o077:
            file.chmod(0o600)
    held = {key: number for _, _, _, generations in planned for key, number in generations.items()}
    place = developers.holds(fleet.settings.fleet, store, name, held)
    files = tuple(
        Written(str(file), changed, {credential: number for (_, credential), number in generations.items()})
        for file, _, changed, generations in planned
    )
    return Pulled(name, files, str(place))


Plan = tuple[Path, bytes | None, tuple[str, ...], dict[tuple[str, str], int]]
"""A file, what is written to it (None where nothing is), the variables that change, and the generations it will hold."""


def _planned(fleet: Fleet, store: Store, file: Path, mine: list[tuple[Consumer, str]], path: str) -> Plan:
    """Everything about one env file, before any is written."""
    places = Places(fleet.settings.fleet, fleet.catalogue, fleet.kinds, store)
    values: dict[str, str] = {}
    readers: dict[str, None] = {}
    generations: dict[tuple[str, str], int] = {}
    for consumer, credential in mine:
        if consumer.path == path:
            number = developers.wanted(fleet.settings.fleet, store, consumer, credential)
            if not number:
                raise ConfigurationError(f"{credential} has no value yet", hint=f"`mycoops provide {credential}`, and pull again.")
            for variable, form in consumer.env.items():
                values[variable] = places.text(credential, number, form).reveal()
            readers |= dict.fromkeys(consumer.readers)
            generations[consumer.name, credential] = number
    before = _read(file)
    content, changed = _merged(file, before, values, list(readers))
    return file, content if content != before else None, changed, generations


def _read(file: Path) -> bytes | None:
    if file.is_symlink():
        raise ConfigurationError(f"{file} is a symbolic link", hint="Put the file itself there, or mend path in the catalogue.")
    return file.read_bytes() if file.exists() else None


def _merged(file: Path, before: bytes | None, values: dict[str, str], readers: list[str]) -> tuple[bytes, tuple[str, ...]]:
    """The file with its own comments, order and line ends, and these values; read back as every declared reader would."""
    files = hostcode.load("mycoops_delivery_files")
    refusal = hostcode.load("mycoops_reply").Refusal
    try:
        merged, changed = files.merge(before or b"", values, readers)
    except refusal as error:
        line = f":{error.facts['line']}" if error.facts.get("line") else ""
        raise ConfigurationError(f"{file}{line}: {error.message}", hint="Mend it there, and pull again.") from None
    return merged, changed
