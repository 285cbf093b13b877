"""Makes of a look's references-turned-values what a host is sent instead of them: digests under the key of that one look."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from mycoops.masking import SHORTEST


def digest(key: bytes, raw: bytes) -> str:
    """HMAC-SHA256 in hexadecimal."""
    return hmac.new(key, raw, hashlib.sha256).hexdigest()


def digested(request: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The request with a digest in place of every value: of the texts that files hold, and of the kept values alone."""
    files = [{**file, "entries": [_entry(entry, key) for entry in file["entries"]]} for file in request["files"]]
    return {**request, "key": key.hex(), "files": files, "kept": list(_kept(request["kept"], key))}


def _entry(entry: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    return {"name": entry["name"], "digest": digest(key, _bytes(entry["value"]))}


def _kept(values: Iterable[Mapping[str, Any]], key: bytes) -> Iterable[dict[str, Any]]:
    """A value as it is, and as it is in a URL."""
    for one in values:
        for raw in dict.fromkeys((_bytes(one["value"]), _bytes(quote(one["value"], safe="")))):
            if len(raw) >= SHORTEST:
                told = {"credential": one["credential"], "generation": one["generation"]}
                yield {**told, "digest": digest(key, raw), "length": len(raw)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
