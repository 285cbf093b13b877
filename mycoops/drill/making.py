"""Makes a scripted world: first values in the store, at the authorities, in files and processes; and its plan."""

from __future__ import annotations

from collections.abc import Mapping

from mycoops.catalogue import Catalogue, Credential
from mycoops.delivery import Requests
from mycoops.drill.authorities import Authority, Grant, Logins, Single, Tokens
from mycoops.drill.faults import require
from mycoops.drill.hosts import Delivery, Machine
from mycoops.drill.world import World
from mycoops.kinds import Kind
from mycoops.plan import Held, Plan
from mycoops.planner import make
from mycoops.rotation.context import generations
from mycoops.secret import generate
from mycoops.values import resolve
from mycoops.vault import Store
from mycoops.vault_file import Meta

HOSTS = ("h1", "h2", "h3")


def first_values(catalogue: Catalogue, kinds: Mapping[str, Kind], store: Store) -> None:
    """Give every credential its first generation."""
    for name, declared in catalogue.credentials.items():
        kind = kinds[declared.kind]
        store.add(name, kind.next_slot(""), generate(kind.generates))


def fill(world: World) -> None:
    """Let authorities, hosts and the rotator hold the first values."""
    store = world.open_store()
    world.machines = {name: Machine(name) for name in HOSTS}
    for name, declared in world.catalogue.credentials.items():
        value = store.secret(name, 1).reveal()
        world.firsts.add(value)
        slot, kind = meta_of(store, name).slot, world.kinds[declared.kind]
        world.authorities[name] = {host: authority(kind, slot, declared, value) for host in declared.authority.all_hosts}
        world.places |= {(name, consumer.name): value for consumer in declared.outside}
        if any(consumer.rotator for consumer in declared.consumers):
            world.rotator[name] = 1
    _first_delivery(world, store)


def _first_delivery(world: World, store: Store) -> None:
    for name, service in world.catalogue.services.items():
        world.machines[service.host].processes[name] = {}
    found = generations(world.catalogue, store, [])
    requests = Requests(world.catalogue, world.kinds, found, 0).for_services(world.catalogue.services)
    for host, request in requests.items():
        done = Delivery(world.machines[host], resolve(request, store), lambda *_: "", lambda _: None).run(check=False)
        require("error" not in done, f"{host}: the first delivery fails: {done.get('error')}")
    for name, service in world.catalogue.services.items():
        if service.applies == "none" and service.env_file:
            machine = world.machines[service.host]
            machine.processes[name] = dict(machine.files[service.env_file.path])


def authority(kind: Kind, slot: str, declared: Credential, value: str) -> Authority:
    """An authority of this kind that accepts the first value."""
    if kind.slots:
        return Logins(names={kind.principal(declared.principal, slot): value})
    if kind.overlap.mutating:
        return Grant(value=value)
    if kind.overlap.one_slot:
        return Single(value=value)
    return Tokens(tokens={value: ""})


def plan(catalogue: Catalogue, kinds: Mapping[str, Kind], store: Store) -> Plan:
    """Rotate every credential."""
    metas = {name: meta_of(store, name) for name in catalogue.credentials}
    held = {name: Held(meta.generation, meta.slot, meta.generation) for name, meta in metas.items()}
    return make(catalogue, kinds, held, held, label="single", reason="a drill")


def meta_of(store: Store, credential: str) -> Meta:
    """What the store says of a credential that has a value."""
    meta = store.meta(credential)
    if meta is None:
        raise LookupError(f"{credential} has no value")
    return meta
