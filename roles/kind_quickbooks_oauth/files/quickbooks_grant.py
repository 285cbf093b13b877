"""A refresh token of QuickBooks replaces itself when it is used: whatever comes back is the next one, and is kept first."""

from __future__ import annotations

import typing

from mycoops_provider import Client
from mycoops_quickbooks import TOKENS, Exchange, exchange, problem
from mycoops_reply import Refusal
from mycoops_sealed import sealed

COMPANY = "https://quickbooks.api.intuit.com"
OLDER = 3
"""How many older values are asked which one they lead to."""


def run(request: dict) -> dict:
    """Carry out one entry."""
    return ENTRIES[request["entry"]](request)


def preflight(request: dict) -> dict:
    """The app is known, and a random refresh token is refused; the present one is not touched: that would use it up."""
    if not request["options"].get("realm"):
        raise Refusal("no_realm", "the option realm has to name the company the grant is of")
    found = exchange(request, Client(request["options"], TOKENS), request["value"])
    if found.outcome != "refused":
        raise problem(found)
    return {"done": True, "evidence": found.evidence}


def refresh(request: dict) -> dict:
    """Use the newest value that is kept; where it is refused, an older one, which for a day leads to the same next one."""
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": {"check": "not sent"}}
    client, kept = Client(request["options"], TOKENS, budget=6), list(request["others"])
    for value in kept:
        found = exchange(request, client, value)
        if found.outcome == "refused":
            continue
        if found.outcome != "accepted":
            raise problem(found)
        if found.following in kept:
            message = "the provider leaves this value in force for now: it changes when it is used a day after it was made"
            raise Refusal("unchanged", message, **found.evidence)
        back = sealed(found.following, request["pad"])
        return {"done": True, "changed": True, "returned": back, "evidence": found.evidence}
    raise Refusal("invalid_grant", "the provider takes none of the values that are kept")


def probe(request: dict) -> dict:
    """How the provider takes the value of the subject.

    The new one is not used up where the one before it is still accepted and leads to it; where it has to be, what comes back is
    kept as the generation after it."""
    client, subject = Client(request["options"], TOKENS, budget=6), request.get("subject", "new")
    found = (led_to(request, client) if subject == "new" else None) or exchange(request, client, request["value"])
    outcome, back = found.outcome, {}
    if found.following and found.following not in [request["value"], *request["others"]]:
        back = {"returned": sealed(found.following, request["pad"])}
    if outcome == "accepted" and subject == "new":
        outcome = company(request, found.access, found.evidence)
    return {"outcome": outcome, "evidence": found.evidence, **back}


def led_to(request: dict, client: Client) -> typing.Optional[Exchange]:
    """The exchange in which an older value that is kept leads to the new one; None where none does."""
    kept = list(request["others"])
    older = kept[kept.index(request["value"]) + 1 :] if request["value"] in kept else []
    for value in older[:OLDER]:
        found = exchange(request, client, value)
        if found.outcome == "throttled" or (found.outcome == "accepted" and found.following == request["value"]):
            return found
    return None


def company(request: dict, access: str, evidence: typing.Dict[str, str]) -> str:
    """Read with the access token what the grant is for."""
    options, realm = request["options"], str(request["options"]["realm"])
    client = Client({**options, "base_url": options.get("company_url") or COMPANY})
    answer = client("GET", f"/v3/company/{realm}/companyinfo/{realm}", {"Authorization": f"Bearer {access}"})
    evidence["company"] = answer.seen
    return answer.outcome()


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {"preflight": preflight, "refresh": refresh, "probe": probe}
