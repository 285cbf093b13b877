"""n8n: several instances, each with keys of its own, made by a person in its settings; no public endpoint makes any.

Documented at docs.n8n.io, "API authentication", /api/authentication/: Settings, n8n API, Create an API key, with label,
expiration and scopes; the header `X-N8N-API-KEY`; and "Pagination", /api/pagination/: `limit` up to 250, `cursor`,
`nextCursor`.
In the sources of n8n (public-api-key.service.ts, public-api/index.ts): a key is a token signed by the instance (`iss` n8n,
`aud` public-api), older ones are `n8n_api_` and 80 hexadecimal digits; errors are `{"message"}`, 401 "'X-N8N-API-KEY' header
required" without a key and 401 "unauthorized" with a wrong one.
(not verified): 403 "Forbidden" for a key without the scope.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

from credentials import ALNUM, Credential, pick
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

MOST = 250
SCOPES = ("workflow:list", "workflow:read")


def signed(claims: dict[str, Any], key: bytes) -> str:
    """A compact signed token, as an instance makes its keys."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(key, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


class N8n(Provider):
    """Instances by name; a request goes to the one that is the first segment of the path."""

    NAME = "n8n"
    PLACES = "instance"

    def begin(self) -> None:
        self.instances: dict[str, dict[str, Any]] = {}

    def presented(self, request: Request) -> str:
        return request.header("X-N8N-API-KEY")

    def caller(self, request: Request, scope: str) -> dict[str, Any]:
        """The instance that was asked, once its key is known there."""
        if not (instance := self.instances.get(request.place)):
            raise Refused(self.error(404, "not found"))
        value = self.presented(request)
        if not value:
            raise Refused(self.error(401, "'X-N8N-API-KEY' header required"))
        found = self.keys.working(value, request.place)
        here = found if found and found.about["instance"] == request.place else None
        key = self.admitted(request, here, self.error(401, "unauthorized"))
        if scope not in key.about["scopes"]:
            raise Refused(self.forbidden())
        return instance

    @route("GET", "/api/v1/workflows")
    def list_workflows(self, request: Request) -> Reply:
        workflows = self.caller(request, "workflow:list")["workflows"]
        limit = request.query.get("limit", "100")
        if not limit.isdigit() or not 0 < int(limit) <= MOST:
            raise Refused(self.error(400, f"request/query/limit must be <= {MOST}"))
        start = next((place for place, one in enumerate(workflows) if one["id"] == request.query.get("cursor")), 0)
        rest = workflows[start + int(limit) :]
        return Reply(200, {"data": workflows[start : start + int(limit)], "nextCursor": rest[0]["id"] if rest else None})

    @route("GET", "/api/v1/workflows/{workflow}")
    def get_workflow(self, request: Request, workflow: str) -> Reply:
        found = [one for one in self.caller(request, "workflow:read")["workflows"] if one["id"] == workflow]
        if not found:
            raise Refused(self.error(404, "Not Found"))
        return Reply(200, found[0])

    # What a person does.

    @console
    def create_instance(self, instance: str, workflows: list[str] | None = None) -> dict[str, str]:
        made = [{"id": pick(ALNUM, 16), "name": name, "active": True} for name in workflows or ["nightly"]]
        self.instances[instance] = {"workflows": made, "key": pick(ALNUM, 32).encode()}
        return {"instance": instance}

    @console
    def create_key(
        self, instance: str, name: str, expires_in: float | None = None, scopes: list[str] | None = None, legacy: bool = False
    ) -> dict[str, str]:
        """Settings, n8n API, Create an API key; the value is shown once."""
        if instance not in self.instances:
            raise BadStep(f"there is no instance {instance}")
        now = self.clock.now()
        expires = now + expires_in if expires_in else None
        claims = {"sub": str(uuid.uuid4()), "iss": "n8n", "aud": "public-api", "jti": str(uuid.uuid4()), "iat": int(now)}
        value = signed(claims | ({"exp": int(expires)} if expires else {}), self.instances[instance]["key"])
        about = {"instance": instance, "scopes": list(SCOPES if scopes is None else scopes)}
        value = f"n8n_api_{pick('0123456789abcdef', 80)}" if legacy else value
        key = self.keys.add(Credential(pick(ALNUM, 16), value, name, now, expires, about))
        return {"id": key.id, "value": key.value}

    @console
    def delete_key(self, key: str) -> dict[str, str]:
        self.keys.end(self.listed(key))
        return {"id": key}
