"""Makes the plan of a quarter out of the declarations and what the store holds: every move in its order; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.checklist import CATEGORIES, ITEMS
from mycoops.kinds import Kind
from mycoops.model import FORWARD_ONLY, Verb
from mycoops.order import SEGMENTS, admins_of, host_order, segment_of, waves
from mycoops.plan import Held, Move, Plan, Restart, Rotation, digest

LISTS = (Verb.ACCEPT, Verb.DROP)
"""The moves in which a service is an authority."""


def make(
    catalogue: Catalogue, kinds: Mapping[str, Kind], held: Mapping[str, Held], chosen: Iterable[str], *, label: str, reason: str
) -> Plan:
    """Make the plan for the chosen credentials (those without a stored value are left to `check`)."""
    admins = admins_of(catalogue)
    found = (_rotation(name, catalogue, kinds, held[name], admins) for name in set(chosen))
    rotations = sorted(found, key=_place(catalogue))
    moves = _moves(rotations, catalogue, kinds)
    restarts = _restarts(moves, catalogue, kinds)
    human = tuple(step for rotation in rotations for step in _human(rotation, kinds[rotation.kind], catalogue))
    absent = _not_applicable(catalogue) if label[:4].isdigit() else ()
    plan = Plan(catalogue.fleet.name, label, reason, tuple(rotations), moves, restarts, human, absent)
    return Plan(**{**{name: getattr(plan, name) for name in Plan.__slots__}, "digest": digest(plan)})


def _place(catalogue: Catalogue) -> Any:
    place = {name: number for number, name in enumerate(catalogue.credentials)}
    return lambda rotation: (rotation.segment, place[rotation.credential])


def _rotation(name: str, catalogue: Catalogue, kinds: Mapping[str, Kind], held: Held, admins: frozenset[str]) -> Rotation:
    declared = catalogue.credentials[name]
    kind = kinds[declared.kind]
    slot = kind.next_slot(held.slot)
    return Rotation(
        credential=name,
        kind=declared.kind,
        overlap=kind.overlap,
        category=declared.category,
        from_generation=held.generation,
        to_generation=held.highest + 1,
        from_slot=held.slot,
        to_slot=slot,
        from_principal=kind.principal(declared.principal, held.slot),
        to_principal=kind.principal(declared.principal, slot),
        segment=segment_of(name, catalogue, kinds, admins),
        approval=catalogue.needs_approval(name),
    )


def _human(rotation: Rotation, kind: Kind, catalogue: Catalogue) -> Iterator[dict[str, str]]:
    """What a person has to do: make the new value, and end the old one where nobody else can."""
    if not rotation.overlap.needs_person:
        return
    step = kind.step(catalogue.credentials[rotation.credential].authority.options)
    page, what = (step.page, step.instruction) if step else ("", "make a new value in the provider's console")
    yield {"credential": rotation.credential, "page": page, "what": what}
    if kind.revoked_by == "person":
        page, what = (step.revoke_page or page, step.revoke_instruction) if step else ("", "")
        yield {"credential": rotation.credential, "page": page, "what": what or "end the old value"}


def _not_applicable(catalogue: Catalogue) -> tuple[dict[str, str], ...]:
    return tuple(
        {"credential": item, "category": CATEGORIES[ITEMS[item][0]], "item": ITEMS[item][1], "reason": reason}
        for item, reason in catalogue.mycoops_not_applicable.items()
    )


class _Moves:
    """Collects moves and numbers them."""

    def __init__(self) -> None:
        self.all: list[Move] = []

    def add(self, verb: Verb, rotations: Iterable[Rotation], services: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        names = tuple(rotation.credential for rotation in rotations)
        if names:
            number = f"{len(self.all) + 1:02d}-{verb}"
            self.all.append(Move(number, verb, names, tuple(services), tuple(hosts), verb in FORWARD_ONLY))


def _moves(rotations: list[Rotation], catalogue: Catalogue, kinds: Mapping[str, Kind]) -> tuple[Move, ...]:
    moves = _Moves()
    moves.add(Verb.PREFLIGHT, rotations)
    for segment in range(len(SEGMENTS)):
        _segment(moves, [rotation for rotation in rotations if rotation.segment == segment], catalogue, kinds)
    moves.add(Verb.CLOSE, rotations)
    return tuple(moves.all)


def _segment(moves: _Moves, part: list[Rotation], catalogue: Catalogue, kinds: Mapping[str, Kind]) -> None:
    mutating, everything = [rotation for rotation in part if rotation.overlap.mutating], part
    part = [rotation for rotation in part if not rotation.overlap.mutating]
    two = [rotation for rotation in part if not rotation.overlap.one_slot]
    one = [rotation for rotation in part if rotation.overlap.one_slot]
    listed = [rotation for rotation in two if kinds[rotation.kind].accepts_by == "delivery"]
    direct = [rotation for rotation in two if kinds[rotation.kind].accepts_by != "delivery"]
    moves.add(Verb.REFRESH, mutating)
    _releases(moves, mutating, catalogue)
    moves.add(Verb.MINT, part)
    for service, users in _authority_services(listed, catalogue):
        moves.add(Verb.ACCEPT, users, [service], [catalogue.services[service].host])
    moves.add(Verb.VERIFY, part)
    moves.add(Verb.STAGE, part)
    _next_values(moves, one, catalogue)
    cut = {name for rotation in one for name in _services(rotation, catalogue)}
    _switches(moves, part, catalogue, without=cut)
    moves.add(Verb.CUTOVER, one)
    _switches(moves, part, catalogue, only=cut)
    moves.add(Verb.SOAK, part)
    moves.add(Verb.PROMOTE, part)
    moves.add(Verb.REVOKE, direct)
    for service, users in _authority_services(listed, catalogue):
        moves.add(Verb.DROP, users, [service], [catalogue.services[service].host])
    moves.add(Verb.PROVE, everything)


def _next_values(moves: _Moves, one: list[Rotation], catalogue: Catalogue) -> None:
    """Before a cut, whoever tries two values is given the next one: wave by wave, as in a switch."""
    users: dict[str, list[Rotation]] = {}
    for rotation in one:
        for service in catalogue.credentials[rotation.credential].ahead if rotation.overlap.known_ahead else ():
            users.setdefault(service, []).append(rotation)
    for wave, services, involved in _by_wave(users, one, catalogue):
        moves.add(Verb.STAGE, involved, services, wave)


def _by_wave(
    users: Mapping[str, list[Rotation]], part: list[Rotation], catalogue: Catalogue
) -> Iterator[tuple[tuple[str, ...], list[str], list[Rotation]]]:
    """The waves of the hosts of these services; for each its services and who they use, both in the order they came in."""
    first = {service: number for number, service in enumerate(users)}
    place = {rotation.credential: number for number, rotation in enumerate(part)}
    on: dict[str, list[str]] = {}
    for service in users:
        on.setdefault(catalogue.services[service].host, []).append(service)
    for wave in waves(catalogue, users):
        services = sorted((service for host in wave for service in on[host]), key=first.__getitem__)
        involved = {place[rotation.credential]: rotation for service in services for rotation in users[service]}
        yield wave, services, [involved[number] for number in sorted(involved)]


def _services(rotation: Rotation, catalogue: Catalogue) -> list[str]:
    return [consumer.service for consumer in catalogue.credentials[rotation.credential].services]


def _authority_services(listed: list[Rotation], catalogue: Catalogue) -> list[tuple[str, list[Rotation]]]:
    users: dict[str, list[Rotation]] = {}
    for rotation in listed:
        for service in catalogue.credentials[rotation.credential].authority.services:
            users.setdefault(service, []).append(rotation)
    hosts = host_order(catalogue, (catalogue.services[service].host for service in users))
    place = {host: number for number, host in enumerate(hosts)}
    return sorted(users.items(), key=lambda pair: (place[catalogue.services[pair[0]].host], pair[0]))


def _switches(
    moves: _Moves, part: list[Rotation], catalogue: Catalogue, *, without: set[str] | None = None, only: set[str] | None = None
) -> None:
    users: dict[str, list[Rotation]] = {}
    for rotation in part:
        for service in _services(rotation, catalogue):
            if service not in (without or set()) and (only is None or service in only):
                users.setdefault(service, []).append(rotation)
    for wave, services, involved in _by_wave(users, part, catalogue):
        moves.add(Verb.SWITCH, involved, services, wave)
    beyond = [rotation for rotation in part if any(not c.service for c in catalogue.credentials[rotation.credential].consumers)]
    if without is not None:
        moves.add(Verb.SWITCH, [r for r in beyond if not r.overlap.one_slot])
    elif only is not None:
        moves.add(Verb.SWITCH, [r for r in beyond if r.overlap.one_slot])


def _releases(moves: _Moves, mutating: list[Rotation], catalogue: Catalogue) -> None:
    services = dict.fromkeys(name for rotation in mutating for name in _services(rotation, catalogue))
    for wave in waves(catalogue, services) or [()]:
        here = [service for service in services if catalogue.services[service].host in wave]
        users = [r for r in mutating if not services or set(_services(r, catalogue)) & set(here)]
        moves.add(Verb.RELEASE, users, here, wave)
    moves.add(Verb.RELEASE, [r for r in mutating if services and not _services(r, catalogue)])


WORDS = {Verb.ACCEPT: "accept", Verb.STAGE: "next value", Verb.SWITCH: "switch", Verb.DROP: "drop", Verb.RELEASE: "release"}
"""What brings files to services, in the words of the plan's reasons."""


def _restarts(moves: tuple[Move, ...], catalogue: Catalogue, kinds: Mapping[str, Kind]) -> tuple[Restart, ...]:
    restarts: dict[str, list[str]] = {}
    reloads: dict[str, int] = {}
    for move in moves:
        for name in move.services if move.verb in WORDS else ():
            if catalogue.services[name].applies == "next-run":
                continue
            brought = {c: _variables(move.verb, name, c, catalogue) for c in move.credentials}
            service, given = catalogue.services[name], [variable for group in brought.values() for variable in group]
            if service.job or all(service.file_of(variable).reload for variable in given):
                reloads[name] = reloads.get(name, 0) + 1
                continue
            restarts.setdefault(name, []).append(f"{WORDS[move.verb]}: {', '.join(c for c, group in brought.items() if group)}")
    names = [name for name in catalogue.services if name in restarts or name in reloads]
    return tuple(
        Restart(
            name, catalogue.services[name].host, len(restarts.get(name, [])), reloads.get(name, 0), tuple(restarts.get(name, []))
        )
        for name in names
    )


def _variables(verb: Verb, service: str, credential: str, catalogue: Catalogue) -> list[str]:
    """The variables of a credential that a move of this verb changes for a service."""
    declared = catalogue.credentials[credential]
    if verb in LISTS:
        return list(declared.authority.accepts) if service in declared.authority.services else []
    mine = [consumer for consumer in declared.services if consumer.service == service]
    return [name for consumer in mine for name in (consumer.next if verb is Verb.STAGE else (*consumer.env, *consumer.next))]
