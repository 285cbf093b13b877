"""Actions secrets of GitHub: written sealed, never read back, at three scopes of which the narrowest wins.

Documented at docs.github.com:
  "REST API endpoints for GitHub Actions Secrets", /en/rest/actions/secrets: public key, list, get, PUT of `encrypted_value`
  and `key_id` with 201 for a new and 204 for an old secret, DELETE with 204; of a repository, an environment and an
  organization; `visibility` all, private or selected, and the list of selected repositories
  "Encrypting secrets for the REST API", /en/rest/guides/encrypting-secrets-for-the-rest-api: a sealed box of libsodium, in
  base64
  "Secrets reference", /en/actions/reference/security/secrets: letters, digits and underscores, not GITHUB_ nor a digit at the
  start; environment before repository before organization
  "Permissions required for fine-grained personal access tokens", /en/rest/authentication/…: secrets, environments,
  organization secrets
(not verified): the body of the 422 for a box that cannot be opened or a `key_id` of another key.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from clock import rfc3339
from credentials import Credential, digits
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*")
REPOSITORY, ENVIRONMENT, ORGANIZATION = (
    "/repos/{owner}/{name}",
    "/repos/{owner}/{name}/environments/{environment}",
    "/orgs/{organization}",
)


@dataclass(slots=True)
class Scope:
    """The secrets of one repository, environment or organization, and the key they are sealed with."""

    key: PrivateKey = field(default_factory=PrivateKey.generate)
    key_id: str = field(default_factory=lambda: digits(19))
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)


class Secrets(Provider):
    """What GitHub adds to tokens and repositories."""

    def begin_secrets(self) -> None:
        self.scopes: dict[str, Scope] = {}

    def caller(self, request: Request) -> Credential:
        raise NotImplementedError

    def repository(self, token: Credential, name: str, permission: str, level: str = "read") -> dict[str, Any]:
        raise NotImplementedError

    def organization(self, token: Credential, name: str, level: str) -> None:
        raise NotImplementedError

    def _scope(self, request: Request, where: dict[str, str], level: str) -> Scope:
        """The scope that a path names, once the token may use it so."""
        token = self.caller(request)
        if organization := where.get("organization"):
            self.organization(token, organization, level)
            return self.scopes.setdefault(organization, Scope())
        name, environment = f"{where['owner']}/{where['name']}", where.get("environment")
        found = self.repository(token, name, "environments" if environment else "secrets", level)
        if environment and environment not in found["environments"]:
            raise Refused(self.error(404, "Not Found"))
        return self.scopes.setdefault(f"{name}/{environment}" if environment else name, Scope())

    def _shown(self, name: str, secret: dict[str, Any]) -> dict[str, Any]:
        shown = {"name": name, "created_at": rfc3339(secret["created"]), "updated_at": rfc3339(secret["updated"])}
        return {**shown, "visibility": secret["visibility"]} if "visibility" in secret else shown

    @route("GET", f"{REPOSITORY}/actions/secrets/public-key")
    @route("GET", f"{ENVIRONMENT}/secrets/public-key")
    @route("GET", f"{ORGANIZATION}/actions/secrets/public-key")
    def public_key(self, request: Request, **where: str) -> Reply:
        scope = self._scope(request, where, "read")
        return Reply(200, {"key_id": scope.key_id, "key": base64.b64encode(bytes(scope.key.public_key)).decode()})

    @route("GET", f"{REPOSITORY}/actions/secrets")
    @route("GET", f"{ENVIRONMENT}/secrets")
    @route("GET", f"{ORGANIZATION}/actions/secrets")
    def list_secrets(self, request: Request, **where: str) -> Reply:
        scope = self._scope(request, where, "read")
        size, page = request.number("per_page", 30 if "organization" in where else 10), max(1, request.number("page", 1))
        names = sorted(scope.secrets)[(page - 1) * size : page * size]
        return Reply(
            200, {"total_count": len(scope.secrets), "secrets": [self._shown(name, scope.secrets[name]) for name in names]}
        )

    @route("GET", f"{REPOSITORY}/actions/secrets/{{secret}}")
    @route("GET", f"{ENVIRONMENT}/secrets/{{secret}}")
    @route("GET", f"{ORGANIZATION}/actions/secrets/{{secret}}")
    def get_secret(self, request: Request, secret: str, **where: str) -> Reply:
        scope = self._scope(request, where, "read")
        if secret.upper() not in scope.secrets:
            raise Refused(self.error(404, "Not Found"))
        return Reply(200, self._shown(secret.upper(), scope.secrets[secret.upper()]))

    @route("GET", f"{ORGANIZATION}/actions/secrets/{{secret}}/repositories")
    def selected_repositories(self, request: Request, secret: str, **where: str) -> Reply:
        found = self._scope(request, where, "read").secrets.get(secret.upper())
        if not found or found["visibility"] != "selected":
            raise Refused(self.error(404, "Not Found"))
        names = {one["id"]: name for name, one in self.__dict__["repositories"].items()}
        size, page = request.number("per_page", 30), max(1, request.number("page", 1))
        chosen = sorted(found["selected"])[(page - 1) * size : page * size]
        told = [{"id": one, "full_name": names.get(one, "")} for one in chosen]
        return Reply(200, {"total_count": len(found["selected"]), "repositories": told})

    @route("PUT", f"{REPOSITORY}/actions/secrets/{{secret}}")
    @route("PUT", f"{ENVIRONMENT}/secrets/{{secret}}")
    @route("PUT", f"{ORGANIZATION}/actions/secrets/{{secret}}")
    def put_secret(self, request: Request, secret: str, **where: str) -> Reply:
        scope, given, name, now = self._scope(request, where, "write"), request.json(), secret.upper(), self.clock.now()
        if not NAME.fullmatch(name) or given.get("key_id") != scope.key_id:
            raise Refused(self.error(422, "Validation Failed"))
        value = self._opened(scope, given.get("encrypted_value"))
        about: dict[str, Any] = {}
        if "organization" in where:
            if given.get("visibility") not in ("all", "private", "selected"):
                raise Refused(self.error(422, "Validation Failed"))
            about = {"visibility": given["visibility"], "selected": set(given.get("selected_repository_ids", []))}
        created = scope.secrets[name]["created"] if name in scope.secrets else None
        scope.secrets[name] = {"value": value, "created": now if created is None else created, "updated": now, **about}
        return Reply(201, {}) if created is None else Reply(204)

    def _opened(self, scope: Scope, sealed: Any) -> str:
        try:
            return SealedBox(scope.key).decrypt(base64.b64decode(str(sealed), validate=True)).decode()
        except (CryptoError, ValueError):
            raise Refused(self.error(422, "Validation Failed")) from None

    @route("DELETE", f"{REPOSITORY}/actions/secrets/{{secret}}")
    @route("DELETE", f"{ENVIRONMENT}/secrets/{{secret}}")
    @route("DELETE", f"{ORGANIZATION}/actions/secrets/{{secret}}")
    def delete_secret(self, request: Request, secret: str, **where: str) -> Reply:
        if not self._scope(request, where, "write").secrets.pop(secret.upper(), None):
            raise Refused(self.error(404, "Not Found"))
        return Reply(204)

    @console
    def run_job(self, repository: str, environment: str = "") -> dict[str, str]:
        """What a job of a workflow finds in its secrets: the only way to see a value again."""
        found = self.__dict__["repositories"].get(repository)
        if not found or (environment and environment not in found["environments"]):
            raise BadStep(f"there is no repository {repository} with environment {environment or '–'}")
        wider = self.scopes.get(repository.partition("/")[0], Scope()).secrets
        seen = {name: secret["value"] for name, secret in wider.items() if self._reaches(secret, found)}
        for scope in (repository, f"{repository}/{environment}"):
            seen |= {name: secret["value"] for name, secret in self.scopes.get(scope, Scope()).secrets.items()}
        return seen

    def _reaches(self, secret: dict[str, Any], repository: dict[str, Any]) -> bool:
        """Whether a secret of the organization is visible to one of its repositories."""
        chosen = {"all": True, "private": repository["private"], "selected": repository["id"] in secret["selected"]}
        return bool(chosen[secret["visibility"]])
