"""Whoever has a token can end it, without authentication; GitHub answers first and ends it later, so it is looked at until then."""

from __future__ import annotations

import typing

import mycoops_provider_key as key
from mycoops_reply import Refusal

SECONDS = 60
TAKEN = (0, 202)
"""Statuses after which it may be under way: 202, and no answer at all."""


def run(request: typing.Mapping[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    """Revoke the old token: {"done", "changed", "evidence"}. One that is refused already is left at that."""
    key.require_new(request)
    old = request["previous_value"]
    if key.probe(request, old, "old")["outcome"] == "refused":
        return {"done": True, "changed": False, "evidence": {"old": "refused before"}}
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": {"check": "not sent"}}
    headers = {name: text for name, text in request["service"]["call"]["headers"].items() if name != "Authorization"}
    answer = key.client(request)("POST", "/credentials/revoke", headers, data={"credentials": [old]})
    if answer.throttled:
        raise Refusal("throttled", "GitHub takes no more revocations from this address for now", seconds=round(answer.retry_after))
    if answer.status not in TAKEN:
        raise Refusal("not_revoked", "GitHub does not take the revocation", status=answer.seen)
    seen = key.wait_refused(request, old, float(request["options"].get("revoke_seconds") or SECONDS))
    if seen != "refused":
        raise Refusal("still_valid", "the old token was to be revoked and is not refused yet", status=answer.seen, outcome=seen)
    return {"done": True, "changed": True, "evidence": {"revoked": answer.seen, "old": seen}}
