"""Anthropic: API keys that a person makes, and an Admin API that lists them and makes them inactive.

Documented at platform.claude.com:
  "Errors", /docs/en/api/errors: statuses, `{"type": "error", "error": {"type", "message"}, "request_id"}`, 401 for a key that
  is malformed, revoked or expired, 403 for workspace settings, 429 with `retry-after`, 529 overloaded
  "List Models", /docs/en/api/models-list: `data`, `has_more`, `first_id`, `last_id`
  "API keys", /docs/en/api/admin-api/apikeys/list-api-keys, …/update-api-key: POST of `name` and `status` active, inactive or
  archived; a status `expired` is read and cannot be written; `partial_key_hint`; keys are made in the Console only
  "Authentication", /docs/en/manage-claude/authentication: `x-api-key`, `anthropic-version`; "Admin API" needs a key
  `sk-ant-admin…`
(not verified): the words of the messages, the lengths of keys, that an archived key cannot be made active again, the 401 of
an ordinary key at the Admin API.
"""

from __future__ import annotations

from typing import Any

from clock import rfc3339
from credentials import ALNUM, URLSAFE, Credential, pick
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    405: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip
MODELS = ("model-large", "model-small")
WRITABLE = ("active", "inactive", "archived")


class Anthropic(Provider):
    """One organization; a key belongs to a workspace or to the default one."""

    NAME = "anthropic"
    HOSTS = ("api.anthropic.com",)

    def begin(self) -> None:
        self.refusing: set[str] = set()

    def error(self, status: int, message: str) -> Reply:
        request = f"req_{pick(ALNUM, 24)}"
        kind = ERRORS.get(status, "api_error")
        return Reply(
            status,
            {"type": "error", "error": {"type": kind, "message": message}, "request_id": request},
            {"request-id": request},
        )

    def forbidden(self) -> Reply:
        return self.error(403, "Your API key does not have permission to use the specified resource")

    def throttled(self, seconds: int) -> Reply:
        reply = self.error(429, "This request would exceed your organization's rate limit")
        reply.headers["retry-after"] = str(seconds)
        return reply

    def presented(self, request: Request) -> str:
        return request.header("x-api-key")

    def caller(self, request: Request, *, admin: bool = False) -> Credential:
        value = self.presented(request)
        if not value:
            raise Refused(self.error(401, "x-api-key header is required"))
        found = self.keys.working(value)
        fits = found if found and found.about["admin"] == admin else None
        key = self.admitted(request, fits, self.error(401, "invalid x-api-key"))
        if not request.header("anthropic-version"):
            raise Refused(self.error(400, "anthropic-version: header is required"))
        if key.about["workspace_id"] in self.refusing:
            raise Refused(self.forbidden())
        return key

    @route("GET", "/v1/models")
    def models(self, request: Request) -> Reply:
        self.caller(request)
        data = [{"type": "model", "id": name, "display_name": name, "created_at": rfc3339(0)} for name in MODELS]
        return Reply(200, {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})

    # The Admin API.

    def _public(self, key: Credential) -> dict[str, Any]:
        return {
            "type": "api_key", "id": key.id, "name": key.name, "workspace_id": key.about["workspace_id"],
            "status": "expired" if key.expired(self.clock.now()) else key.about["status"], "created_at": rfc3339(key.created),
            "created_by": {"id": key.about["user"], "type": "user"}, "expires_at": rfc3339(key.expires) if key.expires else None,
            "partial_key_hint": f"{key.value[:16]}...{key.value[-4:]}",
        }  # fmt: skip

    def _found(self, identity: str) -> Credential:
        key = self.keys.by_id(identity)
        if key is None or key.about["admin"]:
            raise Refused(self.error(404, "API key not found"))
        return key

    @route("GET", "/v1/organizations/api_keys")
    def list_keys(self, request: Request) -> Reply:
        self.caller(request, admin=True)
        wanted = {name: request.query[name] for name in ("status", "workspace_id") if name in request.query}
        found = [self._public(key) for key in self.keys.listed() if not key.about["admin"]]
        found = [key for key in found if all(key[name] == value for name, value in wanted.items())]
        if after := request.query.get("after_id"):
            places = [place for place, key in enumerate(found) if key["id"] == after]
            found = found[places[0] + 1 :] if places else []
        limit = request.number("limit", 20)
        part = found[:limit]
        ends = {"first_id": part[0]["id"], "last_id": part[-1]["id"]} if part else {"first_id": None, "last_id": None}
        return Reply(200, {"data": part, "has_more": len(found) > limit, **ends})

    @route("GET", "/v1/organizations/api_keys/{key}")
    def get_key(self, request: Request, key: str) -> Reply:
        self.caller(request, admin=True)
        return Reply(200, self._public(self._found(key)))

    @route("POST", "/v1/organizations/api_keys/{key}")
    def update_key(self, request: Request, key: str) -> Reply:
        self.caller(request, admin=True)
        found, given = self._found(key), request.json()
        status = given.get("status", found.about["status"])
        if status not in WRITABLE or (found.about["status"] == "archived" and status != "archived"):
            raise Refused(self.error(400, "status: this change is not possible"))
        if (status == "active") != (found.about["status"] == "active"):
            self.keys.turn(found, status == "active")
        found.about["status"], found.name = status, given.get("name", found.name)
        return Reply(200, self._public(found))

    # What a person does.

    def _make(self, name: str, prefix: str, length: int, about: dict[str, Any], expires: float | None = None) -> Credential:
        key = Credential(f"apikey_{pick(ALNUM, 24)}", prefix + pick(URLSAFE, length), name, self.clock.now(), expires)
        key.about = {"status": "active", "user": f"user_{pick(ALNUM, 24)}", "workspace_id": None, **about}
        return self.keys.add(key)

    @console
    def create_key(self, name: str, workspace_id: str | None = None, expires_in: float | None = None) -> dict[str, str]:
        """Console, API keys, Create key: the value is shown once."""
        expires = self.clock.now() + expires_in if expires_in else None
        key = self._make(name, "sk-ant-api03-", 95, {"admin": False, "workspace_id": workspace_id}, expires)
        return {"id": key.id, "value": key.value}

    @console
    def create_admin_key(self, name: str) -> dict[str, str]:
        """Console, Admin keys, by an administrator of the organization."""
        key = self._make(name, "sk-ant-admin01-", 93, {"admin": True})
        return {"id": key.id, "value": key.value}

    @console
    def delete_key(self, key: str) -> dict[str, str]:
        self.keys.end(self.listed(key))
        return {"id": key}

    @console
    def restrict_workspace(self, workspace_id: str, refused: bool = True) -> dict[str, str]:
        """Settings of a workspace under which its keys get 403, or no longer."""
        if not workspace_id.startswith("wrkspc_"):
            raise BadStep("a workspace's id begins with wrkspc_")
        (self.refusing.add if refused else self.refusing.discard)(workspace_id)
        return {"workspace_id": workspace_id}
