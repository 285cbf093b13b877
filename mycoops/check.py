"""Validates catalogue, inventory and kinds together, before anything else runs; each finding names file, line and fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mycoops.catalogue import Catalogue, Credential
from mycoops.checklist import ITEMS
from mycoops.consumer import Consumer
from mycoops.errors import Finding
from mycoops.kinds import Kind
from mycoops.model import Overlap
from mycoops.source import Source

CARRIED_OUT = frozenset(set(Overlap) - {Overlap.O5})
"""The overlap classes that are carried out: the engine has moves for each, and has been seen to make them at real authorities."""
LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is checked together."""

    catalogue: Catalogue
    source: Source
    kinds: Mapping[str, Kind]
    hosts: frozenset[str]

    def at(self, *place: str | int) -> str:
        """`file:line` of a place in the catalogue."""
        return self.source.at(*place)


def declarations(subject: Subject) -> list[Finding]:
    """Everything that can be seen without the vault."""
    found = [*_services(subject), *_checklist(subject), *_shared_files(subject), *_rivals(subject), *_aliases(subject)]
    for name, credential in subject.catalogue.credentials.items():
        found += _credential(subject, name, credential)
    return found


def _services(subject: Subject) -> Iterator[Finding]:
    for name, service in subject.catalogue.services.items():
        if service.host not in subject.hosts:
            yield Finding(
                subject.at("mycoops_services", name, "host"),
                f"{name}: unknown host {service.host}",
                "Add it to the inventory or mend the name.",
            )
        for file in (*service.extra_env_files, *service.files):
            for variable in file.variables:
                if variable not in service.reads:
                    where = subject.at("mycoops_services", name, "files" if file in service.files else "extra_env_files")
                    yield Finding(
                        where,
                        f"{name}: {variable} is in {'a file' if file in service.files else 'an env file'} but not in reads",
                        f"Add {variable} to reads.",
                    )
    for host in subject.catalogue.fleet.host_order:
        if host not in subject.hosts:
            yield Finding(subject.at("mycoops_fleet", "host_order"), f"host_order: unknown host {host}", "Mend the name.")


def _shared_files(subject: Subject) -> Iterator[Finding]:
    first: dict[tuple[str, str], tuple[str, tuple[str, str, str]]] = {}
    for name, service in subject.catalogue.services.items():
        for file in service.all_files:
            shape = (file.owner, file.group, file.mode)
            other, wanted = first.setdefault((service.host, file.path), (name, shape))
            if wanted != shape:
                where = subject.at("mycoops_services", name, "env_file" if service.env_file else "files")
                yield Finding(where, f"{file.path}: {name} and {other} declare different owner or mode", "Declare them alike.")


def _checklist(subject: Subject) -> Iterator[Finding]:
    declared = {credential.item for credential in subject.catalogue.credentials.values()}
    absent = subject.catalogue.mycoops_not_applicable
    for item, (_, title) in ITEMS.items():
        if item not in declared and not absent.get(item):
            yield Finding(
                subject.at("mycoops_not_applicable"),
                f"the checklist's item {item} ({title}) has neither a credential nor a reason",
                f"Declare a credential with item: {item}, or give the reason under mycoops_not_applicable.",
            )
    for item in absent:
        where = subject.at("mycoops_not_applicable", item)
        if item not in ITEMS:
            yield Finding(where, f"{item} is not an item of the checklist", f"One of: {', '.join(ITEMS)}.")
        elif item in declared:
            yield Finding(where, f"{item} is declared and not applicable at once", "Remove one of the two.")


def _credential(subject: Subject, name: str, credential: Credential) -> Iterator[Finding]:
    kind = subject.kinds.get(credential.kind)
    where = subject.at("mycoops_credentials", name, "kind")
    if kind is None:
        yield Finding(where, f"{name}: unknown kind {credential.kind}", f"One of: {', '.join(sorted(subject.kinds))}.")
        return
    if credential.purpose == "encrypt":
        yield Finding(
            subject.at("mycoops_credentials", name, "purpose"),
            f"{name}: an encryption key is not rotated by replacing it: that destroys data",
            "Take it out, or write a re-encrypting kind.",
        )
    if kind.refuse:
        yield Finding(where, f"{name}: {kind.kind} is not rotated: {kind.refuse}", "Take it out.")
    yield from _step(subject, name, credential, kind)
    if kind.overlap not in CARRIED_OUT:
        problem = f"{name}: {kind.kind} is of class {kind.overlap}, which mycoops does not carry out yet"
        yield Finding(where, problem, f"Take it out and rotate it by hand; what is carried out: {', '.join(sorted(CARRIED_OUT))}.")
    yield from _authority(subject, name, credential, kind)
    for number, consumer in enumerate(credential.consumers):
        yield from _consumer(subject, name, consumer, number)
        yield from _next(subject, name, consumer, number, kind)


def _authority(subject: Subject, name: str, credential: Credential, kind: Kind) -> Iterator[Finding]:
    authority = credential.authority
    where = subject.at("mycoops_credentials", name, "authority")
    for host in authority.all_hosts:
        if host not in subject.hosts:
            yield Finding(where, f"{name}: unknown authority host {host}", "Add it to the inventory or mend the name.")
    for service in authority.services:
        declared = subject.catalogue.services.get(service)
        if declared is None:
            yield Finding(where, f"{name}: unknown authority service {service}", "Declare it under mycoops_services.")
            continue
        for variable in authority.accepts:
            if variable not in declared.reads:
                yield Finding(
                    where, f"{name}: {service} does not read {variable}", f"Add {variable} to its reads, or mend the name."
                )
    if kind.accepts_by == "delivery" and not (authority.services and authority.accepts):
        yield Finding(
            where,
            f"{name}: the kind {kind.kind} needs authority.services and authority.accepts",
            "Name who verifies, and by which list.",
        )
    if kind.accepts_by == "role" and not authority.all_hosts:
        yield Finding(where, f"{name}: the kind {kind.kind} needs authority.host", "Name the host the authority runs on.")
    if kind.slots and not credential.principal:
        yield Finding(where, f"{name}: the kind {kind.kind} needs a principal", "Name the login without its slot.")
    if authority.admin and authority.admin not in subject.catalogue.credentials:
        yield Finding(where, f"{name}: unknown admin credential {authority.admin}", "Declare it, or mend the name.")
    for option, given in authority.options.items():
        if option == "port" and option in kind.options and not _is_port(given):
            place = subject.at("mycoops_credentials", name, "authority", "options", option)
            yield Finding(place, f"{name}: this is not a port", "A number from 1 to 65535.")
        if option not in kind.options:
            fix = f"One of: {', '.join(kind.options) or 'none'}."
            yield Finding(
                subject.at("mycoops_credentials", name, "authority", "options", option),
                f"{name}: {kind.kind} has no option {option}",
                fix,
            )


def _step(subject: Subject, name: str, credential: Credential, kind: Kind) -> Iterator[Finding]:
    try:
        kind.step(credential.authority.options)
    except ValueError:
        where = subject.at("mycoops_credentials", name, "authority", "options")
        yield Finding(where, f"{name}: an option does not say what a person has to do", "Texts; value_length is a number.")


def _is_port(given: object) -> bool:
    return not isinstance(given, bool) and str(given).isascii() and str(given).isdigit() and 1 <= int(str(given)) <= LAST_PORT


def _consumer(subject: Subject, name: str, consumer: Consumer, number: int) -> Iterator[Finding]:
    if not consumer.service:
        return
    place = ("mycoops_credentials", name, "consumers", number)
    service = subject.catalogue.services.get(consumer.service)
    if service is None:
        where = subject.at(*place, "service")
        yield Finding(where, f"{name}: unknown consumer {consumer.service}", "Declare it under mycoops_services, or mend the name.")
        return
    for variable in consumer.env:
        if variable not in service.reads:
            where = subject.at(*place, "env", variable)
            fix = f"Add {variable} to reads of {consumer.service}, or remove the alias."
            yield Finding(where, f"{name}: {consumer.service} has no reader of {variable}", fix)


def _aliases(subject: Subject) -> Iterator[Finding]:
    """Of several names of one value the first that is not empty wins: one that nobody delivers may hold an old value for ever."""
    for name, service in subject.catalogue.services.items():
        where = subject.at("mycoops_services", name, "first_of")
        for group in service.first_of:
            if unread := [variable for variable in group if variable not in service.reads]:
                yield Finding(where, f"{name}: {unread[0]} is in first_of but not in reads", f"Add {unread[0]} to reads.")
            owners = {variable: _deliverer(subject, name, variable) for variable in group}
            last = max((number for number, variable in enumerate(group) if owners[variable]), default=-1)
            for variable in group[: last + 1]:
                if owners[variable] != owners[group[last]]:
                    other = f"{owners[variable]} delivers it" if owners[variable] else "nobody delivers it"
                    yield Finding(
                        where,
                        f"{name}: {variable} is read before {group[last]}, and {other}: what is in it hides {owners[group[last]]}",
                        f"Deliver it with {owners[group[last]]} too, or take it out of the program and of first_of.",
                    )


def _deliverer(subject: Subject, service: str, variable: str) -> str:
    """The credential that fills a variable of a service; empty where none does."""
    for name, credential in subject.catalogue.credentials.items():
        if any(consumer.service == service and variable in consumer.env for consumer in credential.services):
            return name
    return ""


def _next(subject: Subject, name: str, consumer: Consumer, number: int, kind: Kind) -> Iterator[Finding]:
    """A next value is for a cut of which the value is known before; elsewhere nobody would ever fill it."""
    service = subject.catalogue.services.get(consumer.service)
    place = ("mycoops_credentials", name, "consumers", number, "next")
    if consumer.next and not kind.overlap.known_ahead:
        two = (
            f"{kind.kind} is of class {kind.overlap}: old and new are valid side by side, so {consumer.service} needs no next value"
        )
        late = f"{kind.kind} is of class {kind.overlap}: the old value is dead before mycoops knows the next one"
        yield Finding(subject.at(*place), f"{name}: {two if kind.overlap.two_valid else late}", "Take next out.")
    for variable in consumer.next if service else ():
        if service and variable not in service.reads:
            fix = f"Add {variable} to reads of {consumer.service}, if it tries both values; else take next out."
            yield Finding(subject.at(*place, variable), f"{name}: {consumer.service} has no reader of {variable}", fix)


def _rivals(subject: Subject) -> Iterator[Finding]:
    """Two credentials, or two forms of one, for the same variable of the same file: only one of them would be written."""
    first: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for name, credential in subject.catalogue.credentials.items():
        uses = [(consumer.service, {**consumer.env, **consumer.next}) for consumer in credential.services]
        uses += [(service, credential.authority.accepts) for service in credential.authority.services]
        for service, env in uses:
            declared = subject.catalogue.services.get(service)
            for variable, form in env.items() if declared else ():
                place = (declared.host, declared.file_of(variable).path, variable) if declared else ("", "", "")
                other, its_form, its_service = first.setdefault(place, (name, form, service))
                if (other, its_form) != (name, form):
                    where = subject.at("mycoops_credentials", name)
                    problem = (
                        f"{variable} in {place[1]} on {place[0]} is set by {other} for {its_service} and by {name} for {service}"
                    )
                    yield Finding(where, problem, "One variable of one file, one credential and one form.")
