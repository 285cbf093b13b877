"""Asana: personal access tokens that a person makes and ends; each acts as that person.

Documented at developers.asana.com:
  "Personal access token", /docs/personal-access-token: made, shown once, and deauthorized in the developer console; several
  at a time
  "Get a user", /reference/getuser: GET /users/me with `gid`, `name`, `email`, `workspaces`; "Get multiple workspaces",
  /reference/getworkspaces
  "Errors", /docs/errors: `{"errors": [{"message"}]}`, 401 "Not Authorized", 403 Forbidden, 500 with a `phrase`
  "Rate limits", /docs/rate-limits: 150 a minute in free, 1500 in paid domains, for each token; 429 with `Retry-After`
(not verified): the shape of a token, `2/USER/ID:` and 32 hexadecimal digits.
"""

from __future__ import annotations

from typing import Any, ClassVar

from credentials import Credential, digits, pick
from limits import Window
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request


class Asana(Provider):
    """Persons with their workspaces."""

    NAME = "asana"
    HOSTS = ("app.asana.com",)
    SETTINGS: ClassVar[dict[str, Any]] = {"calls_per_minute": 150}

    def begin(self) -> None:
        self.persons: dict[str, dict[str, Any]] = {}
        self.window = Window()

    def error(self, status: int, message: str) -> Reply:
        phrase = {"phrase": "6 sad squid snuggle softly"} if status >= 500 else {}
        return Reply(status, {"errors": [{"message": message, **phrase}]})

    def throttled(self, seconds: int) -> Reply:
        reply = self.error(429, "You've made too many requests and hit a rate limit. Please retry after the given amount of time.")
        reply.headers["Retry-After"] = str(seconds)
        return reply

    def caller(self, request: Request) -> Credential:
        token = self.admitted(request, self.keys.working(request.bearer()), self.error(401, "Not Authorized"))
        _, wait = self.window.take(token.id, self.clock.now(), self.settings["calls_per_minute"], 60)
        if wait:
            raise Refused(self.throttled(wait))
        return token

    @route("GET", "/api/1.0/users/me")
    def me(self, request: Request) -> Reply:
        person = self.persons[self.caller(request).about["person"]]
        return Reply(200, {"data": {"gid": person["gid"], "resource_type": "user", "name": person["name"], "email": person["email"],
                                    "workspaces": person["workspaces"]}})  # fmt: skip

    @route("GET", "/api/1.0/workspaces")
    def workspaces(self, request: Request) -> Reply:
        return Reply(200, {"data": self.persons[self.caller(request).about["person"]]["workspaces"]})

    # What a person does.

    @console
    def create_person(self, name: str, workspaces: list[str]) -> dict[str, str]:
        gid = digits(16)
        spaces = [{"gid": digits(16), "resource_type": "workspace", "name": workspace} for workspace in workspaces]
        self.persons[gid] = {"gid": gid, "name": name, "email": f"{name}@example.org", "workspaces": spaces}
        return {"gid": gid}

    @console
    def create_token(self, person: str, name: str) -> dict[str, str]:
        """Developer console, Personal access tokens; the value is shown once."""
        if person not in self.persons:
            raise BadStep(f"there is no person {person}")
        identity = digits(16)
        value = f"2/{person}/{identity}:{pick('0123456789abcdef', 32)}"
        token = self.keys.add(Credential(identity, value, name, self.clock.now(), about={"person": person}))
        return {"id": token.id, "value": token.value}

    @console
    def deauthorize_token(self, token: str) -> dict[str, str]:
        self.keys.end(self.listed(token))
        return {"id": token}

    def state(self) -> dict[str, Any]:
        return {**super().state(), "persons": {gid: person["name"] for gid, person in self.persons.items()}}

    @console
    def leave_workspace(self, person: str, name: str) -> dict[str, str]:
        """The person, and with it each of its tokens, loses a workspace."""
        spaces = self.persons[person]["workspaces"]
        self.persons[person]["workspaces"] = [space for space in spaces if space["name"] != name]
        return {"gid": person}
