"""GitHub: fine-grained personal access tokens of a person, their revocation by anybody, and what they open.

Documented at docs.github.com:
  "Revocation", /en/rest/credentials/revoke: POST /credentials/revoke, `credentials` up to 1000, 202, 422; 60 unauthenticated
  requests an hour; authenticated requests get a 403; what is revoked cannot be made valid again
  "Get the authenticated user", /en/rest/users/users; "Get a repository", /en/rest/repos/repos
  "REST API endpoints for deployment environments", /en/rest/deployments/environments: the list, with permission actions
  "Rate limits for the REST API", /en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 60 an hour without a token, 5000
  with one, `x-ratelimit-*`, `retry-after`
  "Troubleshooting the REST API", /en/rest/using-the-rest-api/troubleshooting-the-rest-api: 401 "Bad credentials", 404 instead
  of 403 for what is not visible, 403 "Resource not accessible by personal access token"
  "Managing your personal access tokens", /en/authentication/…: an organization may have to approve a token; until then it
  reads public resources only
(not verified): how long a revocation takes: setting `revocation_seconds`. That a credential nobody knows is accepted like
others. The parts of `github_pat_`: 22 and 59 characters, as secret scanners take them.
"""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from credentials import ALNUM, Credential, digits, pick
from github_secrets import Secrets
from limits import Window
from provider import BadStep, console, route
from wire import Refused, Reply, Request

MOST_CREDENTIALS = 1000


class GitHub(Secrets):
    """Users, organizations and repositories; names of repositories are OWNER/NAME."""

    NAME = "github"
    HOSTS = ("api.github.com",)
    SETTINGS: ClassVar[dict[str, Any]] = {"revocation_seconds": 2, "unauthenticated_per_hour": 60, "authenticated_per_hour": 5000}

    def begin(self) -> None:
        self.repositories: dict[str, dict[str, Any]] = {}
        self.organizations: set[str] = set()
        self.window = Window()
        self.begin_secrets()

    def error(self, status: int, message: str) -> Reply:
        return Reply(status, {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)})

    def forbidden(self) -> Reply:
        return self.error(403, "Resource not accessible by personal access token")

    def presented(self, request: Request) -> str:
        return request.bearer() or request.bearer("token")

    # Who asks, and what that token may do.

    def limited(self, caller: str, limit: int) -> dict[str, str]:
        """Count a call; the headers of its answer, or the refusal."""
        now = self.clock.now()
        left, wait = self.window.take(caller, now, limit, 3600)
        headers = {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": str(int(now + (wait or 3600))),
        }
        if wait:
            reply = self.error(403, "API rate limit exceeded")
            reply.headers = {**headers, "retry-after": str(wait)}
            raise Refused(reply)
        return headers

    def caller(self, request: Request) -> Credential:
        value = self.presented(request)
        if not value:
            self.limited(request.client, self.settings["unauthenticated_per_hour"])
            raise Refused(self.error(401, "Requires authentication"))
        token = self.admitted(request, self.keys.working(value), self.error(401, "Bad credentials"))
        self.limited(token.id, self.settings["authenticated_per_hour"])
        return token

    def repository(self, token: Credential, name: str, permission: str, level: str = "read") -> dict[str, Any]:
        """A repository that the token sees and may use so; raises 404 and 403 as documented."""
        found, about = self.repositories.get(name), token.about
        included = about["repositories"] == "all" or name in about["repositories"]
        usable = found is not None and name.partition("/")[0] == about["owner"] and included and not about["pending"]
        public_read = found is not None and not found["private"] and (permission, level) == ("metadata", "read")
        if found is None or not (usable or public_read or not found["private"]):
            raise Refused(self.error(404, "Not Found"))
        if not public_read and not (usable and self.may(token, permission, level)):
            raise Refused(self.forbidden())
        return found

    def may(self, token: Credential, permission: str, level: str) -> bool:
        given = {"metadata": "read", **token.about["permissions"]}.get(permission)
        return given == "write" or given == level

    def organization(self, token: Credential, name: str, level: str) -> None:
        """Raises unless the token is of this organization, approved, and may use its secrets so."""
        if name not in self.organizations:
            raise Refused(self.error(404, "Not Found"))
        if token.about["owner"] != name or token.about["pending"] or not self.may(token, "organization_secrets", level):
            raise Refused(self.forbidden())

    @route("GET", "/user")
    def user(self, request: Request) -> Reply:
        token = self.caller(request)
        moment = datetime.datetime.fromtimestamp(token.expires, datetime.UTC) if token.expires else None
        expires = {"github-authentication-token-expiration": f"{moment:%Y-%m-%d %H:%M:%S} UTC"} if moment else {}
        return Reply(200, {"login": token.about["user"], "id": 1, "type": "User"}, expires)

    @route("GET", "/repos/{owner}/{name}")
    def get_repository(self, request: Request, owner: str, name: str) -> Reply:
        token = self.caller(request)
        found = self.repository(token, f"{owner}/{name}", "metadata")
        return Reply(200, {"id": found["id"], "name": name, "full_name": f"{owner}/{name}", "private": found["private"]})

    @route("GET", "/repos/{owner}/{name}/environments")
    def list_environments(self, request: Request, owner: str, name: str) -> Reply:
        found = self.repository(self.caller(request), f"{owner}/{name}", "actions")
        size, page = request.number("per_page", 30), max(1, request.number("page", 1))
        names = found["environments"][(page - 1) * size : page * size]
        return Reply(200, {"total_count": len(found["environments"]), "environments": [{"name": one} for one in names]})

    @route("POST", "/credentials/revoke")
    def revoke(self, request: Request) -> Reply:
        if self.presented(request):
            raise Refused(self.error(403, "This endpoint takes no authenticated requests"))
        headers = self.limited(request.client, self.settings["unauthenticated_per_hour"])
        given = request.json().get("credentials")
        if not isinstance(given, list) or not 0 < len(given) <= MOST_CREDENTIALS or not all(isinstance(one, str) for one in given):
            reply = self.error(422, "Validation Failed")
            reply.headers = headers
            return reply
        for value in given:
            if found := self.keys.known(value):
                self.keys.end(found, least_seconds=self.settings["revocation_seconds"])
        return Reply(202, {}, headers)

    # What a person does.

    @console
    def create_repository(self, name: str, private: bool = True, environments: list[str] | None = None) -> dict[str, Any]:
        owner, _, short = name.partition("/")
        if not owner or not short:
            raise BadStep("a repository is OWNER/NAME")
        self.repositories[name] = {"id": int(digits(9)), "private": private, "environments": list(environments or [])}
        return {"id": self.repositories[name]["id"]}

    @console
    def create_organization(self, name: str) -> dict[str, str]:
        self.organizations.add(name)
        return {"name": name}

    @console
    def create_token(
        self, name: str, user: str, permissions: dict[str, str], owner: str = "", repositories: list[str] | str = "all",
        expires_in: float | None = None, pending: bool = False,
    ) -> dict[str, str]:  # fmt: skip
        """Settings, Developer settings, Fine-grained tokens: `permissions` as {"secrets": "write"}; the value is shown once."""
        expires = self.clock.now() + expires_in if expires_in else None
        about = {"user": user, "owner": owner or user, "repositories": repositories, "permissions": permissions, "pending": pending}
        value = f"github_pat_{pick(ALNUM, 22)}_{pick(ALNUM, 59)}"
        token = self.keys.add(Credential(digits(8), value, name, self.clock.now(), expires, about))
        return {"id": token.id, "value": token.value}

    @console
    def approve_token(self, token: str) -> dict[str, str]:
        """An owner of the organization approves a token that is pending."""
        self.listed(token).about["pending"] = False
        return {"id": token}

    @console
    def delete_token(self, token: str) -> dict[str, str]:
        self.keys.end(self.listed(token))
        return {"id": token}
