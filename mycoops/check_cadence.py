"""Says where declared cadences contradict the windows or each other; nothing of it stops a rotation."""

from __future__ import annotations

from collections.abc import Iterator

from mycoops.check import Subject
from mycoops.errors import Finding

DAY = 24 * 3600


def conflicts(subject: Subject) -> list[Finding]:
    """Every contradiction, each with what ends it."""
    found = []
    for name, credential in subject.catalogue.credentials.items():
        if cadence := credential.cadence_days:
            found += list(_one(subject, name, cadence))
    return [*found, *_shared_files(subject)]


def _one(subject: Subject, name: str, cadence: int) -> Iterator[Finding]:
    where = subject.at("mycoops_credentials", name, "cadence_days")
    fewest, most = subject.catalogue.fleet.windows.between()
    if cadence >= most:
        problem = f"{name}: a cadence of {cadence} days has no effect: the next window opens at most {most} days after the last"
        yield Finding(where, problem, "Take it out: the credential is due in every window.")
    elif cadence >= fewest:
        problem = f"{name}: a cadence of {cadence} days can end up to {most - cadence} days before the window it would be served by"
        yield Finding(where, problem, f"Take it out for once a quarter, or give less than {fewest} days.")
    if subject.catalogue.fleet.soak_seconds >= cadence * DAY:
        problem = f"{name}: a cadence of {cadence} days ends before the soak of its rotation does"
        yield Finding(where, problem, "Give a longer cadence, or a shorter soak_seconds.")


def _shared_files(subject: Subject) -> Iterator[Finding]:
    """An env file is written, and its services restarted, as often as its most frequent credential says."""
    cadences: dict[tuple[str, str], dict[int | None, str]] = {}
    for name, credential in subject.catalogue.credentials.items():
        uses = [(consumer.service, (*consumer.env, *consumer.next)) for consumer in credential.services]
        uses += [(service, tuple(credential.authority.accepts)) for service in credential.authority.services]
        for service, variables in uses:
            declared = subject.catalogue.services.get(service)
            for variable in variables if declared else ():
                place = (declared.host, declared.file_of(variable).path) if declared else ("", "")
                cadences.setdefault(place, {}).setdefault(credential.cadence_days, name)
    for (host, path), by in cadences.items():
        if len(by) > 1:
            told = ", ".join(f"{name} {_days(cadence)}" for cadence, name in by.items())
            first = next(name for cadence, name in by.items() if cadence)
            where = subject.at("mycoops_credentials", first, "cadence_days")
            yield Finding(
                where, f"{path} on {host} is shared at different cadences: {told}", "Give them one, or files of their own."
            )


def _days(cadence: int | None) -> str:
    return f"every {cadence} days" if cadence else "every window"
