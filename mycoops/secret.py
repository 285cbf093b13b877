"""The one type that carries a value; it shows itself to nobody who does not say `reveal`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from typing import NoReturn

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOKEN_LENGTH = 43
"""Characters of a generated token: 43 of a 64-letter alphabet carry 256 bit."""

_FIRST = string.ascii_letters + string.digits
_ALPHABET = _FIRST + "-_"


class Secret:
    """A value that prints, formats and pickles as nothing; `reveal()` is the only way in, so that grep finds each use."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the clear value; the caller is the one place that sends or encrypts it."""
        return self._value

    def same_as(self, other: Secret) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


def generate(shape: str) -> Secret:
    """Make a new value: `token` (43 characters of [A-Za-z0-9_-]) or `ed25519` (an OpenSSH private key).

    Raises ValueError for another shape."""
    if shape == "token":
        rest = "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_LENGTH - 1))
        return Secret(secrets.choice(_FIRST) + rest)
    if shape == "ed25519":
        key = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        return Secret(key.decode())
    raise ValueError(f"unknown shape of value: {shape}")


def fingerprint(key: bytes, credential: str, secret: Secret) -> str:
    """Name a value without revealing it: HMAC-SHA256 under the install key over credential id and value, 16 hex digits."""
    message = credential.encode() + b"\0" + secret.reveal().encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:16]
