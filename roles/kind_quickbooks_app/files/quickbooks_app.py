"""The secret of an app at Intuit, tried without any grant: an app that is known is told that a random refresh token is none."""

from __future__ import annotations

import secrets

from mycoops_provider import Client
from mycoops_quickbooks import TOKENS, exchange


def run(request: dict) -> dict:
    """Probe the secret of the subject."""
    found = exchange({**request, "admin_value": request["value"]}, Client(request["options"], TOKENS), secrets.token_urlsafe(32))
    outcome = {"refused": "accepted", "accepted": "unreachable"}.get(found.outcome, found.outcome)
    return {"outcome": outcome if found.known else "refused", "evidence": found.evidence}
