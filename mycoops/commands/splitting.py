"""`mycoops split`: a value that serves several credentials gets an entry for each, so that each can be rotated alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mycoops import lease, settings, stale
from mycoops.catalogue import catalogue_path
from mycoops.commands.providing import refuse_shape
from mycoops.commands.rendering import concluded, opened_for_nothing
from mycoops.commands.rotating import refuse_open
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.families import families
from mycoops.secret import fingerprint
from mycoops.session import Fleet
from mycoops.vault import Store
from mycoops.vault_file import Meta


@dataclass(frozen=True, slots=True)
class Split:
    """What holds the value of a credential now, which of it was made by this, and the commands that end the sharing."""

    credential: str
    made: tuple[str, ...]
    there: tuple[str, ...]
    next: tuple[str, ...]


def split(fleet: Fleet, credential: str, into: Iterable[str], reason: str = "") -> Split:
    """Give each of the credentials `into` the value of `credential` as its first generation; what has it already stays.

    Raises ConfigurationError for one that is not declared, holds another value, or is in an open rotation."""
    names = [name for name in dict.fromkeys(into) if name != credential]
    if not names:
        raise WrongUsage(
            "nothing to split it into", hint=f"Name the others that share it: mycoops split {credential} --into OTHER."
        )
    _refuse_undeclared(fleet, credential, names)
    with lease.hold(fleet.settings.state, "split") as token:
        store = fleet.store()
        stale.refuse(fleet, store)
        refuse_open(fleet, [credential, *names])
        before = store.meta(credential)
        if before is None:
            raise ConfigurationError(f"{credential} has no value in the vault", hint=f"`mycoops provide {credential}`.")
        missing = _missing(fleet, store, before, names)
        if missing or not families(fleet.runs().values()).get(credential, frozenset()) >= set(names):
            written = opened_for_nothing(fleet, "split", reason or f"{credential} was split", token)
            secret = store.secret(credential, before.generation)
            named = fingerprint(settings.install_key(fleet.settings), credential, secret)
            written.write("split", credential=credential, generation=before.generation, into=names, fingerprint=named)
            for name in missing:
                store.add(name, before.slot if _slots(fleet, name) else "", secret)
            concluded(fleet, written)
    following = tuple(f"mycoops rotate {name}" for name in [*names, credential])
    return Split(credential, tuple(missing), tuple(name for name in names if name not in missing), following)


def _slots(fleet: Fleet, name: str) -> tuple[str, ...]:
    return fleet.kinds[fleet.catalogue.credentials[name].kind].slots


def _refuse_undeclared(fleet: Fleet, credential: str, names: list[str]) -> None:
    if credential not in fleet.catalogue.credentials:
        raise WrongUsage(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    if absent := [name for name in names if name not in fleet.catalogue.credentials]:
        where = catalogue_path(fleet.settings.fleet)
        raise ConfigurationError(
            f"{', '.join(absent)}: not declared",
            hint=f"In {where}, under mycoops_credentials, give each the kind and authority that accepts the value there, and move "
            f"those consumers of {credential} to it that log in there; then split again.",
        )


def _missing(fleet: Fleet, store: Store, before: Meta, names: list[str]) -> list[str]:
    """Those that have no value yet, once it is seen that every one of them can hold this."""
    secret, missing = store.secret(before.credential, before.generation), []
    for name in names:
        meta = store.meta(name)
        if meta and not store.secret(name, meta.generation).same_as(secret):
            raise ConfigurationError(f"{name} has a value of its own", hint="It needs no split: leave it out.")
        kind = fleet.kinds[fleet.catalogue.credentials[name].kind]
        refuse_shape(fleet, name, secret)
        if kind.slots and before.slot not in kind.slots and not kind.slots_optional:
            hint = f"Bring it yourself, and say in which slot it is: `mycoops provide {name} --slot {kind.slots[0]}`."
            raise ConfigurationError(f"{name}: {before.credential} does not say in which slot its value is in force", hint=hint)
        missing += [] if meta else [name]
    return missing
