"""What is searched for of a value: every form of all of it, and of a private key the part that is private, alone."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mycoops.masking import SHORTEST, encodings, forms, raw_encodings

FRAME = "-----"


def texts(value: str) -> set[str]:
    """Return every form in which the value gives itself away; none of them is in another value, or in a public key."""
    seed = _seed(value)
    if not seed:
        return forms(value)
    found = encodings(value) | raw_encodings(seed)
    for line in _private_lines(value, seed):
        found |= encodings(line)
    return {form for form in found if len(form) >= SHORTEST}


def _seed(value: str) -> bytes:
    """The secret bytes of an OpenSSH Ed25519 key; empty for anything else."""
    if not value.startswith(FRAME):
        return b""
    try:
        key = serialization.load_ssh_private_key(value.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return b""
    return key.private_bytes_raw() if isinstance(key, Ed25519PrivateKey) else b""


def _private_lines(value: str, seed: bytes) -> list[str]:
    """The lines of a key that its secret bytes are in: its first line is that of every key, its second one is public."""
    lines = [line for line in value.splitlines() if line and not line.startswith(FRAME)]
    try:
        first = base64.b64decode("".join(lines)).index(seed) * 8 // 6
    except (ValueError, binascii.Error):
        return lines
    found, at = [], 0
    for line in lines:
        if at < first + len(seed) * 8 // 6 and at + len(line) > first and len(line) >= 2 * SHORTEST:
            found.append(line)
        at += len(line)
    return found
