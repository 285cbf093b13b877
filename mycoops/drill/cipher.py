"""Stands in for Ansible's vault where a drill writes hundreds of files: the shape of its text, none of its cost."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError

HEADER = "$QUICK;1.0"


class QuickVault:
    """Looks like VaultLib; the real one is tested in test_vault.py."""

    def __init__(self, secrets: Any = None) -> None:
        self._secrets = secrets

    def encrypt(self, plain: bytes) -> bytes:
        """Return text of several lines, never the clear one."""
        body = plain.hex()
        lines = [body[start : start + 80] for start in range(0, len(body), 80)]
        return "\n".join([HEADER, *lines]).encode() + b"\n"

    def decrypt(self, text: bytes | str) -> bytes:
        """Reverse `encrypt`."""
        head, *lines = (text.decode() if isinstance(text, bytes) else text).split("\n")
        if head != HEADER:
            raise AnsibleError("not quick")
        return bytes.fromhex("".join(lines))
