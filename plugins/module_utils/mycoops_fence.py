"""A host takes orders from one run at a time and never from an older one than it has seen."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import time
import typing

import mycoops_writer as writer
from mycoops_reply import Refusal

PRIVATE = 0o600
LOCK_SECONDS = 60.0
LARGEST = 1 << 16
"""Bytes that are enough for fence.json and the key beside it."""


@contextlib.contextmanager
def locked(state: str, seconds: float = LOCK_SECONDS) -> typing.Iterator[None]:
    """Hold the host's lock; it dies with the process. Raises Refusal `locked` after `seconds`, and `write_failed`."""
    home = pathlib.Path(state)
    with writer.telling(f"{state}/lock"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    try:
        deadline = time.monotonic() + seconds
        while not _try(descriptor):
            if time.monotonic() > deadline:
                raise Refusal("locked", f"another delivery holds the lock of this host since {seconds:.0f} s")
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def ordered(state: str, token: int) -> typing.Iterator[None]:
    """Carry out an order that is no delivery: under the host's lock, and by no older lease than it has seen."""
    with locked(state):
        fence = Fence(state)
        fence.check(token, {}, ())
        fence.record(token, {})
        yield


class Fence:
    """fence.json: the highest lease token, the generation of each credential, digests of what services last reloaded."""

    def __init__(self, state: str) -> None:
        self._path = f"{state}/fence.json"
        self._key_path = f"{state}/digest.key"
        raw = writer.read(self._path).raw if pathlib.Path(state).is_dir() else None
        try:
            data = json.loads(raw or b"{}")
            self.token = int(data.get("token", 0))
            self.generations: typing.Dict[str, int] = {name: int(number) for name, number in data.get("generations", {}).items()}
            self.reloads: typing.Dict[str, str] = dict(data.get("reloads", {}))
        except (ValueError, AttributeError, TypeError):
            raise Refusal("broken_fence", f"{self._path} is not what mycoops wrote", path=self._path) from None

    def room(self) -> None:
        """See that this can be kept up to date. Raises Refusal `write_failed`."""
        writer.room(self._path, LARGEST)

    def check(self, token: int, generations: typing.Mapping[str, int], rollback: typing.Collection[str]) -> None:
        """Raise Refusal `stale_token` or `stale_generation`. A token of 0 is no lease: then generations alone decide."""
        if token and token < self.token:
            raise Refusal("stale_token", f"lease {token} is older than {self.token}, which this host has seen", seen=self.token)
        for credential, number in generations.items():
            seen = self.generations.get(credential, 0)
            if number < seen and credential not in rollback:
                message = f"{credential}: generation {number} is older than {seen}, which this host holds"
                raise Refusal("stale_generation", message, credential=credential, seen=seen)

    def record(self, token: int, generations: typing.Mapping[str, int]) -> None:
        """Remember a delivery, durably; nothing is written if nothing is new."""
        if token <= self.token and all(self.generations.get(name) == number for name, number in generations.items()):
            return
        self.token = max(self.token, token)
        self.generations.update(generations)
        self._save()

    def forget_reloads(self, services: typing.Iterable[str]) -> None:
        """Before their files change: what these services last reloaded no longer counts."""
        known = [name for name in services if name in self.reloads]
        for name in known:
            del self.reloads[name]
        if known:
            self._save()

    def reloaded(self, service: str, values: typing.Mapping[str, str]) -> bool:
        """Whether the service's last successful reload was with exactly these values. Writes nothing."""
        known, key = self.reloads.get(service, ""), writer.read(self._key_path).raw if self.reloads else None
        return bool(known and key) and hmac.compare_digest(known, _digest(key or b"", values))

    def record_reload(self, service: str, values: typing.Mapping[str, str]) -> None:
        """Remember what a service has reloaded, as a digest under this host's own key."""
        self.reloads[service] = _digest(self._key(), values)
        self._save()

    def _key(self) -> bytes:
        key = writer.read(self._key_path).raw
        if not key:
            key = secrets.token_bytes(32)
            writer.write(self._key_path, key, writer.Owner(os.geteuid(), os.getegid(), PRIVATE))
        return key

    def _save(self) -> None:
        data = {"token": self.token, "generations": self.generations, "reloads": self.reloads}
        raw = json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"
        writer.write(self._path, raw, writer.Owner(os.geteuid(), os.getegid(), PRIVATE))


def _digest(key: bytes, values: typing.Mapping[str, str]) -> str:
    text = json.dumps(sorted(values.items()))
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
