"""`mycoops lab`: boots the fleet's containers and makes their authorities accept what the vault holds."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable

from mycoops import agent, durable, lab, lab_marker, rundir, stale
from mycoops.commands import seeding
from mycoops.errors import ConfigurationError, LabError
from mycoops.items import Items
from mycoops.model import Item
from mycoops.plan import Rotation
from mycoops.rotation.replies import explain
from mycoops.secret import generate
from mycoops.session import Fleet, Notify, open_session
from mycoops.settings import password_path
from mycoops.values import DERIVE
from mycoops.vault import Store

Progress = Callable[[str], None]


def up(fleet: Fleet, progress: Progress, notify: Notify) -> lab.LabReport:
    """Boot the lab; on fresh hosts every authority is made to accept the vault's current generations, and providers make theirs."""
    _password(fleet)
    store = fleet.store()
    if not store.metas():
        lab.down(fleet.settings.fleet, progress=progress)
        stale.forget(fleet)
    made = _first_values(fleet, store)
    if made:
        progress(f"made {len(made)} first values, encrypted into the vault")
    report = lab.up(
        fleet.settings.fleet,
        progress=progress,
        deploy_public_key=_public_key(fleet, store),
        known_hosts=fleet.settings.known_hosts,
    )
    if seeded := seeding.seed(fleet, store):
        progress(f"made {len(seeded)} values at the consoles of the lab's providers, encrypted into the vault")
    known = lab_marker.marked(fleet.settings.fleet)
    if new := made if known else list(fleet.catalogue.credentials):
        progress("making the authorities accept the vault's values")
        _bootstrap(fleet, store, notify, new)
        lab_marker.mark(fleet.settings.fleet)
    return report


def down(fleet: Fleet, progress: Progress, *, forget: bool) -> None:
    """Remove the lab's containers; with `forget` also the values and journals that mean nothing without them."""
    lab.down(fleet.settings.fleet, progress=progress)
    if forget:
        for name in ("pending", "journal", "docs"):
            shutil.rmtree(fleet.settings.fleet / name, ignore_errors=True)
        durable.remove(fleet.settings.fleet / "group_vars" / "all" / "vault.yml")
        stale.forget(fleet)


def _password(fleet: Fleet) -> None:
    declared = fleet.catalogue.fleet.vault_password
    if not declared.file:
        raise LabError("the lab makes its own vault password", hint="Declare vault_password: {file: vault-password} for it.")
    path = password_path(declared.file, fleet.settings)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        durable.replace(path, secrets.token_urlsafe(32).encode())


def _first_values(fleet: Fleet, store: Store) -> list[str]:
    elsewhere = seeding.cases(fleet)
    missing = [name for name in fleet.catalogue.credentials if store.meta(name) is None and name not in elsewhere]
    for name in missing:
        kind = fleet.kinds[fleet.catalogue.credentials[name].kind]
        store.add(name, kind.next_slot(""), generate(kind.generates))
    return missing


def _public_key(fleet: Fleet, store: Store) -> str:
    for name, declared in fleet.catalogue.credentials.items():
        meta = store.meta(name)
        if meta and fleet.kinds[declared.kind].generates == "ed25519":
            line = DERIVE["public_key"](store.secret(name, meta.generation).reveal())
            return f"{line} mycoops/{name}/g{meta.generation}"
    raise LabError(
        "the lab's catalogue declares no ssh key", hint="Declare a credential of kind ssh_key with the rotator as consumer."
    )


def _bootstrap(fleet: Fleet, store: Store, notify: Notify, new: list[str]) -> None:
    if any(run.open for run in fleet.runs().values()):
        raise ConfigurationError("a rotation is open, but the lab's hosts are new", hint="Start over: `mycoops lab down --forget`.")
    admins = {declared.authority.admin for declared in fleet.catalogue.credentials.values()} - {"", *seeding.cases(fleet)}
    for name in admins & set(new):
        meta = store.meta(name)
        lab.set_redis_admin_hash(
            fleet.settings.fleet, DERIVE["sha256"](store.secret(name, meta.generation if meta else 1).reveal())
        )
    with open_session(fleet, notify) as session:
        items = _activations(fleet, store, new)
        answers = session.performer.carry_out(items)
        if problem := explain(answers, items):
            raise LabError(f"an authority of the lab does not take its first value: {problem}")


def _activations(fleet: Fleet, store: Store, new: list[str]) -> list[Item]:
    """The mint (or, with one slot, the cut) of the current generation of each of these, as if it were the candidate."""
    builder = Items(fleet.catalogue, fleet.kinds, "lab").admins(store.meta)
    elsewhere = seeding.cases(fleet)
    items: list[Item] = []
    for name, declared in fleet.catalogue.credentials.items():
        kind, meta = fleet.kinds[declared.kind], store.meta(name)
        if name not in new or name in elsewhere or meta is None or kind.accepts_by != "role" or kind.generates == "ed25519":
            continue
        principal = kind.principal(declared.principal, meta.slot)
        same = (meta.generation, meta.generation, meta.slot, meta.slot, principal, principal)
        rotation = Rotation(name, declared.kind, kind.overlap, declared.category, *same, 0)
        for entry in ("stage", "cutover", "confirm") if kind.overlap.one_slot else ("mint",):
            items += builder.entry(rotation, entry)
    return items


def ssh(fleet: Fleet, host: str, run: Callable[[list[str], dict[str, str]], int]) -> int:
    """Run ssh to a host of the lab with the rotator's key, held by an agent for as long as it lasts; returns its status."""
    store = fleet.store()
    argv = lab.ssh_argv(fleet.settings.fleet, host, known_hosts=fleet.settings.known_hosts)
    for name, declared in fleet.catalogue.credentials.items():
        meta = store.meta(name)
        if meta and fleet.kinds[declared.kind].generates == "ed25519":
            with rundir.private() as directory, agent.running(directory) as held:
                held.load(store.secret(name, meta.generation))
                return run(argv, {"SSH_AUTH_SOCK": str(held.socket)})
    return run(argv, {})
