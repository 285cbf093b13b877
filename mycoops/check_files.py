"""Validates which file a value goes into, in what form, and how the program that reads it gets the new one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from mycoops import hostcode
from mycoops.check import Subject
from mycoops.errors import Finding
from mycoops.services import AnyFile, Service

NAMES = {
    "pgpass": "host:port:database:user, each with \\ before a : or \\ in it",
    "cifs": "username, password or domain",
    "mosquitto": "the name of a user",
    "pgbouncer": "the name of a user",
    "whole": "letters, digits and _; no digit first",
}
"""What an entry of each format is called."""


def files(subject: Subject) -> list[Finding]:
    """What is wrong with the files that services read."""
    found = [*_forms(subject), *_shared(subject), *_ports(subject)]
    for name, service in subject.catalogue.services.items():
        found += [*_reloads(subject, name, service), *_jobs(subject, name, service)]
    return found


def _shared(subject: Subject) -> Iterator[Finding]:
    """One path has one format, whoever declares it."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for name, service in subject.catalogue.services.items():
        for file in service.all_files:
            other, its = first.setdefault((service.host, file.path), (name, _format(file)))
            if its != _format(file):
                where = subject.at("mycoops_services", name, "files" if file in service.files else "env_file")
                problem = f"{file.path}: {other} and {name} declare different formats"
                yield Finding(where, problem, "One path, one format: mend the other.")


def _ports(subject: Subject) -> Iterator[Finding]:
    """A unit and a container that answer for their health on one port of one host: one of them was forgotten."""
    first: dict[tuple[str, str, int], tuple[str, bool]] = {}
    for name, service in subject.catalogue.services.items():
        if not service.health or service.job:
            continue
        url = urlsplit(service.health.url)
        place = (service.host, url.hostname or "", url.port or 0)
        other, unit = first.setdefault(place, (name, bool(service.unit)))
        if unit != bool(service.unit):
            where = subject.at("mycoops_services", name, "health")
            problem = f"port {url.port} of {service.host} is served by both a unit and a container: {other} and {name}"
            yield Finding(where, problem, "Take out the one that does not run any more, or mend the URL.")


def _format(file: AnyFile) -> str:
    return getattr(file, "format", "")


def _reloads(subject: Subject, name: str, service: Service) -> Iterator[Finding]:
    """A reload proves nothing by itself: the environment stays as it was, and what a file brought only an answer can show."""
    if service.env_file and service.env_file.reload:
        problem = f"{name}: the environment of a process does not change on a reload"
        fix = "Take reload out: it is restarted. If the program opens the file itself, put it under extra_env_files."
        yield Finding(subject.at("mycoops_services", name, "env_file"), problem, fix)
    for number, file in enumerate(service.files):
        if file.credential:
            problem = f"{name}: a copy that systemd hands over cannot be acknowledged on every host yet"
            fix = "Take credential out: let the program open the file itself, or use the role systemd_env."
            yield Finding(subject.at("mycoops_services", name, "files", number), problem, fix)
        if file.reload and not service.health:
            problem = f"{name}: nothing would tell whether a reload took what {file.path} holds"
            fix = "Declare health: an answer that fails where it did not; or take reload out."
            yield Finding(subject.at("mycoops_services", name, "files", number), problem, fix)
        if file.reload and not service.unit:
            problem = f"{name}: only a unit reloads"
            yield Finding(subject.at("mycoops_services", name, "files", number), problem, "Take reload out.")


def _jobs(subject: Subject, name: str, service: Service) -> Iterator[Finding]:
    if service.applies in ("next-run", "reload") and service.group and service.job:
        problem = f"{name}: a job is in no group: nothing of it is switched"
        yield Finding(subject.at("mycoops_services", name, "group"), problem, "Take group out.")


def _forms(subject: Subject) -> Iterator[Finding]:
    formats = hostcode.load("mycoops_formats")
    for name, credential in subject.catalogue.credentials.items():
        uses = [(one.service, variable, form) for one in credential.services for variable, form in {**one.env, **one.next}.items()]
        lists = credential.authority.accepts.items()
        uses += [(service, variable, form) for service in credential.authority.services for variable, form in lists]
        kind = subject.kinds.get(credential.kind)
        for service, variable, form in uses:
            declared = subject.catalogue.services.get(service)
            if declared:
                file = declared.file_of(variable)
                slots = bool(kind and kind.slots)
                if told := _wrong(formats, file, variable, form, slots):
                    yield Finding(subject.at("mycoops_credentials", name), f"{name}: {service}: {told[0]}", told[1])


def _wrong(formats: object, file: AnyFile, variable: str, form: str, slots: bool) -> tuple[str, str] | None:
    """What is wrong with one entry, and what to do; None if nothing is."""
    of = _format(file)
    if not formats.named(variable, [of] if of else []):  # type: ignore[attr-defined]
        if not of:
            return f"{variable!r} is not the name of a variable", "Letters, digits and _; no digit first."
        return f"{variable!r} is not an entry of {file.path} ({of})", f"Write {NAMES[of]}."
    if of == "pgpass" and slots and not re.search(r":\*\Z", variable):
        problem = f"{variable} names one login, and the login changes with each generation"
        return problem, "Write * for the user; who connects is said elsewhere, as in PGUSER."
    if of == "mosquitto" and form != "<value|mosquitto>":
        return f"{variable}: Mosquitto keeps hashes", "Write the form <value|mosquitto>."
    return None
