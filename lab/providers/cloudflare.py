"""Cloudflare: API tokens of a user, with policies, status and expiry, made and ended by a token that may do so.

Documented at developers.cloudflare.com:
  "Tokens", /api/resources/user/subresources/tokens/: paths, fields, `status` active, disabled or expired; PUT of a token
  replaces it whole
  "Verify Token", /api/resources/user/subresources/tokens/methods/verify/: the result has `id`, `status`, `expires_on`,
  `not_before`
  "Roll token", /fundamentals/api/how-to/roll-token/: PUT …/value returns the new secret, the old one is invalid from then on
  "Token formats", /fundamentals/api/get-started/token-formats/: `cfut_`, 40 characters and a checksum
  "Create tokens via API", /fundamentals/api/how-to/create-via-api/: policies, and the permission User, API Tokens, Edit
  "Rate limits", /fundamentals/api/reference/limits/: 1200 in five minutes, 50 tokens for a user, `retry-after`, `Ratelimit`
Seen in public reports, not documented: 401 with code 1000 "Invalid API Token" from verify, message 10000 "This API Token is
valid and active", 400 with 6003 and 6111 for a header of another form, 403 with 10000 "Authentication error" without the
permission.
(not verified): whether verify of a disabled or expired token answers 200 with its status, as its fields suggest, or 401:
setting `inactive_is_refused`. The checksum is eight hexadecimal digits of chance. Status and code of a bad body. That PUT
without `expires_on` removes it.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from clock import rfc3339, seconds_of
from credentials import ALNUM, Credential, pick
from limits import Window
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

HEX = "0123456789abcdef"
GROUPS = ("API Tokens Read", "API Tokens Write", "Zone Read", "DNS Read", "DNS Write")
BASE = "/client/v4"
WRITABLE = {"name", "policies", "expires_on", "not_before", "condition", "status"}


def token_value() -> str:
    return f"cfut_{pick(ALNUM, 40)}{pick(HEX, 8)}"


class Cloudflare(Provider):
    """One user with zones; permission groups have ids made at the start, to be looked up by name."""

    NAME = "cloudflare"
    HOSTS = ("api.cloudflare.com",)
    SETTINGS: ClassVar[dict[str, Any]] = {"calls_per_five_minutes": 1200, "tokens_per_user": 50, "inactive_is_refused": False}

    def begin(self) -> None:
        self.user = pick(HEX, 32)
        self.zones: dict[str, str] = {}
        self.groups = {name: pick(HEX, 32) for name in GROUPS}
        self.window = Window()

    # Bodies.

    def error(self, status: int, message: str, code: int = 10000) -> Reply:
        return Reply(status, {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None})

    def forbidden(self) -> Reply:
        return self.error(403, "Authentication error")

    def throttled(self, seconds: int) -> Reply:
        reply = self.error(429, "Please wait and consider throttling your request speed", 10429)
        reply.headers = {"retry-after": str(seconds), "Ratelimit": f'"default";r=0;t={seconds}', "Ratelimit-Policy": self._policy()}
        return reply

    def _policy(self) -> str:
        return f'"default";q={self.settings["calls_per_five_minutes"]};w=300'

    def success(self, result: Any, message: str = "", **more: Any) -> Reply:
        messages = [{"code": 10000, "message": message, "type": None}] if message else []
        return Reply(200, {"success": True, "errors": [], "messages": messages, "result": result, **more})

    # Who asks, and what that token may do.

    def caller(self, request: Request, *permissions: str, resource: str = "") -> Credential:
        """The token of the request; it must work, be within the limit, and have one of the permissions on the resource."""
        value = request.bearer()
        if not re.fullmatch(r"[A-Za-z0-9_-]{40,}", value):
            raise Refused(self._malformed())
        token = self.admitted(request, self.keys.working(value), self._refusal(value, request))
        _, wait = self.window.take(self.user, self.clock.now(), self.settings["calls_per_five_minutes"], 300)
        if wait:
            raise Refused(self.throttled(wait))
        if permissions and not any(self.allowed(token, name, resource or self._me()) for name in permissions):
            raise Refused(self.forbidden())
        return token

    def _malformed(self) -> Reply:
        reply = self.error(400, "Invalid request headers", 6003)
        reply.body["errors"][0]["error_chain"] = [{"code": 6111, "message": "Invalid format for Authorization header"}]
        return reply

    def _refusal(self, value: str, request: Request) -> Reply:
        known, verifies = self.keys.known(value), request.path.endswith("/verify")
        inactive = known if known and known.listed and self._status(known) != "active" else None
        if verifies and inactive and not self.settings["inactive_is_refused"]:
            return self.success({"id": inactive.id, **self._dates(inactive), "status": self._status(inactive)})
        if verifies:
            return self.error(401, "Invalid API Token", 1000)
        return self.error(403, "Invalid access token", 9109)

    def _me(self) -> str:
        return f"com.cloudflare.api.user.{self.user}"

    def allowed(self, token: Credential, permission: str, resource: str) -> bool:
        """Whether a policy allows it and none denies it; `*` as the last segment stands for every resource of its sort."""
        wildcard = resource.rpartition(".")[0] + ".*"
        effects = {
            policy["effect"]
            for policy in token.about["policies"]
            if any(group["id"] == self.groups[permission] for group in policy["permission_groups"])
            and {resource, wildcard} & set(policy["resources"])
        }
        return effects == {"allow"}

    # Tokens.

    def _dates(self, token: Credential) -> dict[str, str]:
        found = {"not_before": token.about["not_before"], "expires_on": rfc3339(token.expires) if token.expires else None}
        return {name: value for name, value in found.items() if value}

    def _status(self, token: Credential) -> str:
        return "expired" if token.expired(self.clock.now()) else str(token.about["status"])

    def _public(self, token: Credential) -> dict[str, Any]:
        used = {"last_used_on": rfc3339(token.last_used)} if token.last_used else {}
        return {
            "id": token.id, "name": token.name, "status": self._status(token), "policies": token.about["policies"],
            "issued_on": rfc3339(token.created), "modified_on": rfc3339(token.about["modified"]), **self._dates(token), **used,
        }  # fmt: skip

    def _read(self, request: Request) -> dict[str, Any]:
        """The fields of a token in a body; the whole of them, because PUT replaces."""
        given = {name: value for name, value in request.json().items() if name in WRITABLE}
        policies = given.get("policies")
        if not given.get("name") or not isinstance(policies, list) or not policies:
            raise Refused(self.error(400, "name and policies are required", 1001))
        known = set(self.groups.values())
        for policy in policies:
            groups = [group.get("id") for group in policy.get("permission_groups", [])]
            if policy.get("effect") not in ("allow", "deny") or not policy.get("resources") or not groups or set(groups) - known:
                raise Refused(self.error(400, "a policy needs effect, resources and permission groups that exist", 1001))
            policy.setdefault("id", pick(HEX, 32))
        if given.setdefault("status", "active") not in ("active", "disabled"):
            raise Refused(self.error(400, "status must be active or disabled", 1001))
        try:
            given["expires"] = seconds_of(given["expires_on"]) if given.get("expires_on") else None
        except ValueError:
            raise Refused(self.error(400, "expires_on is no moment", 1001)) from None
        return given

    def _found(self, identity: str) -> Credential:
        if not (token := self.keys.by_id(identity)):
            raise Refused(self.error(404, "Could not find token", 1003))
        return token

    def _made(self, name: str, policies: list[Any], expires: float | None, given: dict[str, Any]) -> Credential:
        about = {"policies": policies, "status": "active", "not_before": given.get("not_before"), "modified": self.clock.now()}
        return self.keys.add(Credential(pick(HEX, 32), token_value(), name, self.clock.now(), expires, about))

    @route("GET", f"{BASE}/user/tokens/verify")
    def verify(self, request: Request) -> Reply:
        token = self.caller(request)
        return self.success({"id": token.id, "status": "active", **self._dates(token)}, "This API Token is valid and active")

    @route("GET", f"{BASE}/user/tokens/permission_groups")
    def permission_groups(self, request: Request) -> Reply:
        self.caller(request, "API Tokens Read", "API Tokens Write")
        return self.success([{"id": identity, "name": name} for name, identity in self.groups.items()])

    @route("GET", f"{BASE}/user/tokens")
    def list_tokens(self, request: Request) -> Reply:
        self.caller(request, "API Tokens Read", "API Tokens Write")
        return self._page(request, [self._public(token) for token in self.keys.listed()])

    @route("POST", f"{BASE}/user/tokens")
    def create(self, request: Request) -> Reply:
        self.caller(request, "API Tokens Write")
        given = self._read(request)
        if sum(1 for _ in self.keys.listed()) >= self.settings["tokens_per_user"]:
            raise Refused(self.error(400, "the quota of tokens is used up", 1001))
        token = self._made(given["name"], given["policies"], given["expires"], given)
        return self.success({**self._public(token), "value": token.value})

    @route("GET", f"{BASE}/user/tokens/{{token}}")
    def get(self, request: Request, token: str) -> Reply:
        self.caller(request, "API Tokens Read", "API Tokens Write")
        return self.success(self._public(self._found(token)))

    @route("PUT", f"{BASE}/user/tokens/{{token}}")
    def update(self, request: Request, token: str) -> Reply:
        self.caller(request, "API Tokens Write")
        found, given = self._found(token), self._read(request)
        if found.about["status"] != given["status"]:
            self.keys.turn(found, given["status"] == "active")
        found.name, found.expires = given["name"], given["expires"]
        found.about.update(policies=given["policies"], status=given["status"], not_before=given.get("not_before"))
        found.about["modified"] = self.clock.now()
        return self.success(self._public(found))

    @route("PUT", f"{BASE}/user/tokens/{{token}}/value")
    def roll(self, request: Request, token: str) -> Reply:
        self.caller(request, "API Tokens Write")
        old = self._found(token)
        self.keys.end(old)
        new = Credential(old.id, token_value(), old.name, old.created, old.expires, {**old.about, "modified": self.clock.now()})
        self.keys.add(new)
        if new.about["status"] != "active":
            self.keys.turn(new, False)
        return self.success(new.value)

    @route("DELETE", f"{BASE}/user/tokens/{{token}}")
    def delete(self, request: Request, token: str) -> Reply:
        self.caller(request, "API Tokens Write")
        found = self._found(token)
        self.keys.end(found)
        return self.success({"id": found.id})

    # What a token is for.

    def _page(self, request: Request, found: Any) -> Reply:
        page, size = max(1, request.number("page", 1)), max(1, request.number("per_page", 20))
        part = found[(page - 1) * size : page * size]
        told = {
            "page": page,
            "per_page": size,
            "count": len(part),
            "total_count": len(found),
            "total_pages": -(-len(found) // size),
        }
        return self.success(part, result_info=told)

    @route("GET", f"{BASE}/zones")
    def list_zones(self, request: Request) -> Reply:
        token = self.caller(request)
        seen = {
            zone: name
            for zone, name in self.zones.items()
            if self.allowed(token, "Zone Read", f"com.cloudflare.api.account.zone.{zone}")
        }
        return self._page(request, [{"id": zone, "name": name, "status": "active"} for zone, name in seen.items()])

    @route("GET", f"{BASE}/zones/{{zone}}/dns_records")
    def list_records(self, request: Request, zone: str) -> Reply:
        self.caller(request, "DNS Read", "DNS Write", resource=f"com.cloudflare.api.account.zone.{zone}")
        return self._page(request, [{"id": pick(HEX, 32), "type": "A", "name": self.zones[zone], "content": "192.0.2.1"}])

    # What a person does.

    @console
    def create_zone(self, name: str) -> dict[str, str]:
        zone = pick(HEX, 32)
        self.zones[zone] = name
        return {"id": zone, "name": name}

    @console
    def create_token(self, name: str, permissions: dict[str, str], expires_on: str = "") -> dict[str, str]:
        """A token by the dashboard: `permissions` are names of groups, each with a zone's id, or `user`, or `*` for every zone."""
        if strange := set(permissions) - set(GROUPS):
            raise BadStep(f"no permission group {', '.join(strange)}; there are {', '.join(GROUPS)}")
        policies = [
            {"id": pick(HEX, 32), "effect": "allow", "permission_groups": [{"id": self.groups[group], "name": group}],
             "resources": {self._me() if where == "user" else f"com.cloudflare.api.account.zone.{where}": "*"}}
            for group, where in permissions.items()
        ]  # fmt: skip
        token = self._made(name, policies, seconds_of(expires_on) if expires_on else None, {})
        return {"id": token.id, "value": token.value}
