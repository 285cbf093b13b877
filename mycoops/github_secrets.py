"""Writes secrets of GitHub Actions, sealed for their scope before they leave, and says what hides them; no answer is ever shown."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from mycoops.model import Reached
from mycoops.outside import GithubSecret
from mycoops.secret import Secret

TIMEOUT = 20.0
LIMIT = 1 << 20
"""Bytes of an answer that are read."""
LARGEST = 48 * 1024
"""Bytes of a secret that GitHub takes."""
PAGE = 100


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect would carry the token elsewhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """None makes the redirect an answer like any other."""


class Unheard(Exception):
    """No answer, a busy server, or one that says no. The text is ours, and the server's is nowhere in it."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(reached.problem)
        self.reached = reached


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what was decoded of a body of JSON."""

    status: int
    data: Any


class Actions:
    """The API of one place, asked with one token."""

    def __init__(self, place: GithubSecret, token: Secret) -> None:
        self._place, self._token = place, token
        context = ssl.create_default_context(cafile=place.ca_file or None)
        handlers = (urllib.request.ProxyHandler({}), _Stay, urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def write(self, text: Secret, declared: Collection[str] = ()) -> Reached:
        """Seal and write the value; its acknowledgement is the time at which GitHub says it was updated.

        What would hide it, and is not among the `declared` names of consumers, is a problem."""
        try:
            key = self._asked("GET", f"{self._secrets()}/public-key").data
            if len(text.reveal().encode()) > LARGEST:
                return Reached(f"{self._place.name}: the value is longer than GitHub takes")
            body = {"encrypted_value": _sealed(text, str(key["key"])), "key_id": str(key["key_id"]), **self._audience()}
            self._asked("PUT", f"{self._secrets()}/{self._place.secret}", body)
            return self._looked_at(declared)
        except Unheard as error:
            return error.reached
        except (KeyError, TypeError, ValueError, CryptoError):
            return Reached(f"{self._place.name}: the answer is not what GitHub's API documents")

    def look(self, declared: Collection[str] = ()) -> Reached:
        """When the secret was written last, and what hides it; nothing is changed. One that is not there has no mark."""
        try:
            self._asked("GET", f"{self._secrets()}/public-key")
            return self._looked_at(declared)
        except Unheard as error:
            return error.reached
        except (KeyError, TypeError, ValueError):
            return Reached(f"{self._place.name}: the answer is not what GitHub's API documents")

    def _looked_at(self, declared: Collection[str]) -> Reached:
        found = self._asked("GET", f"{self._secrets()}/{self._place.secret}", missing=True)
        mark = str(found.data["updated_at"]) if found.status == 200 else ""
        hidden, left = [], []
        for name, path in self._narrower():
            if name in declared:
                continue
            if not path:
                left.append(name)
                continue
            try:
                if self._asked("GET", path, missing=True).status == 200:
                    hidden.append(name)
            except Unheard as error:
                if error.reached.again:
                    raise
                left.append(name)
        evidence = {"updated_at": mark, "not_searched": ", ".join(left)}
        if hidden:
            problem = f"{self._place.name} is hidden by {', '.join(hidden)}: declare it as a consumer too, or delete it there"
            return Reached(problem, mark, evidence=evidence)
        return Reached(mark=mark, evidence={name: text for name, text in evidence.items() if text})

    def _narrower(self) -> Iterator[tuple[str, str]]:
        """The secrets of the same name that win over this one: what a consumer of it would be called, and its path.

        There is no path where nobody may look."""
        place = self._place
        if place.environment:
            return
        if place.organisation:
            for repository in place.repositories:
                yield f"github:{repository}:{place.secret}", f"/repos/{repository}/actions/secrets/{place.secret}"
        for repository in place.repositories or [place.repository]:
            try:
                environments = self._environments(repository)
            except Unheard as error:
                if error.reached.again:
                    raise
                yield f"github:{repository}/*:{place.secret}", ""
                continue
            for name in environments:
                path = f"/repos/{repository}/environments/{quote(name, safe='')}/secrets/{place.secret}"
                yield f"github:{repository}/{name}:{place.secret}", path

    def _environments(self, repository: str) -> list[str]:
        found = self._asked("GET", f"/repos/{repository}/environments?per_page={PAGE}")
        return [str(one["name"]) for one in found.data["environments"]]

    def _secrets(self) -> str:
        place = self._place
        if place.organisation:
            return f"/orgs/{place.organisation}/actions/secrets"
        if place.environment:
            return f"/repos/{place.repository}/environments/{quote(place.environment, safe='')}/secrets"
        return f"/repos/{place.repository}/actions/secrets"

    def _audience(self) -> dict[str, Any]:
        """Who may read an organisation's secret: a write that did not say so would change it."""
        if not self._place.organisation:
            return {}
        path = f"{self._secrets()}/{self._place.secret}"
        found = self._asked("GET", path, missing=True)
        visibility = str(found.data["visibility"]) if found.status == 200 else self._place.visibility
        if visibility != "selected":
            return {"visibility": visibility}
        chosen: list[int] = []
        while True:
            page = self._asked("GET", f"{path}/repositories?per_page={PAGE}&page={len(chosen) // PAGE + 1}").data
            chosen += [int(one["id"]) for one in page["repositories"]]
            if len(chosen) >= int(page["total_count"]) or not page["repositories"]:
                return {"visibility": visibility, "selected_repository_ids": chosen}

    def _asked(self, method: str, path: str, body: Any = None, *, missing: bool = False) -> Answer:
        """One request. Raises Unheard for whatever is not a success, or a 404 where that is an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._place.url + path, data, method=method)  # noqa: S310 - checked where it is declared
        request.add_header("Authorization", f"Bearer {self._token.reveal()}")
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        request.add_header("User-Agent", "mycoops")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=TIMEOUT) as reply:
                text = reply.read(LIMIT)
                return Answer(reply.status, json.loads(text) if text else None)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404 and missing:
                    return Answer(404, None)
                raise Unheard(self._refused(error.code, dict(error.headers.items()))) from None
        except (OSError, http.client.HTTPException) as error:
            cause = type(getattr(error, "reason", error)).__name__
            raise Unheard(Reached(f"{self._place.name}: no answer from the API ({cause})", again=True)) from None

    def _refused(self, status: int, headers: dict[str, str]) -> Reached:
        name, told = self._place.name, {key.lower(): value for key, value in headers.items()}
        wait = told.get("retry-after", "")
        if status == 429 or (status == 403 and (wait or told.get("x-ratelimit-remaining") == "0")):
            return Reached(f"{name}: too many requests", again=True, seconds=float(wait) if wait.isdecimal() else 0.0)
        if status >= 500:
            return Reached(f"{name}: the API answered {status}", again=True)
        token = self._place.token
        words = {
            401: f"the API refuses the token {token}",
            403: f"the token {token} may not do this (403): give it the permission for secrets of this scope",
            404: f"there is no such place, or the token {token} does not see it (404)",
            422: "the API did not take it (422)",
        }
        return Reached(f"{name}: {words.get(status, f'the API answered {status}')}")


def _sealed(text: Secret, key: str) -> str:
    """The value in a box that only the holder of the scope's private key opens, in base64."""
    box = SealedBox(PublicKey(base64.b64decode(key, validate=True)))
    return base64.b64encode(box.encrypt(text.reveal().encode())).decode()
