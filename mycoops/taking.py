"""Keeps what a provider returned: encrypted and durable before anything else is done, and in the clear nowhere at all.

A host program returns such a value under a pad that the request brought and that is used once, so that it is in no output of
a connection either. What is reported of it is its generation.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from mycoops import bridge
from mycoops.errors import MycoopsError
from mycoops.masking import Masker
from mycoops.secret import Secret
from mycoops.vault import Store

PAD_BYTES = 4096
"""As long as a value may be that a provider returns."""
SHORTEST_VALUE = 16
"""Characters: a shorter value could neither be masked nor searched for safely."""
Opener = Callable[[], Store]


def pad() -> str:
    """A pad for one request, in base64."""
    return base64.b64encode(secrets.token_bytes(PAD_BYTES)).decode()


def already(store: Store, request: Mapping[str, Any]) -> bridge.Reply | None:
    """The reply to an order whose value is kept, so that no provider is asked for a second one; None where there is none."""
    credential, generation = str(request["credential"]), int(request["generation"])
    meta = store.meta(credential)
    if generation in store.pending(credential) or (meta and meta.generation == generation):
        return {"done": True, "changed": False, "kept": generation}
    return None


def others(store: Store, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """References to all that is kept of a credential, newest first."""
    credential = str(request["credential"])
    meta = store.meta(credential)
    numbers = {*store.pending(credential), *([meta.generation] if meta else [])}
    return [{"$form": "<value>", "credential": credential, "generation": number} for number in sorted(numbers, reverse=True)]


def following(store: Store, request: Mapping[str, Any]) -> int:
    """The generation after all that is kept of a credential, and after the one under way."""
    numbers = [int(one["generation"]) for one in others(store, request)]
    return max([*numbers, int(request["generation"]), int(request.get("previous") or 0)]) + 1


def take(store: Opener, request: Mapping[str, Any], generation: int, reply: bridge.Reply, used: str) -> bridge.Reply:
    """Keep the value of a reply, if it brought one, as this generation; returns the reply without it.

    Whatever else the reply says, an error too, the value is kept first."""
    if "returned" not in reply:
        return reply
    try:
        value = opened(str(reply["returned"]), used)
    except (ValueError, binascii.Error):
        return bridge.failure("not_kept", "what the host returned cannot be read; the next walk finds by its tag what was made")
    rest = Masker([value]).scrub({name: item for name, item in reply.items() if name != "returned"})
    if len(value) < SHORTEST_VALUE or not value.isprintable():
        return bridge.failure("not_kept", "the provider returned no value that can be kept: it is too short, or no printable text")
    try:
        store().put_pending(str(request["credential"]), generation, str(request.get("slot") or ""), Secret(value))
    except (MycoopsError, OSError) as error:
        problem = error.message if isinstance(error, MycoopsError) else f"it cannot be written: {error.strerror}"
        return bridge.failure("not_kept", f"{problem}; the next walk finds by its tag what the provider made")
    return {**rest, "kept": generation}


def opened(blob: str, used: str) -> str:
    """The value of a reply. Raises ValueError for what is none."""
    raw, key = base64.b64decode(blob, validate=True), base64.b64decode(used)
    if len(raw) > len(key):
        raise ValueError("longer than its pad")
    return bytes(one ^ other for one, other in zip(raw, key, strict=False)).decode()
