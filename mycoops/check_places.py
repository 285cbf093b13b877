"""Validates what is declared of consumers outside the hosts; each finding names file, line and fix."""

from __future__ import annotations

from collections.abc import Iterator

from mycoops.catalogue import Credential
from mycoops.check import Subject
from mycoops.consumer import Consumer
from mycoops.errors import Finding
from mycoops.values import form_error


def places(subject: Subject) -> list[Finding]:
    """Everything that can be seen without the vault."""
    found: list[Finding] = []
    owners: dict[str, str] = {}
    for name, credential in subject.catalogue.credentials.items():
        found += _credential(subject, name, credential, owners)
    return found


def _credential(subject: Subject, name: str, credential: Credential, owners: dict[str, str]) -> Iterator[Finding]:
    kind = subject.kinds.get(credential.kind)
    names = [consumer.name for consumer in credential.outside]
    for number, consumer in enumerate(credential.consumers):
        if not consumer.outside:
            continue
        where = subject.at("mycoops_credentials", name, "consumers", number)
        if names.count(consumer.name) > 1:
            yield Finding(where, f"{name}: {consumer.name} stands there twice", "Declare it once.")
        if kind and kind.overlap.mutating:
            problem = f"{name}: {kind.kind} replaces itself when it is used, and {consumer.name} would hold a copy that dies"
            yield Finding(where, problem, "Take it out.")
        for place in _held(consumer):
            if owners.setdefault(place, name) != name:
                yield Finding(where, f"{place} is written for {owners[place]} and for {name}", "One place, one credential.")
        if consumer.github:
            yield from _github(subject, name, consumer, where)


def _held(consumer: Consumer) -> list[str]:
    """What nobody else may write."""
    if consumer.developer:
        return [f"{variable} of {consumer.name}" for variable in consumer.env]
    return [consumer.name] if consumer.github else []


def _github(subject: Subject, name: str, consumer: Consumer, where: str) -> Iterator[Finding]:
    place = consumer.github
    if place is None:
        return
    if error := form_error(place.form):
        yield Finding(where, f"{name}: {consumer.name}: {error}", "Write <value> or <value|url>, with any text around it.")
    elif "<accepted" in place.form:
        yield Finding(where, f"{name}: {consumer.name} is no list of what is accepted", "Write <value>, with any text around it.")
    if place.token not in subject.catalogue.credentials:
        fix = f"Declare a credential {place.token} for the token that may write secrets, or mend the name."
        yield Finding(where, f"{name}: unknown token {place.token}", fix)
    elif place.token == name:
        yield Finding(where, f"{name} would be written with itself", "Use another token for it.")
