"""The token endpoint of Intuit: what a refresh token is worth there, and what came back for it."""

from __future__ import annotations

import base64
import typing

from mycoops_provider import Client
from mycoops_reply import Refusal

TOKENS, PATH = "https://oauth.platform.intuit.com", "/oauth2/v1/tokens/bearer"


class Exchange(typing.NamedTuple):
    """How one exchange ended: the next refresh token and an access token where the value was accepted."""

    outcome: str
    evidence: typing.Dict[str, str]
    following: str = ""
    access: str = ""
    known: bool = True
    """Whether the app itself was accepted."""


def exchange(request: dict, client: Client, value: str) -> Exchange:
    """Use a refresh token once. `refused` is invalid_grant; an app that is refused says nothing about the value."""
    name, secret = str(request["options"].get("client_id") or ""), request.get("admin_value")
    if not (name and secret):
        raise Refusal("no_app", "the option client_id and authority.admin have to name the app and the credential of its secret")
    basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": value}
    answer = client("POST", PATH, {"Authorization": f"Basic {basic}"}, form=form)
    error, evidence = answer.find("error"), {"path": PATH, "status": answer.seen}
    if error in ("invalid_grant", "invalid_client"):
        evidence["error"] = error
    refused = {"status": 400, "json": {"error": "invalid_grant"}}
    outcome = answer.outcome(200, refused)
    following, access = answer.find("refresh_token"), answer.find("access_token")
    if outcome == "accepted" and not (isinstance(following, str) and isinstance(access, str)):
        return Exchange("unreachable", {**evidence, "error": "no token in the answer"})
    left = answer.find("x_refresh_token_expires_in")
    if isinstance(left, int):
        evidence["expires_in"] = str(left)
    return Exchange(outcome, evidence, str(following or ""), str(access or ""), error != "invalid_client")


def problem(found: Exchange) -> Refusal:
    """Why an exchange brought nothing."""
    if not found.known:
        return Refusal("admin_refused", "the provider does not know the app, or refuses its secret", **found.evidence)
    if found.outcome == "accepted":
        return Refusal("cannot_verify", "a random refresh token is accepted", **found.evidence)
    code = "throttled" if found.outcome == "throttled" else "no_answer"
    return Refusal(code, "the provider gave no answer to go by; the same value is used again", **found.evidence)
