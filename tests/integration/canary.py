"""Looks for values, in clear and encoded, in files, journals, streams and process lists; grep gets them by stdin."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from tests.integration.hosts import ENV_FILES, Host

SHORTEST = 12
CONTROLLER = ("/dev/shm", "/tmp", "/var/tmp", "/run")
HOST = ("/dev/shm", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/var")
LEGITIMATE = {
    "mindex": ENV_FILES["mindex"],
    "mas": ENV_FILES["mas"],
    # podman keeps the environment of a container in its own state, and the runtime in the bundle it starts.
    "sandbox": (*ENV_FILES["sandbox"], "/var/lib/containers/storage/", "/run/containers/storage/", "/run/runc/", "/run/libpod/"),
}
"""Where a value may lie on a host: the env files, and what podman itself keeps of a running container."""


def secret_parts(value: str) -> list[str]:
    """What must not appear of a value: all of it, or each line of a private key that its private half is in."""
    if not value.startswith("-----"):
        return [value]
    lines = [line for line in value.splitlines() if line and not line.startswith("-----")]
    begin = len(base64.b64decode("".join(lines)).partition(seed_of(value))[0]) * 4 // 3
    found, at = [], 0
    for line in lines:
        if at < begin + 43 and at + len(line) > begin and len(line) >= SHORTEST:
            found.append(line)
        at += len(line)
    return found


def seed_of(private_key: str) -> bytes:
    """The 32 secret bytes of an OpenSSH Ed25519 key: they follow the public half in its private section."""
    raw = base64.b64decode("".join(line for line in private_key.splitlines() if not line.startswith("-----")))
    after_type = raw[raw.rindex(b"ssh-ed25519") + len(b"ssh-ed25519") :]
    return after_type[4 + 32 + 4 :][:32]


def forms(value: str) -> set[bytes]:
    """In clear, URL-escaped, in hexadecimal, and in base64 wherever the value may begin in what was encoded."""
    parts = secret_parts(value)
    found = {form for part in parts for form in (part, quote(part, safe=""))}
    for raw in [*(part.encode() for part in parts), *([seed_of(value)] if value not in parts else [])]:
        found |= {raw.hex(), raw.hex().upper()}
        for lead in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                text = encode(b"\0" * lead + raw).decode()
                found.add(text[-(-lead * 8 // 6) : (lead + len(raw)) * 8 // 6])
    return {form.encode() for form in found if len(form) >= SHORTEST}


class Canary:
    """Knows the values; says where they are and never what they are."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = sorted({form for value in values for form in forms(value)})
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms)))
        self._lines = b"".join(form + b"\n" for form in self._forms)

    def in_bytes(self, data: bytes) -> bool:
        """Whether any form of any value is in it."""
        return bool(self._pattern.search(data))

    def in_files(self, *places: Path) -> list[str]:
        """The files under these directories of this machine that hold a value."""
        command = self._grep([str(place) for place in places if place.exists()])
        return self._paths(subprocess.run(command, input=self._lines, capture_output=True, check=False))

    def on(self, host: Host, *places: str) -> list[str]:
        """The files under these directories of a host that hold a value."""
        return self._paths(
            host.call("sh", "-c", 'exec "$@" 2>/dev/null', "sh", *self._grep(places), stdin=self._lines, check=False)
        )

    @staticmethod
    def _grep(places: Iterable[str]) -> list[str]:
        return ["env", "LC_ALL=C", "grep", "-rlaF", "--devices=skip", "-f", "-", "--", *places]

    @staticmethod
    def _paths(done: subprocess.CompletedProcess[bytes]) -> list[str]:
        assert done.returncode in (0, 1, 2), done
        return done.stdout.decode(errors="replace").splitlines()

    def in_journal(self, host: Host) -> bool:
        """Whether the host's journal holds a value."""
        return self.in_bytes(host.call("journalctl", "-o", "export", "--no-pager").stdout)


def where_it_must_not_be(canary: Canary, host: str, container: Host) -> list[str]:
    """The files of a host that hold a value and have no reason to."""
    found = canary.on(container, *HOST)
    return [path for path in found if not path.startswith(tuple(LEGITIMATE[host]))]
