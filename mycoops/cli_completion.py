"""What the shell offers for an argument; where a fleet cannot be read, it offers nothing and says nothing."""

from __future__ import annotations

import typer

from mycoops import inventory
from mycoops.checklist import QUARTER_MONTH
from mycoops.errors import MycoopsError
from mycoops.model import Overlap
from mycoops.rotation.by_hand import confirmation
from mycoops.session import open_fleet


def credential(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Credential ids of the fleet that the command line names, each with its kind; none that is there already."""
    given = [name for key in ("credentials", "only") for name in context.params.get(key) or ()]
    try:
        declared = open_fleet(context.params.get("fleet")).catalogue.credentials
    except MycoopsError:
        return []
    return [(name, one.kind) for name, one in declared.items() if name.startswith(incomplete) and name not in given]


def unconfirmed(context: typer.Context, incomplete: str) -> list[str]:
    """Credentials whose old value a person has to end."""
    try:
        runs = open_fleet(context.params.get("fleet")).runs().values()
    except MycoopsError:
        return []
    found = [name for run in runs for name, one in run.rotations.items() if one.waiting.get("next") == confirmation(name)]
    return sorted(name for name in found if name.startswith(incomplete))


def digest(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Digests of the plans that wait for an approval, each with its label."""
    try:
        runs = open_fleet(context.params.get("fleet")).runs().values()
    except MycoopsError:
        return []
    waiting = [run.plan for run in runs if any(map(run.lacks_approval, run.rotations))]
    return [(plan["digest"], plan["label"]) for plan in waiting if plan["digest"].startswith(incomplete)]


def host(context: typer.Context, incomplete: str) -> list[str]:
    """Hosts of the fleet's inventory."""
    try:
        known = inventory.hosts(open_fleet(context.params.get("fleet")).settings.fleet)
    except MycoopsError:
        return []
    return sorted(name for name in known if name.startswith(incomplete))


def service_host(context: typer.Context, incomplete: str) -> list[str]:
    """Hosts that run a service, which are those that can be deployed to."""
    try:
        services = open_fleet(context.params.get("fleet")).catalogue.services.values()
    except MycoopsError:
        return []
    return sorted({service.host for service in services if service.host.startswith(incomplete)})


def slot(context: typer.Context, incomplete: str) -> list[str]:
    """Slots of the kind of the credential that the command line names."""
    try:
        opened = open_fleet(context.params.get("fleet"))
    except MycoopsError:
        return []
    # An option that has no value yet ends the parsing before words have got their names.
    named = context.params.get("credential") or next(iter(context.args), "")
    declared = opened.catalogue.credentials.get(named)
    kind = opened.kinds.get(declared.kind) if declared else None
    return [name for name in (kind.slots if kind else ()) if name.startswith(incomplete)]


def overlap(context: typer.Context, incomplete: str) -> list[str]:
    """Overlap classes; none that is there already."""
    given = context.params.get("overlap") or ()
    return [str(name) for name in Overlap if name.startswith(incomplete) and name not in given]


def depth(incomplete: str) -> list[str]:
    """How often a drill kills."""
    return [number for number in ("1", "2") if number.startswith(incomplete)]


def quarter(incomplete: str) -> list[str]:
    """Q1 to Q4, in the case they are typed in."""
    names = [name.lower() if incomplete[:1].islower() else name for name in QUARTER_MONTH]
    return [name for name in names if name.startswith(incomplete)]


def outside(context: typer.Context, incomplete: str) -> list[str]:
    """The consumers outside the hosts of the credential that stands before."""
    try:
        declared = open_fleet(context.params.get("fleet")).catalogue.credentials.get(context.params.get("credential") or "")
    except MycoopsError:
        return []
    return [one.name for one in declared.outside if one.name.startswith(incomplete)] if declared else []


def developer(context: typer.Context, incomplete: str) -> list[str]:
    """Everybody who is declared as a developer."""
    try:
        declared = open_fleet(context.params.get("fleet")).catalogue.credentials.values()
    except MycoopsError:
        return []
    return sorted({c.developer for one in declared for c in one.outside if c.developer and c.developer.startswith(incomplete)})
