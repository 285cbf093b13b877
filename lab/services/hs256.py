"""JSON web tokens by HS256 alone: signed with one key, verified against a list, and an empty list verifies nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> Any:
    return json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))


def _signature(message: str, key: str) -> str:
    return _encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest())


def sign(claims: dict[str, Any], key: str) -> str:
    header = {"alg": "HS256", "typ": "JWT"}
    message = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{message}.{_signature(message, key)}"


def verify(token: str, keys: list[str]) -> dict[str, Any] | None:
    """The claims of a token signed by one of the keys and not yet expired; else nothing."""
    try:
        head, body, signature = token.split(".")
        header, claims = _decode(head), _decode(body)
        if header.get("alg") != "HS256" or float(claims["exp"]) <= time.time():
            return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    matches = [hmac.compare_digest(_signature(f"{head}.{body}", key).encode(), signature.encode()) for key in keys if key]
    return claims if any(matches) else None
