"""`mycoops provide`: takes a value a person brings, checks its shape, and encrypts it before anything else happens.

It is for a credential without a value, and for a rotation that waits for one. What replaces a value is `mycoops vault set`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mycoops import lease, stale
from mycoops.check_values import SHORTEST_VALUE
from mycoops.errors import ConfigurationError, WrongUsage
from mycoops.kinds import Kind
from mycoops.ledger import Standing
from mycoops.secret import Secret
from mycoops.session import Fleet
from mycoops.vault import Store


@dataclass(frozen=True, slots=True)
class Provided:
    """What was kept, and the command that goes on from here."""

    credential: str
    generation: int
    slot: str
    next: str


def provide(fleet: Fleet, credential: str, secret: Secret, *, slot: str = "") -> Provided:
    """Keep the first value of a credential, or the one an open rotation waits for.

    Raises ConfigurationError for an unknown credential, a value of the wrong shape, or one nobody waits for."""
    kind = kind_of(fleet, credential)
    refuse_shape(fleet, credential, secret)
    with lease.hold(fleet.settings.state, "provide"):
        store = fleet.store()
        stale.refuse(fleet)
        refuse_known(store, credential, secret)
        if store.meta(credential) is None:
            stale.refuse(fleet, store)
            return _first(store, credential, secret, kind, slot)
        return _awaited(fleet, store, credential, secret)


def kind_of(fleet: Fleet, credential: str) -> Kind:
    """The kind of a declared credential. Raises WrongUsage, and ConfigurationError where it is unknown."""
    declared = fleet.catalogue.credentials.get(credential)
    if declared is None:
        raise WrongUsage(f"unknown credential {credential}", hint=f"One of: {', '.join(fleet.catalogue.credentials)}.")
    if declared.kind not in fleet.kinds:
        raise ConfigurationError(f"{credential}: unknown kind {declared.kind}", hint="`mycoops check` names the place.")
    return fleet.kinds[declared.kind]


def refuse_shape(fleet: Fleet, credential: str, secret: Secret) -> None:
    """Raise ConfigurationError for a value that cannot be one of this kind; it does not show it."""
    kind = kind_of(fleet, credential)
    value, step = secret.reveal(), kind.step(fleet.catalogue.credentials[credential].authority.options)
    lines = kind.generates == "ed25519"
    if len(value) < SHORTEST_VALUE:
        raise ConfigurationError(f"{credential}: a value has at least {SHORTEST_VALUE} characters, this one {len(value)}")
    if not lines and not value.isprintable():
        raise ConfigurationError(f"{credential}: the value holds a control character or a line break", hint="Copy it again.")
    if lines and not value.startswith("-----BEGIN OPENSSH PRIVATE KEY-----"):
        raise ConfigurationError(f"{credential}: an OpenSSH private key is wanted", hint="Pipe the key file into the command.")
    if step and not value.startswith(step.prefix):
        raise ConfigurationError(f"{credential}: a value begins with {step.prefix}, this one does not", hint="Copy it again.")
    if step and step.length and len(value) != step.length:
        raise ConfigurationError(
            f"{credential}: a value has {step.length} characters, this one {len(value)}", hint="Copy it again."
        )


def refuse_known(store: Store, credential: str, secret: Secret) -> None:
    """Raise ConfigurationError for a value that the store keeps already, of whatever credential."""
    for name, generation, known in store.secrets():
        if known.same_as(secret):
            raise ConfigurationError(
                f"{credential}: this is the value of {name}, generation {generation}", hint="Bring a value of its own."
            )


def refuse_slot(credential: str, kind: Kind, slot: str) -> None:
    """Raise ConfigurationError for a slot that the kind does not have."""
    if slot and slot not in kind.slots:
        raise ConfigurationError(
            f"{credential}: {kind.kind} has no slot {slot}", hint=f"One of: {', '.join(kind.slots) or 'none'}."
        )


def _first(store: Store, credential: str, secret: Secret, kind: Kind, slot: str) -> Provided:
    refuse_slot(credential, kind, slot)
    if kind.slots and not (slot or kind.slots_optional):
        slots = " or ".join(f"--slot {name}" for name in kind.slots)
        raise WrongUsage(f"{credential}: say in which slot the value that you bring is in force", hint=f"Add {slots}.")
    used = slot
    store.add(credential, used, secret)
    return Provided(credential, 1, used, "mycoops check")


def _awaited(fleet: Fleet, store: Store, credential: str, secret: Secret) -> Provided:
    run, standing = _waiting(fleet, credential)
    number = max([standing.to_generation, *(kept + 1 for kept in store.pending(credential))])
    slot = next(entry["to_slot"] for entry in run if entry["credential"] == credential)
    store.put_pending(credential, number, slot, secret)
    return Provided(credential, number, slot, "mycoops resume")


def _waiting(fleet: Fleet, credential: str) -> tuple[list[dict[str, str]], Standing]:
    for run in fleet.runs().values():
        standing = run.rotations.get(credential)
        asked = f"mycoops provide {credential}"
        if standing and standing.open and asked in (standing.waiting.get("next"), standing.next_command):
            return run.plan["rotations"], standing
    hint = f"Rotate it: `mycoops rotate {credential}`. If it was replaced without mycoops: `mycoops vault set {credential}`."
    raise ConfigurationError(f"{credential} has a value, and no rotation waits for another", hint=hint)
