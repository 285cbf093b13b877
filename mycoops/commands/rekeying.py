"""`mycoops vault rekey`: the whole store under another password, in one step that is made or not, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mycoops import durable, lease, settings, stale, vault_switch
from mycoops.check_values import SHORTEST_VALUE
from mycoops.commands.rendering import opened_for_nothing, render_log
from mycoops.errors import ConfigurationError, VaultError
from mycoops.journal import Journal
from mycoops.session import Fleet
from mycoops.vault import Store, password_secrets, vault_path
from mycoops.vault_file import parse

CIPHERTEXT = b"$ANSIBLE_VAULT;"


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """How much is under the new password now; `changed` is false where everything was before."""

    values: int
    files: int
    changed: bool
    source: str
    left: tuple[str, ...]
    """Ciphertext in the fleet directory that is not mycoops' own, and still under the old password."""
    next: str


def cut_off(fleet: Fleet) -> bool:
    """Whether an earlier change of the password is decided and not at its end: that needs no password."""
    return vault_switch.decided(fleet.settings.fleet)


def finish(fleet: Fleet) -> Rekeyed:
    """Bring a change of the password that was cut off to its end; raises NotWritten."""
    with lease.hold(fleet.settings.state, "vault rekey"):
        _finish(fleet)
        store = fleet.facts()
        return _told(fleet, store, {vault_path(fleet.settings.fleet), *store.files()}, changed=True)


def rekey(fleet: Fleet, new: str) -> Rekeyed:
    """Put every value under the password `new`, and the password into its file where the catalogue names one.

    Until the decision nothing is changed, and whatever raises before it leaves nothing behind. Raises VaultError for a value that
    does not open, NotWritten, and ConfigurationError for a password that is too short."""
    refuse_weak(new)
    with lease.hold(fleet.settings.state, "vault rekey") as token:
        if cut_off(fleet):
            _finish(fleet)
        vault_switch.discard(fleet.settings.fleet, fleet.password_path())
        store, files = _under(fleet, new)
        if not files:
            _right_file(fleet, new)
            return _told(fleet, store, set(store.files()), changed=False)
        stale.refuse(fleet, store)
        try:
            vault_switch.prepare({path: made for path, (_, made) in files.items()}, fleet.password_path(), new.encode())
            _refuse_change(store, files)
            _decide(fleet, token, len(files), _values(store))
        except BaseException:
            _take_back(fleet)
            raise
        _finish(fleet)
        return _told(fleet, store, set(files), changed=True)


def refuse_weak(password: str) -> None:
    """Raise ConfigurationError for a password that is short, or not one line."""
    if len(password) < SHORTEST_VALUE or not password.isprintable() or password != password.strip():
        problem = f"a vault password is one line of at least {SHORTEST_VALUE} characters, without space around it"
        raise ConfigurationError(problem, hint="Let a machine make it.")


def _under(fleet: Fleet, new: str) -> tuple[Store, dict[Path, tuple[bytes, bytes]]]:
    """The store, and its files as they are and as they will be; no files where they are under the new password already."""
    old, where = fleet.password(), fleet.settings.fleet
    after = Store.open(where, password_secrets(new))
    if hmac.compare_digest(old.encode(), new.encode()):
        list(after.secrets())
        return after, {}
    store = Store.open(where, password_secrets(old))
    try:
        return store, store.under(password_secrets(new))
    except VaultError:
        if _opens(after):
            return after, {}
        raise


def _right_file(fleet: Fleet, password: str) -> None:
    """The store is under this password; a file that holds another one, as from a backup, holds it too from now on."""
    path = fleet.password_path()
    if path and fleet.password() != password:
        durable.replace(path.resolve(), password.encode())


def _opens(store: Store) -> bool:
    try:
        return bool(list(store.secrets()))
    except VaultError:
        return False


def _refuse_change(store: Store, files: dict[Path, tuple[bytes, bytes]]) -> None:
    changed = [path for path, (before, _) in files.items() if not path.exists() or path.read_bytes() != before]
    changed += [path for path in store.files() if path not in files]
    if changed:
        raise VaultError(f"{changed[0]} was changed by someone else meanwhile; nothing was done", hint="Run the command again.")


def _decide(fleet: Fleet, token: int, files: int, values: int) -> None:
    """Record it, then make it so: from here on the new password is in force."""
    written = opened_for_nothing(fleet, "vault rekey", "the password of the vault was changed", token)
    written.write("rekeyed", values=values, files=files)
    vault_switch.decide(fleet.settings.fleet, written.path.name)


def _take_back(fleet: Fleet) -> None:
    """Leave nothing behind of what was not decided; whatever cannot be removed now goes with the next attempt."""
    if not cut_off(fleet):
        with contextlib.suppress(ConfigurationError):
            vault_switch.discard(fleet.settings.fleet, fleet.password_path())


def _finish(fleet: Fleet) -> None:
    """All that follows from the decision; what stands for it goes last, so that whatever is cut off is done again."""
    where, name = fleet.settings.fleet, vault_switch.journal(fleet.settings.fleet)
    vault_switch.settle(where, fleet.password_path())
    path = fleet.settings.journals / name
    if name and path.exists():
        written = Journal(path, settings.install_key(fleet.settings))
        if not any(record["event"] == "finished" for record in written.records):
            written.write("finished")
    render_log(fleet)
    stale.remember(fleet)
    vault_switch.end(where)


def _told(fleet: Fleet, store: Store, files: set[Path], *, changed: bool) -> Rekeyed:
    declared = fleet.catalogue.fleet.vault_password
    source = "file" if declared.file else "script" if declared.script else "prompt"
    following = {
        "file": "mycoops check",
        "script": f"let {declared.script} print the new password, then `mycoops check`",
        "prompt": "type the new password from now on: `mycoops check`",
    }
    return Rekeyed(_values(store), len(files), changed, source, tuple(_strange(fleet.settings.fleet, files)), following[source])


def _values(store: Store) -> int:
    return len({*store.kept(), *((meta.credential, meta.generation) for meta in store.metas())})


def _strange(fleet: Path, own: set[Path]) -> Iterator[str]:
    """Where ciphertext stands that the store does not know: Ansible would read it with the password that it is given now."""
    for path in sorted(fleet.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(fleet).parts)
        if hidden or not path.is_file() or (path in own and path != vault_path(fleet)):
            continue
        try:
            content = path.read_bytes()
        except OSError:
            continue  # Ansible could not read it either
        if CIPHERTEXT not in content:
            continue
        known = parse(path, content.decode()).values() if path in own else ()
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip().startswith(CIPHERTEXT) and not any(entry.line <= number <= entry.end for entry in known):
                yield f"{path}:{number}"
