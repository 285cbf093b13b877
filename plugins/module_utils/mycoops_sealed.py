"""A value that a provider has made goes back to the control node under a pad that is used once, never in clear."""

from __future__ import annotations

import base64

from mycoops_reply import Refusal


def sealed(value: str, pad: str) -> str:
    """The value under the pad of the request (base64): what the action `mycoops_keep` opens. Raises Refusal `too_long`."""
    raw, key = value.encode(), base64.b64decode(pad)
    if len(raw) > len(key):
        raise Refusal("too_long", f"the provider returned a value of {len(raw)} bytes; {len(key)} can be kept")
    return base64.b64encode(bytes(byte ^ key[at] for at, byte in enumerate(raw))).decode()
