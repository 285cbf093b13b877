"""`mycoops vault set` and `vault edit`: a person makes another value the current generation; the one before it is kept.

It is for what was replaced without mycoops, or was wrong from the beginning. The first value, and the one that a rotation waits
for, come by `provide`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mycoops import editor, lease, settings, stale
from mycoops.commands import planning
from mycoops.commands.providing import kind_of, refuse_known, refuse_shape, refuse_slot
from mycoops.commands.rendering import concluded, opened_for_nothing, render_log
from mycoops.commands.rotating import refuse_open
from mycoops.errors import ConfigurationError
from mycoops.journal import Journal
from mycoops.secret import Secret, fingerprint
from mycoops.session import Fleet
from mycoops.vault import Store
from mycoops.vault_file import Meta


@dataclass(frozen=True, slots=True)
class Replaced:
    """What is current now, whether anything was written, and the command that goes on from here."""

    credential: str
    generation: int
    slot: str
    changed: bool
    next: str


@dataclass(frozen=True, slots=True)
class _Desk:
    """The store under the lease, and the generation that is about to be replaced."""

    fleet: Fleet
    store: Store
    token: int
    before: Meta

    def put(self, secret: Secret, slot: str, reason: str) -> Replaced:
        """Record it, then write it."""
        name, fleet, before = self.before.credential, self.fleet, self.before
        kind = kind_of(fleet, name)
        refuse_shape(fleet, name, secret)
        refuse_slot(name, kind, slot)
        slot = slot or before.slot
        if slot == before.slot and self.store.secret(name, before.generation).same_as(secret):
            _told(fleet, name, before.generation)
            return Replaced(name, before.generation, slot, changed=False, next="")
        refuse_known(self.store, name, secret)
        number = planning.held(fleet, self.store)[name].highest + 1
        written = opened_for_nothing(fleet, "vault set", reason or "a value was set by hand", self.token)
        named = fingerprint(settings.install_key(fleet.settings), name, secret)
        written.write("set", credential=name, generation=number, from_generation=before.generation, slot=slot, fingerprint=named)
        self.store.supersede(name, number, slot, secret)
        concluded(fleet, written)
        return Replaced(name, number, slot, changed=True, next=_following(fleet, name))


def put(fleet: Fleet, credential: str, secret: Secret, *, slot: str = "", reason: str = "") -> Replaced:
    """Make a value the current generation of a credential that has one; the value that it has already changes nothing.

    Raises ConfigurationError for a value of the wrong shape or that is kept already, and where a rotation of it is open."""
    refuse_shape(fleet, credential, secret)
    with _desk(fleet, credential, "vault set") as desk:
        return desk.put(secret, slot, reason)


def edit(fleet: Fleet, credential: str, *, reason: str = "") -> Replaced:
    """Let a person change the value in an editor, under the lease; raises what `put` raises, before the editor is opened where
    it can."""
    kind_of(fleet, credential)
    with _desk(fleet, credential, "vault edit") as desk:
        return desk.put(editor.edited(credential, desk.store.secret(credential, desk.before.generation)), "", reason)


@contextmanager
def _desk(fleet: Fleet, credential: str, command: str) -> Iterator[_Desk]:
    with lease.hold(fleet.settings.state, command) as token:
        store = fleet.store()
        stale.refuse(fleet, store)
        refuse_open(fleet, [credential])
        before = store.meta(credential)
        if before is None:
            hint = f"Bring its first one: `{fleet.bring(credential)}`."
            raise ConfigurationError(f"{credential} has no value in the vault", hint=hint)
        yield _Desk(fleet, store, token, before)


def _told(fleet: Fleet, credential: str, generation: int) -> None:
    """Where this value was set by a process that was killed just after it, bring its evidence to an end."""
    for path, run in fleet.runs().items():
        if (credential, generation) in [(record.get("credential"), record.get("generation")) for record in run.hands]:
            if not run.finished:
                Journal(path, settings.install_key(fleet.settings)).write("finished")
            render_log(fleet)
            stale.remember(fleet)


def _following(fleet: Fleet, credential: str) -> str:
    declared = fleet.catalogue.credentials[credential]
    delivered = any(consumer.service for consumer in declared.consumers) or declared.authority.services
    return f"mycoops redeploy {credential}" if delivered else "mycoops check"
