"""Validates what the vault holds against the declarations; a finding names the credential and its line, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mycoops import hostcode
from mycoops.catalogue import Credential
from mycoops.check import Subject
from mycoops.errors import Finding
from mycoops.families import Families
from mycoops.kinds import bring
from mycoops.secret import Secret, fingerprint
from mycoops.values import render
from mycoops.vault import Store
from mycoops.vault_file import Meta

SHORTEST_VALUE = 16
"""Characters: a shorter value can neither be masked nor searched for safely."""


def values(subject: Subject, store: Store, key: bytes, split: Families | None = None) -> list[Finding]:
    """What only the vault can tell: missing, shared, too short, and values a declared parser would read differently.

    What was `split` from one value may share it until it is rotated."""
    found: list[Finding] = []
    known: dict[str, str] = {}
    for name, credential in subject.catalogue.credentials.items():
        where = subject.at("mycoops_credentials", name)
        meta = store.meta(name)
        if meta is None:
            found.append(
                Finding(
                    where, f"{name} has no value in the vault", f"Give it one: `{bring(subject.kinds, credential.kind, name)}`."
                )
            )
            continue
        secret = store.secret(name, meta.generation)
        first = known.setdefault(fingerprint(key, "", secret), name)
        family = (split or {}).get(name, frozenset())
        found += _alone(name, where, secret, name if first in family else first)
        found += _readable(subject, name, credential, meta, store)
    for meta in store.metas():
        if meta.credential not in subject.catalogue.credentials:
            problem = f"the vault holds {meta.credential}, which is not declared"
            found.append(Finding(store.place(meta.credential), problem, "Declare it, or remove the entry."))
    return found


def _alone(name: str, where: str, secret: Secret, first: str) -> Iterator[Finding]:
    if len(secret.reveal()) < SHORTEST_VALUE:
        problem = f"{name}: a value of under {SHORTEST_VALUE} characters cannot be protected"
        yield Finding(where, problem, "Rotate it by hand once.")
    if first != name:
        yield Finding(
            where,
            f"{name} and {first} hold the same value",
            f"Split them before they are rotated: `mycoops split {first} --into {name}`.",
        )


def _readable(subject: Subject, name: str, credential: Credential, meta: Meta, store: Store) -> Iterator[Finding]:
    """Every variable that is made of the value, against every program that reads the file it lies in."""
    formats = hostcode.load("mycoops_formats")
    refusal = hostcode.load("mycoops_reply").Refusal
    for service, variable, form, place in _uses(credential):
        reference = {"$form": form, "credential": name, "generation": meta.generation, "generations": [meta.generation]}
        try:
            formats.encode(render(reference, store), _readers(subject, service, variable))
        except refusal as error:
            where = subject.at("mycoops_credentials", name, *place)
            yield Finding(where, f"{name}: {variable}: {error.message}", "Rotate it, or give this consumer a file of its own.")


def _uses(credential: Credential) -> Iterable[tuple[str, str, str, tuple[str | int, ...]]]:
    for number, consumer in enumerate(credential.consumers):
        for variable, form in consumer.env.items() if consumer.service else ():
            yield consumer.service, variable, form, ("consumers", number, "env", variable)
        for variable, form in consumer.next.items():
            yield consumer.service, variable, form, ("consumers", number, "next", variable)
    for service in credential.authority.services:
        for variable, form in credential.authority.accepts.items():
            yield service, variable, form, ("authority", "accepts", variable)


def _readers(subject: Subject, service: str, variable: str) -> list[str]:
    declared = subject.catalogue.services[service]
    return subject.catalogue.readers(declared.host, declared.file_of(variable).path)
