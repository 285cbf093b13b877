"""The store of values: the vault file with the current generations, and encrypted pending files beside it.

The one module that imports Ansible's vault. Nothing is ever written in clear, and a write changes one entry only;
another password changes all of them, but not here: `vault_switch` brings them to their places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

from mycoops import durable, vault_switch
from mycoops.errors import VaultError
from mycoops.secret import Secret
from mycoops.vault_file import HEADER, ROOT_KEY, Meta, block, parse, resealed, text_of

WRONG = "Is this the right vault password? After `mycoops vault rekey` it is the new one."


def password_secrets(password: str) -> list[tuple[str, VaultSecret]]:
    """Wrap the vault password as VaultLib wants it."""
    return [("default", VaultSecret(password.strip().encode()))]


def vault_path(fleet: Path) -> Path:
    """Where the vault file of a fleet directory lies."""
    return fleet / "group_vars" / "all" / "vault.yml"


class Store:
    """Values by credential and generation. Reads the file when opened and after each write of its own."""

    def __init__(self, fleet: Path, secrets: Sequence[tuple[str, Any]]) -> None:
        self._fleet = fleet
        self._path = vault_path(fleet)
        self._pending = fleet / "pending"
        self._vault = VaultLib(secrets)
        self._cache: dict[tuple[str, int], Secret] = {}
        self._load()

    @classmethod
    def open(cls, fleet: Path, secrets: Sequence[tuple[str, Any]]) -> Store:
        """Open the store of a fleet directory. Raises VaultError, naming file and line, if it cannot be parsed."""
        return cls(Path(fleet), secrets)

    def _load(self) -> None:
        self._text = text_of(self._path, vault_switch.read(self._fleet, self._path)) if self._path.exists() else HEADER
        self._entries = parse(self._path, self._text)

    # reading

    def meta(self, credential: str) -> Meta | None:
        """The current generation of a credential, or None if the vault has none."""
        entry = self._entries.get(credential)
        return entry.meta if entry else None

    def metas(self) -> list[Meta]:
        """All current generations, in the order of the file."""
        return [entry.meta for entry in self._entries.values()]

    def place(self, credential: str) -> str:
        """`file:line` of the current generation of a credential."""
        return f"{self._path}:{self._entries[credential].line}"

    def pending(self, credential: str) -> list[int]:
        """Generations of a credential that lie in pending files, lowest first."""
        found = (re.fullmatch(r".*\.g(\d+)\.vault", path.name) for path in self._pending.glob(f"{credential}.g*.vault"))
        return sorted(int(match.group(1)) for match in found if match)

    def kept(self) -> list[tuple[str, int]]:
        """Every generation that lies in a pending file, with the name of its credential."""
        found = (re.fullmatch(r"(.+)\.g(\d+)\.vault", path.name) for path in sorted(self._pending.glob("*.vault")))
        return [(match[1], int(match[2])) for match in found if match]

    def files(self) -> list[Path]:
        """Every file of the store that is there."""
        own = [self._path] if self._path.exists() else []
        return own + [self._pending_path(*label) for label in self.kept()]

    def slot(self, credential: str, generation: int) -> str:
        """The slot a generation lives in, or an empty string where its kind has none."""
        meta = self.meta(credential)
        if meta and meta.generation == generation:
            return meta.slot
        return str(self._payload(credential, generation).get("slot", ""))

    def secret(self, credential: str, generation: int) -> Secret:
        """The value of one generation. Raises VaultError if it is not kept, or does not belong to that name and number."""
        key = (credential, generation)
        if key not in self._cache:
            self._cache[key] = Secret(self._payload(credential, generation)["value"])
        return self._cache[key]

    def secrets(self) -> Iterator[tuple[str, int, Secret]]:
        """Every value kept: current generations and pending files."""
        for meta in self.metas():
            yield meta.credential, meta.generation, self.secret(meta.credential, meta.generation)
        for credential, generation in self.kept():
            yield credential, generation, self.secret(credential, generation)

    def _payload(self, credential: str, generation: int) -> dict[str, Any]:
        entry = self._entries.get(credential)
        if entry and entry.meta.generation == generation:
            return self._open(entry.ciphertext, credential, generation, f"{self._path}:{entry.line}")
        path = self._pending_path(credential, generation)
        if not path.exists():
            raise VaultError(f"{credential}: generation {generation} is neither in {self._path} nor in {path}")
        return self._open(self._ciphertext(path), credential, generation, str(path))

    def _ciphertext(self, path: Path) -> str:
        try:
            return vault_switch.read(self._fleet, path).decode("ascii")
        except UnicodeDecodeError:
            raise VaultError(f"{path}: no ciphertext", hint="Restore the file from version control.") from None

    def _open(self, ciphertext: str, credential: str, generation: int, where: str) -> dict[str, Any]:
        return self._checked(self._plain(ciphertext, credential, where), credential, generation, where)

    def _plain(self, ciphertext: str, credential: str, where: str) -> bytes:
        try:
            return bytes(self._vault.decrypt(ciphertext.encode()))
        except AnsibleError:
            raise VaultError(f"{where}: {credential} does not decrypt", hint=WRONG) from None

    @staticmethod
    def _checked(plain: bytes, credential: str, generation: int, where: str) -> dict[str, Any]:
        try:
            payload = json.loads(plain)
        except ValueError:
            raise VaultError(f"{where}: {credential} decrypts to something mycoops did not write") from None
        if not isinstance(payload, dict) or not isinstance(payload.get("value"), str):
            raise VaultError(f"{where}: {credential} decrypts to something mycoops did not write")
        if payload.get("credential") != credential or payload.get("generation") != generation:
            raise VaultError(f"{where}: the ciphertext belongs to another credential or generation than {credential} g{generation}")
        return dict(payload)

    # writing

    def put_pending(self, credential: str, generation: int, slot: str, secret: Secret, *, created: str = "") -> None:
        """Keep a generation in its own encrypted file, durable on return; an existing file of another value is never replaced.

        `created` is the day of a value that was in force before: it is no younger for being kept."""
        path = self._pending_path(credential, generation)
        if path.exists():
            if self.secret(credential, generation).same_as(secret):
                return
            raise VaultError(f"{path} already holds another value")
        self._refuse_switch()
        durable.replace(path, self._seal(credential, generation, slot, secret, created))
        self._cache[credential, generation] = secret

    def promote(self, credential: str, generation: int) -> None:
        """Make a pending generation the current one; the one it replaces stays in a pending file. Repeating it changes nothing."""
        before = self.meta(credential)
        if before and before.generation == generation:
            return
        payload = self._payload(credential, generation)
        if before:
            old = self.secret(credential, before.generation)
            self.put_pending(credential, before.generation, before.slot, old, created=before.created)
        self._write_entry(credential, generation, payload.get("slot", ""), Secret(payload["value"]), payload.get("created", ""))

    def add(self, credential: str, slot: str, secret: Secret) -> None:
        """Put the first generation of a credential into the vault file. Raises VaultError if it has one."""
        if self.meta(credential):
            raise VaultError(f"{credential} already has a value in {self._path}", hint="Rotate it instead.")
        self._write_entry(credential, 1, slot, secret)

    def supersede(self, credential: str, generation: int, slot: str, secret: Secret) -> None:
        """Make a value that a person brings the current generation; the one before it stays in a pending file, as on `promote`."""
        if before := self.meta(credential):
            old = self.secret(credential, before.generation)
            self.put_pending(credential, before.generation, before.slot, old, created=before.created)
        self._write_entry(credential, generation, slot, secret)

    def drop_pending(self, credential: str, generation: int) -> None:
        """Forget a pending generation: only what is proven dead, never activated, or also current."""
        self._refuse_switch()
        durable.remove(self._pending_path(credential, generation))
        meta = self.meta(credential)
        if not (meta and meta.generation == generation):
            self._cache.pop((credential, generation), None)

    def _pending_path(self, credential: str, generation: int) -> Path:
        return self._pending / f"{credential}.g{generation}.vault"

    def _seal(self, credential: str, generation: int, slot: str, secret: Secret, created: str = "") -> bytes:
        payload = {"credential": credential, "generation": generation, "slot": slot, "value": secret.reveal()}
        payload |= {"created": created} if created else {}
        return bytes(self._vault.encrypt(json.dumps(payload).encode()))

    def _write_entry(self, credential: str, generation: int, slot: str, secret: Secret, created: str = "") -> None:
        created = created or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sealed = self._seal(credential, generation, slot, secret).decode().strip()
        self._refuse_switch()
        self._refuse_change()
        lines = [f"{line}\n" for line in self._text.splitlines()]
        entry = self._entries.get(credential)
        first, last = (entry.line - 1, entry.end) if entry else (self._end(lines), self._end(lines))
        written = block(Meta(credential, generation, slot, created), sealed)
        text = "".join(lines[:first]) + written + "".join(lines[last:])
        self._check_splice(credential, text)
        durable.replace(self._path, text.encode())
        self._load()

    def _end(self, lines: list[str]) -> int:
        """Where a new entry goes: after the last one, else after the key of them all."""
        found = [entry.end for entry in self._entries.values()]
        return max(found) if found else next(n for n, line in enumerate(lines, 1) if line.startswith(f"{ROOT_KEY}:"))

    def _check_splice(self, credential: str, text: str) -> None:
        after = parse(self._path, text)
        others = [name for name in self._entries if name != credential]
        if any(after.get(name) is None or after[name].ciphertext != self._entries[name].ciphertext for name in others):
            raise VaultError(f"{self._path}: writing {credential} would change another entry; nothing was written")

    def _refuse_switch(self) -> None:
        """Raise VaultError where the password has been changed and the files have not: what is written now would be lost."""
        if found := vault_switch.findings(self._fleet):
            raise VaultError(f"{found[0].place}: {found[0].problem}", hint=found[0].fix)

    def _refuse_change(self) -> None:
        if self._path.exists() and text_of(self._path, self._path.read_bytes()) != self._text:
            raise VaultError(f"{self._path} was changed by someone else since it was read", hint="Run the command again.")

    # notes beside the values

    def sealed(self, note: dict[str, Any]) -> bytes:
        """A note that nobody can read, or make, without the vault password."""
        return bytes(self._vault.encrypt(json.dumps(note).encode()))

    def unsealed(self, content: bytes) -> dict[str, Any] | None:
        """What `sealed` made under this password; None for anything else."""
        try:
            note = json.loads(self._vault.decrypt(content))
        except (AnsibleError, ValueError):
            return None
        return note if isinstance(note, dict) else None

    # another password

    def under(self, secrets: Sequence[tuple[str, Any]]) -> dict[Path, tuple[bytes, bytes]]:
        """Every file of the store as it is, and as it would be under another password: each value was opened and compared.

        Raises VaultError for one that does not open."""
        other = VaultLib(secrets)
        made: dict[Path, tuple[bytes, bytes]] = {}
        if self._path.exists():
            sealed = {name: self._anew(other, name, entry.meta.generation) for name, entry in self._entries.items()}
            text = resealed(self._text, self._entries, sealed)
            found = {name: (entry.meta, entry.ciphertext) for name, entry in parse(self._path, text).items()}
            if found != {name: (entry.meta, sealed[name].strip()) for name, entry in self._entries.items()}:
                raise VaultError(f"{self._path}: more than ciphertext would change; nothing was written")
            made[self._path] = self._text.encode(), text.encode()
        for name, number in self.kept():
            path = self._pending_path(name, number)
            made[path] = path.read_bytes(), self._anew(other, name, number, pending=True).encode()
        return made

    def _anew(self, other: VaultLib, credential: str, generation: int, *, pending: bool = False) -> str:
        path = self._pending_path(credential, generation)
        where = str(path) if pending else self.place(credential)
        ciphertext = self._ciphertext(path) if pending else self._entries[credential].ciphertext
        plain = self._plain(ciphertext, credential, where)
        self._checked(plain, credential, generation, where)
        sealed: bytes = other.encrypt(plain)
        if other.decrypt(sealed) != plain:
            raise VaultError(f"{where}: {credential} would not be the same under the new password; nothing was written")
        return sealed.decode()
