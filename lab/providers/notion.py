"""Notion: integrations, each with one secret; pages are shared with an integration and with no other.

Documented at developers.notion.com:
  "Retrieve your token's bot user", /reference/get-self: GET /v1/users/me; "Search by title", /reference/post-search: what is
  shared with the integration
  "Retrieve a page", /reference/retrieve-a-page: 404 `object_not_found` also for what is not shared
  "Status codes", /reference/status-codes: `object`, `status`, `code`, `message`, `request_id`; 401 `unauthorized`, 403
  `restricted_resource`, 400 `missing_version` without Notion-Version, 429 `rate_limited`, 529 `service_overload`
  "Request limits", /reference/request-limits: an average of three requests a second, `Retry-After` in whole seconds, at most
  60 for one integration
  "Authorization", /guides/get-started/authorization: a secret can be refreshed in the settings, which ends the one before
(not verified): the length of a secret, `ntn_` and 46 characters; that a refreshed secret dies at once.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from clock import rfc3339
from credentials import ALNUM, Credential, pick
from limits import Window
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

ERRORS = {
    400: "validation_error", 401: "unauthorized", 403: "restricted_resource", 404: "object_not_found", 405: "invalid_request_url",
    429: "rate_limited", 503: "service_unavailable", 529: "service_overload",
}  # fmt: skip


class Notion(Provider):
    """One workspace with pages and integrations."""

    NAME = "notion"
    HOSTS = ("api.notion.com",)
    SETTINGS: ClassVar[dict[str, Any]] = {"calls_per_minute": 180}

    def begin(self) -> None:
        self.pages: dict[str, str] = {}
        self.window = Window()

    def error(self, status: int, message: str, code: str = "") -> Reply:
        code = code or ERRORS.get(status, "internal_server_error")
        body = {"object": "error", "status": status, "code": code, "message": message, "request_id": str(uuid.uuid4())}
        return Reply(status, body, {"x-request-id": body["request_id"]} if isinstance(body["request_id"], str) else {})

    def forbidden(self) -> Reply:
        return self.error(403, "Insufficient permissions for this endpoint.")

    def caller(self, request: Request) -> Credential:
        token = self.admitted(request, self.keys.working(request.bearer()), self.error(401, "API token is invalid."))
        if not request.header("Notion-Version"):
            message = "Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`."
            raise Refused(self.error(400, message, "missing_version"))
        _, wait = self.window.take(token.id, self.clock.now(), self.settings["calls_per_minute"], 60)
        if wait:
            raise Refused(self.throttled(wait))
        return token

    @route("GET", "/v1/users/me")
    def me(self, request: Request) -> Reply:
        token = self.caller(request)
        bot = {"owner": {"type": "workspace", "workspace": True}, "workspace_name": "lab"}
        return Reply(
            200, {"object": "user", "id": token.about["bot"], "name": token.name, "avatar_url": None, "type": "bot", "bot": bot}
        )

    def _page(self, identity: str) -> dict[str, Any]:
        title = [{"type": "text", "plain_text": self.pages[identity]}]
        return {
            "object": "page",
            "id": identity,
            "created_time": rfc3339(0),
            "archived": False,
            "properties": {"title": {"title": title}},
        }

    @route("POST", "/v1/search")
    def search(self, request: Request) -> Reply:
        token, given = self.caller(request), request.json()
        seen = sorted(page for page in token.about["shared"] if str(given.get("query", "")).lower() in self.pages[page].lower())
        size, start = given.get("page_size", 100), given.get("start_cursor")
        if not isinstance(size, int) or not 0 < size <= 100 or (start and start not in seen):
            raise Refused(self.error(400, "body failed validation"))
        seen = seen[seen.index(start) :] if start else seen
        more = seen[size] if len(seen) > size else None
        found = [self._page(page) for page in seen[:size]]
        return Reply(
            200, {"object": "list", "results": found, "next_cursor": more, "has_more": more is not None, "type": "page_or_database"}
        )

    @route("GET", "/v1/pages/{page}")
    def get_page(self, request: Request, page: str) -> Reply:
        if page not in self.caller(request).about["shared"]:
            message = (
                f"Could not find page with ID: {page}. Make sure the relevant pages and databases are shared with your integration."
            )
            raise Refused(self.error(404, message))
        return Reply(200, self._page(page))

    # What a person does.

    @console
    def create_page(self, title: str) -> dict[str, str]:
        identity = str(uuid.uuid4())
        self.pages[identity] = title
        return {"id": identity}

    def _secret(self, identity: str, name: str, about: dict[str, Any]) -> dict[str, str]:
        token = self.keys.add(Credential(identity, f"ntn_{pick(ALNUM, 46)}", name, self.clock.now(), about=about))
        return {"id": token.id, "value": token.value}

    @console
    def create_integration(self, name: str) -> dict[str, str]:
        """Settings, Integrations, New internal integration: nothing is shared with it."""
        return self._secret(str(uuid.uuid4()), name, {"bot": str(uuid.uuid4()), "shared": set()})

    @console
    def share_page(self, page: str, integration: str) -> dict[str, str]:
        """The menu of a page, Connections, Add."""
        if page not in self.pages:
            raise BadStep(f"there is no page {page}")
        self.listed(integration).about["shared"].add(page)
        return {"id": page}

    @console
    def refresh_secret(self, integration: str) -> dict[str, str]:
        """The same integration gets another secret; the one before ends."""
        old = self.listed(integration)
        self.keys.end(old)
        return self._secret(old.id, old.name, old.about)

    @console
    def delete_integration(self, integration: str) -> dict[str, str]:
        self.keys.end(self.listed(integration))
        return {"id": integration}

    def state(self) -> dict[str, Any]:
        shared = {token.id: sorted(token.about["shared"]) for token in self.keys.listed()}
        return {**super().state(), "pages": self.pages, "shared": shared}
