"""Keys by the Admin API: made inactive, which can be undone, and archived only when the old is refused and the new accepted."""

from __future__ import annotations

import typing

import mycoops_provider_key as key
from mycoops_provider import Answer, Client
from mycoops_reply import Refusal

KEYS = "/v1/organizations/api_keys"
SECONDS, CALLS, SHORTEST_HINT = 20, 60, 4
Request = typing.Mapping[str, typing.Any]
Reply = typing.Dict[str, typing.Any]
Key = typing.Dict[str, typing.Any]


class Admin:
    """The Admin API, with a budget of calls."""

    def __init__(self, request: Request) -> None:
        if not request.get("admin_value"):
            raise Refusal("no_admin", "authority.admin is missing: name the credential of the Admin API")
        self.asking: Client = key.client(request, CALLS)
        self.headers = {**request["service"]["call"]["headers"], "x-api-key": request["admin_value"]}

    def ask(self, path: str, data: typing.Any = None) -> Answer:
        """One call. Raises Refusal `admin_refused` where the Admin API does not take its key."""
        answer = self.asking("POST" if data else "GET", path, self.headers, data=data)
        if answer.status in (401, 403) and not answer.throttled:
            raise Refusal("admin_refused", "the Admin API refuses its key", status=answer.seen)
        return answer

    def keys(self) -> typing.Iterator[Key]:
        """All keys of the organization. Raises Refusal `unreachable` where the list cannot be read to its end."""
        after = ""
        while True:
            answer = self.ask(f"{KEYS}?limit=100" + (f"&after_id={after}" if after else ""))
            if answer.status != 200 or not isinstance(answer.data, dict):
                raise Refusal("unreachable", "the list of keys cannot be read", status=answer.seen)
            yield from answer.data["data"]
            after = answer.data.get("last_id") if answer.data.get("has_more") else ""
            if not after:
                return

    def find(self, value: str) -> typing.Optional[Key]:
        """The one key whose hint fits a value; None where there is none. Raises Refusal `ambiguous`."""
        found = [one for one in self.keys() if fits(str(one.get("partial_key_hint", "")), value)]
        if len(found) > 1:
            raise Refusal(
                "ambiguous", f"{len(found)} keys fit the value by their hints: end the old one in the Console", keys=len(found)
            )
        return found[0] if found else None

    def turn(self, one: Key, status: str) -> None:
        """Give a key a status; where no answer came it is read. Raises Refusal `not_changed`."""
        answer = self.ask(f"{KEYS}/{one['id']}", {"status": status})
        if answer.status != 200:
            answer = self.ask(f"{KEYS}/{one['id']}")
        if answer.find("status") != status:
            raise Refusal("not_changed", f"the key is not {status}", status=answer.seen)


def fits(hint: str, value: str) -> bool:
    """Whether a hint, the first and last characters of a key with dots between, is of this value."""
    first, _, last = hint.partition("...")
    return len(last) >= SHORTEST_HINT and value.startswith(first) and value.endswith(last)


def run(request: Request) -> Reply:
    """Carry out one entry."""
    return {"preflight": preflight, "revoke": revoke, "persist": persist}[request["entry"]](request)


def preflight(request: Request) -> Reply:
    """The Admin API takes its key."""
    answer = Admin(request).ask(f"{KEYS}?limit=1")
    if answer.status != 200:
        raise Refusal("unreachable", "the Admin API cannot be asked", status=answer.seen)
    return {"done": True, "evidence": {"admin": answer.seen}}


def revoke(request: Request) -> Reply:
    """Make the old key inactive, see it refused and the new one accepted, archive it. A repetition ends in the same place."""
    key.require_new(request)
    admin, old = Admin(request), request["previous_value"]
    one, other = admin.find(old), admin.find(request["value"])
    if one and other and one["id"] == other["id"]:
        raise Refusal("ambiguous", "by its hint the old key is the new one: end the old one in the Console")
    if one is None or one["status"] in ("archived", "expired"):
        return _gone(request, "not listed" if one is None else one["status"])
    evidence = {"key": str(one["id"]), "was": str(one["status"])}
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": evidence}
    if one["status"] != "inactive":
        admin.turn(one, "inactive")
    seen = key.wait_refused(request, old, float(request["options"].get("revoke_seconds") or SECONDS))
    if seen != "refused":
        raise Refusal("still_valid", "the old key is inactive and not refused yet", outcome=seen, **evidence)
    _or_back(request, admin, one)
    admin.turn(one, "archived")
    return {"done": True, "changed": True, "evidence": {**evidence, "is": "archived"}}


def _gone(request: Request, status: str) -> Reply:
    seen = key.wait_refused(request, request["previous_value"], 0)
    if seen != "refused":
        raise Refusal("not_found", "the old key is not refused, and the Admin API has no key for it", outcome=seen)
    return {"done": True, "changed": False, "evidence": {"was": status}}


def _or_back(request: Request, admin: Admin, one: Key) -> None:
    """Make the old key active again where it was the one that is needed."""
    try:
        key.require_new(request)
    except Refusal as refusal:
        if refusal.facts.get("outcome") == "refused":
            admin.turn(one, "active")
            raise Refusal("taken_back", "without the old key the new one is refused: the old one is active again") from None
        raise


def persist(request: Request) -> Reply:
    """What the Admin API says of both keys is what stays."""
    admin = Admin(request)
    old, new = admin.find(request["previous_value"]), admin.find(request["value"])
    told = {"old": str(old["status"]) if old else "not listed", "new": str(new["status"]) if new else "not listed"}
    done = told["old"] in ("archived", "expired", "not listed") and told["new"] == "active"
    return {"done": True, "persisted": done, "evidence": told}
