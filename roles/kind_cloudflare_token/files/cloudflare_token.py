"""An API token of Cloudflare: a second one with the policies of the first, which is disabled before it is deleted."""

from __future__ import annotations

import hashlib
import json
import time
import typing

from mycoops_provider import Answer, Client
from mycoops_reply import Refusal
from mycoops_sealed import sealed

BASE, PATH = "https://api.cloudflare.com", "/client/v4/user/tokens"
CALLS, PAGE = 40, 50
SETTLE_SECONDS, SOAK_SECONDS, GRACE_DAYS = 30.0, 5.0, 30.0
DAY = 86400
REFUSED = (401, *({"status": 200, "json": {"result.status": status}} for status in ("disabled", "expired")))
"""A disabled token may verify with 200: what counts is its status."""
UNKNOWN = (1000, 6003, 9109)
"""The codes of a token that is none, where a token that may not do this has another."""
Token = typing.Dict[str, typing.Any]


def run(request: dict) -> dict:
    """Carry out one entry."""
    return ENTRIES[request["entry"]](request)


def client_of(request: dict) -> Client:
    return Client(request["options"], BASE, budget=CALLS)


def bearer(value: str) -> typing.Dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def verify(client: Client, value: str) -> typing.Tuple[str, str, dict]:
    """How a token is taken, its id where the provider tells it, and what was seen."""
    answer = client("GET", f"{PATH}/verify", bearer(value))
    accepted = {"status": 200, "json": {"result.status": "active"}}
    seen = {"status": answer.seen, "token": answer.find("result.status"), "expires_on": answer.find("result.expires_on")}
    evidence = {name: str(text) for name, text in seen.items() if text and len(str(text)) < 40}
    return answer.outcome(accepted, REFUSED), str(answer.find("result.id") or ""), evidence


class Tokens:
    """The tokens of the user, as the administrator's token sees them."""

    def __init__(self, request: dict, client: Client) -> None:
        if not request.get("admin_value"):
            raise Refusal("no_admin", "authority.admin has to name the credential that may make tokens")
        self._client, self._admin = client, bearer(request["admin_value"])

    def ask(self, method: str, path: str, data: typing.Any = None) -> Answer:
        """One call that succeeded, or whose token is not there. Raises Refusal for every other answer."""
        answer = self._client(method, PATH + path, self._admin, data=data)
        if answer.status in (200, 404) or (answer.status == 400 and answer.find("errors[0].code") == 1003):
            return answer
        raise failed(answer)

    def get(self, identity: str) -> Token:
        answer = self.ask("GET", f"/{identity}")
        if answer.status != 200:
            raise Refusal("no_token", "the administrator's token does not see this one: it belongs to another user")
        return dict(answer.find("result"))

    def every(self) -> typing.List[Token]:
        """All of them, page by page."""
        found: typing.List[Token] = []
        page = pages = 1
        while page <= pages:
            answer = self.ask("GET", f"?page={page}&per_page={PAGE}")
            found += answer.find("result") or []
            pages, page = int(answer.find("result_info.total_pages") or 1), page + 1
        return found

    def delete(self, identity: str) -> None:
        """Delete one; one that is gone is."""
        self.ask("DELETE", f"/{identity}")


def failed(answer: Answer) -> Refusal:
    """What an answer to the administrator's token says, by status and code alone."""
    code = answer.find("errors[0].code")
    facts = {"status": answer.seen, **({"provider_code": code} if isinstance(code, int) else {})}
    if answer.throttled:
        return Refusal("throttled", f"Cloudflare asks to wait {answer.retry_after:.0f} s", **facts)
    if not answer.status:
        message = "Cloudflare gave no answer; what it may have made carries the tag, and is deleted by the next attempt"
        return Refusal("no_answer", message, **facts)
    if answer.status == 401 or (answer.status in (400, 403) and code in UNKNOWN):
        return Refusal("admin_refused", "the administrator's token is refused", **facts)
    if answer.status == 403:
        return Refusal("admin_forbidden", "the administrator's token may not do this: it needs User, API Tokens, Edit", **facts)
    return Refusal("provider_error", f"Cloudflare answered with status {answer.seen}", **facts)


def probe(request: dict) -> dict:
    """Verify the token with itself and, where an option names one, read what it is for."""
    client, random = client_of(request), request.get("subject") == "random"
    value = random_value(request["value"]) if random else request["value"]
    outcome, _, evidence = verify(client, value)
    read = request["options"].get("read")
    if outcome == "accepted" and read and not random:
        answer = client("GET", str(read), bearer(value))
        outcome, evidence["read"] = answer.outcome(), answer.seen
    return {"outcome": outcome, "evidence": {"path": f"{PATH}/verify", **evidence}}


def random_value(text: str) -> str:
    """A random text in the shape of a token: one of another shape is turned away before anything is checked."""
    return "cfut_" + hashlib.sha256(text.encode()).hexdigest()[:48]


def preflight(request: dict) -> dict:
    """Nobody's token is refused here, the present one is active, and the administrator's token sees it."""
    client = client_of(request)
    control = verify(client, random_value(request["value"]))
    if control[0] != "refused":
        code = "cannot_verify" if control[0] == "accepted" else "unreachable"
        raise Refusal(code, f"a random token is {control[0]}", **control[2])
    found = Tokens(request, client).get(identity_of(client, request["previous_value"]))
    return {"done": True, "evidence": {"policies": str(len(found.get("policies") or [])), **control[2]}}


def identity_of(client: Client, value: str) -> str:
    outcome, identity, evidence = verify(client, value)
    if outcome == "accepted" and identity:
        return identity
    raise Refusal("old_not_ready" if outcome == "refused" else "unreachable", f"the present token is {outcome}", **evidence)


def mint(request: dict) -> dict:
    """Delete what an attempt with a lost answer has made, then make one token with the policies of the present one."""
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": {"check": "not sent"}}
    client = client_of(request)
    tokens = Tokens(request, client)
    old = tokens.get(identity_of(client, request["previous_value"]))
    orphans = deleted(tokens, request["tag"])
    body = {"name": request["tag"], "policies": bare(old["policies"]), "expires_on": expiry(request)}
    answer = tokens.ask("POST", "", {**body, **({"condition": old["condition"]} if old.get("condition") else {})})
    value = answer.find("result.value")
    if not isinstance(value, str):
        raise Refusal("provider_error", "Cloudflare made a token and did not show it", status=answer.seen)
    evidence = {"id": str(answer.find("result.id")), "expires_on": body["expires_on"], "orphans": str(orphans)}
    return {"done": True, "changed": True, "returned": sealed(value, request["pad"]), "evidence": evidence}


def deleted(tokens: Tokens, tag: str) -> int:
    """Delete every token of this name; returns how many there were."""
    found = [token["id"] for token in tokens.every() if token.get("name") == tag]
    for identity in found:
        tokens.delete(identity)
    return len(found)


def bare(policies: typing.List[dict]) -> typing.List[dict]:
    """Policies without the ids they have in their token."""
    return [
        {
            "effect": policy["effect"],
            "resources": policy["resources"],
            "permission_groups": [{"id": group["id"]} for group in policy["permission_groups"]],
        }
        for policy in policies
    ]


def expiry(request: dict) -> str:
    """The day it ends by itself: after the next rotation is due, and some grace."""
    days = float(request.get("cadence_days") or 0) + float(request["options"].get("grace_days", GRACE_DAYS))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * DAY))


def settle(request: dict) -> dict:
    """Wait until the new token is accepted where it is asked for: a provider needs some time to spread it."""
    if request.get("check"):
        return {"done": True}
    outcome = waited(client_of(request), request, request["value"], "accepted")
    if outcome != "accepted":
        raise Refusal("not_ready", f"the new token is {outcome}")
    return {"done": True}


def waited(client: Client, request: dict, value: str, wanted: str) -> str:
    """Verify until the outcome is the wanted one or its time is over; returns the last one."""
    deadline, pause = time.monotonic() + float(request["options"].get("settle_seconds", SETTLE_SECONDS)), 0.5
    outcome = verify(client, value)[0]
    while outcome != wanted and time.monotonic() < deadline and client.left > 1:
        time.sleep(pause)
        outcome, pause = verify(client, value)[0], min(pause * 2, 5.0)
    return outcome


def parity(request: dict) -> dict:
    """Both tokens have the same policies and conditions."""
    client = client_of(request)
    tokens = Tokens(request, client)
    both = [tokens.get(identity_of(client, request[name])) for name in ("value", "previous_value")]
    new, old = (
        [sorted(json.dumps(one, sort_keys=True) for one in ordered(bare(token["policies"]))), token.get("condition") or None]
        for token in both
    )
    return {"done": True, "equal": new == old, "evidence": {"policies": f"{len(both[0]['policies'])} {len(both[1]['policies'])}"}}


def ordered(policies: typing.List[dict]) -> typing.List[dict]:
    return [{**one, "permission_groups": sorted(group["id"] for group in one["permission_groups"])} for one in policies]


def revoke(request: dict) -> dict:
    """Disable the old token, see it refused and the new one accepted, wait, delete it. On the way back: what carries the tag."""
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": {"check": "not sent"}}
    client = client_of(request)
    tokens = Tokens(request, client)
    if int(request["generation"]) < int(request["previous"]):
        found = deleted(tokens, request["tag"])
        return {"done": True, "changed": bool(found), "evidence": {"deleted": str(found)}}
    in_force(client, request)
    identity = disabled(tokens, client, request)
    if identity:
        time.sleep(float(request["options"].get("soak_seconds", SOAK_SECONDS)))
        in_force(client, request)
        tokens.delete(identity)
    return {"done": True, "changed": bool(identity), "evidence": {"id": identity} if identity else {}}


def in_force(client: Client, request: dict) -> None:
    outcome, _, evidence = verify(client, request["value"])
    if outcome != "accepted":
        raise Refusal("new_not_ready", f"the new token is {outcome}, the old one stays", **evidence)


def disabled(tokens: Tokens, client: Client, request: dict) -> str:
    """Disable the old token and return its id; an empty text where it is gone.

    PUT replaces the whole token, so all of it goes along; a mark in its name lets it be found where verify tells no id."""
    mark = f"mycoops/{request['credential']}/g{request['previous']}"
    outcome, identity, evidence = verify(client, request["previous_value"])
    if outcome not in ("accepted", "refused"):
        raise Refusal("unreachable", f"the old token is {outcome}", **evidence)
    if outcome == "refused":
        marked = [one for one in tokens.every() if mark in str(one.get("name")) and one.get("status") == "disabled"]
        return identity or (str(marked[0]["id"]) if len(marked) == 1 else "")
    old = tokens.get(identity)
    kept = {name: old[name] for name in ("expires_on", "not_before", "condition") if old.get(name)}
    name = old["name"] if mark in old["name"] else f"{old['name']} [{mark}]"
    tokens.ask("PUT", f"/{identity}", {"name": name, "policies": bare(old["policies"]), "status": "disabled", **kept})
    if waited(client, request, request["previous_value"], "refused") != "refused":
        raise Refusal("still_alive", "the old token was disabled and is still accepted")
    return identity


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "probe": probe,
    "preflight": preflight,
    "mint": mint,
    "settle": settle,
    "parity": parity,
    "revoke": revoke,
}
