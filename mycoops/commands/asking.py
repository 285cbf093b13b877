"""`mycoops status --ask`: every authority that can tell is asked who still tries a retired credential, in one start."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mycoops import inventory, sightings
from mycoops.commands import leaking
from mycoops.commands.checking import refuse
from mycoops.commands.looking import retired
from mycoops.errors import StepFailed
from mycoops.items import Items
from mycoops.model import Item, Reply
from mycoops.plan import Rotation
from mycoops.retired import Retired
from mycoops.rotation.replies import explain
from mycoops.runner import Outcome
from mycoops.session import Fleet, Notify, Session, open_session
from mycoops.sightings import Sighting

ENTRY = "sightings"


@dataclass(frozen=True, slots=True)
class Asked:
    """The credentials whose authorities were asked, and why some of them did not answer."""

    credentials: tuple[str, ...]
    problems: dict[str, str]
    missed: tuple[str, ...] = ()
    """What was not searched for leaks."""

    @property
    def error(self) -> StepFailed | None:
        """What to raise after everything is shown: silence of an authority is not the same as nobody having tried."""
        lines = [f"{name}: {problem}" for name, problem in self.problems.items()]
        found = ["not every authority told who tries an old value", *lines] if lines else []
        found += [f"not searched for leaks: {'; '.join(self.missed)}"] if self.missed else []
        return StepFailed("\n".join(found), hint="Mend that, and ask again.") if found else None


def ask(fleet: Fleet, notify: Notify) -> Asked:
    """Ask, search for leaks, and keep the answers in the state directory; what could not be asked keeps what was known of it.

    Raises Leaked where a value was found in what came back."""
    refuse(fleet)
    targets = retired(fleet)
    if not targets:
        return Asked((), {})
    with open_session(fleet, notify) as session:
        items = {one.credential: _items(session, one) for one in targets}
        answers = session.performer.carry_out([item for group in items.values() for item in group], scan=True)
        searched = session.scan()
        leaks = list(dict.fromkeys([*answers.leaks, *searched.leaks]))
        leaking.listen(session, leaks)
    problems = {name: problem for name, group in items.items() if (problem := explain(answers, group))}
    _keep(fleet, targets, items, answers, problems)
    unwritten = leaking.recorded(fleet, leaks, "status --ask")
    if found := leaking.failure(fleet, leaks, error=unwritten):
        raise found
    return Asked(tuple(items), problems, tuple(searched.missed.values()))


def _items(session: Session, one: Retired) -> list[Item]:
    """The calls for one retired principal: it is the `previous` one, beside the one in force."""
    fleet, store = session.fleet, session.store
    builder = Items(fleet.catalogue, fleet.kinds, ENTRY).admins(store.meta)
    declared, meta = fleet.catalogue.credentials[one.credential], store.meta(one.credential)
    kind, slot = fleet.kinds[declared.kind], meta.slot if meta else ""
    rotation = Rotation(
        credential=one.credential,
        kind=declared.kind,
        overlap=kind.overlap,
        category=declared.category,
        from_generation=one.generation,
        to_generation=meta.generation if meta else 0,
        from_slot="",
        to_slot=slot,
        from_principal=one.principal,
        to_principal=kind.principal(declared.principal, slot),
        segment=0,
    )
    since = datetime.fromisoformat(one.since).timestamp()
    hosts = _names(inventory.addresses(fleet.settings.fleet))
    more = {"since": since, "hosts": hosts}
    return [replace(item, body={**item.body, **more}) for item in builder.entry(rotation, ENTRY)]


def _names(addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """What each host may be called from another one: its name, and the address ssh uses unless that is this machine's own."""
    return {host: list(dict.fromkeys([host, *([] if _own(address) else [address])])) for host, address in addresses.items()}


def _own(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address in ("", "localhost")


def _keep(
    fleet: Fleet, targets: list[Retired], items: Mapping[str, list[Item]], answers: Outcome, problems: Mapping[str, str]
) -> None:
    known, now = sightings.load(fleet.settings.state), sightings.instant(datetime.now(UTC).timestamp())
    found = []
    for one in targets:
        if one.credential not in problems:
            told = [sighting for item in items[one.credential] for sighting in _told(answers.of(item.id))]
            found.append(sightings.add(known, one, told, now))
        elif before := sightings.of(known, one):
            found.append(before)
    sightings.save(fleet.settings.state, found)


def _told(reply: Reply | None) -> list[Sighting]:
    return [_sighting(one) for one in (reply.data.get("sightings") or [] if reply else [])]


def _sighting(data: Mapping[str, Any]) -> Sighting:
    first, last = (sightings.instant(float(data[name])) for name in ("first", "last"))
    return Sighting(str(data["address"]), str(data.get("host") or ""), first, last, int(data["count"]))
