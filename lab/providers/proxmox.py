"""Proxmox VE: API tokens of users on a cluster, whose nodes hear of a change one after the other.

Documented in the "Proxmox VE API viewer", pve.proxmox.com/pve-docs/api-viewer/:
  /access/users/{userid}/token/{tokenid}: POST `comment`, `expire`, `privsep` (default 1), PUT also `regenerate`, DELETE;
  `value` is returned once
  /access/acl: PUT `path`, `roles`, `tokens` or `users`, `propagate`, `delete`; /access/permissions; /version; /nodes
and in "User Management", pve.proxmox.com/pve-docs/chapter-pveum.html: the header `PVEAPIToken=USER@REALM!TOKENID=UUID`; the
privileges of a separated token are those of its own ACLs that its user has too; roles and privileges; changes are replicated
by the cluster file system.
In the sources of pve-access-control (AccessControl.pm, User.pm): "no such token", "invalid token value!", "access expired",
`Token already exists.`; a token may change tokens of its own user only with User.Modify on /access/users/{userid}.
(not verified): the bodies of errors, `{"data": null, "message": …}`; the message is in the status line for certain. That a
node answers lists from its own copy.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from credentials import Credential, Gradual
from provider import BadStep, Provider, console, route
from wire import Refused, Reply, Request

BASE = "/api2/json"
AUDIT = ("Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit")
ADMIN = (*AUDIT, "Permissions.Modify", "Sys.Modify", "User.Modify", "VM.Allocate", "VM.PowerMgmt")
ROLES: dict[str, tuple[str, ...]] = {
    "NoAccess": (),
    "PVEAuditor": AUDIT,
    "PVEVMUser": ("VM.Audit", "VM.PowerMgmt"),
    "PVEVMAdmin": ("VM.Allocate", "VM.Audit", "VM.PowerMgmt"),
    "PVEUserAdmin": ("User.Modify",),
    "PVEAdmin": tuple(name for name in ADMIN if name != "Permissions.Modify"),
    "Administrator": ADMIN,
}
TOKEN = re.compile(r"PVEAPIToken=(?P<id>(?P<user>[^\s:/!=]+@[\w.-]+)!(?P<token>[\w.-]+))=(?P<value>\S+)")


class Proxmox(Provider):
    """A cluster; a request goes to one of its nodes, which is the first segment of the path."""

    NAME = "proxmox"
    PLACES = "node"

    def begin(self) -> None:
        self.nodes = ["pve1", "pve2"]
        self.users: set[str] = {"root@pam"}
        self.acl: list[dict[str, Any]] = []

    def error(self, status: int, message: str, **errors: str) -> Reply:
        body: dict[str, Any] = {"data": None, "message": f"{message}\n"}
        return Reply(status, {**body, "errors": errors} if errors else body, reason=message)

    def forbidden(self) -> Reply:
        return self.error(403, "Permission check failed")

    def presented(self, request: Request) -> str:
        return request.header("Authorization")

    def data(self, found: Any) -> Reply:
        return Reply(200, {"data": found})

    # Who asks, and what it may.

    def caller(self, request: Request, privilege: str = "", path: str = "/") -> Credential:
        """The token of the request as this node knows it; raises 401 with the node's reason, 403 without the privilege."""
        if request.place not in self.nodes:
            raise Refused(self.error(595, "No route to host"))
        given = TOKEN.fullmatch(self.presented(request))
        if not given:
            raise Refused(self.error(401, "No ticket" if not self.presented(request) else "no tokenid specified"))
        found, now = self._token(given["user"], given["token"], request.place), self.clock.now()
        reason = f"no such token '{given['token']}' for user '{given['user']}'"
        if found:
            reason = f"token '{given['token']}' access expired" if found.expired(now) else "invalid token value!"
        works = self.keys.working(given["value"], request.place)
        token = self.admitted(request, works if works is found else None, self.error(401, reason))
        if privilege and privilege not in self.privileges(token.id, path, request.place):
            raise Refused(self.error(403, f"Permission check failed ({path}, {privilege})"))
        return token

    def _token(self, user: str, name: str, node: str) -> Credential | None:
        """The token of this id that the node's copy of the configuration has."""
        now = self.clock.now()
        return next((one for one in self.keys.every() if one.id == f"{user}!{name}" and one.alive.seen(now, node)), None)

    def privileges(self, who: str, path: str, node: str) -> dict[str, int]:
        """What a user or token may do at a path, a separated token only what its user may too; 1 is handed down, 0 is not."""
        user = who.partition("!")[0]
        if who == "root@pam":
            return dict.fromkeys(ADMIN, 1)
        if who == user:
            return self._granted(who, path, node)
        token = self._token(user, who.partition("!")[2], node)
        of_user = self.privileges(user, path, node)
        if token and not token.about["privsep"]:
            return of_user
        return {name: kept for name, kept in self._granted(who, path, node).items() if name in of_user}

    def _granted(self, who: str, path: str, node: str) -> dict[str, int]:
        """By ACLs: the nearest path that names it counts, and one above only where it propagates."""
        now = self.clock.now()
        parents = [path[:end] for end in range(len(path), 0, -1) if end == len(path) or path[end] == "/"]
        for place in dict.fromkeys([*parents, "/"]):
            mine = [one for one in self.acl if (one["ugid"], one["path"]) == (who, place) and one["seen"].seen(now, node)]
            if fits := [one for one in mine if one["propagate"] or place == path]:
                return {name: int(one["propagate"]) for one in fits for name in ROLES[one["roleid"]]}
        return {}

    # Tokens.

    def _info(self, token: Credential) -> dict[str, Any]:
        found = {"privsep": token.about["privsep"], "expire": int(token.expires or 0), "comment": token.about["comment"]}
        return {name: value for name, value in found.items() if value != ""}

    def _found(self, request: Request, user: str, token: str) -> Credential:
        if not (found := self._token(user, token, request.place)):
            raise Refused(self.error(500, f"no such token '{token}' for user '{user}'"))
        return found

    def _modifier(self, request: Request, user: str) -> None:
        self.caller(request, "User.Modify", f"/access/users/{user}")
        if user not in self.users:
            raise Refused(self.error(500, f"no such user ('{user}')"))

    def _settings(self, request: Request) -> dict[str, Any]:
        given = request.fields()
        try:
            numbers: dict[str, Any] = {name: int(given[name]) for name in ("expire", "privsep", "regenerate") if name in given}
        except ValueError:
            raise Refused(self.error(400, "Parameter verification failed.", expire="type check ('integer') failed")) from None
        given.update(numbers)
        return given

    @route("GET", f"{BASE}/access/users/{{user}}/token")
    def list_tokens(self, request: Request, user: str) -> Reply:
        self._modifier(request, user)
        now = self.clock.now()
        mine = [one for one in self.keys.every() if one.about["user"] == user and one.alive.seen(now, request.place)]
        return self.data([{"tokenid": one.name, **self._info(one)} for one in mine])

    @route("GET", f"{BASE}/access/users/{{user}}/token/{{token}}")
    def get(self, request: Request, user: str, token: str) -> Reply:
        self._modifier(request, user)
        return self.data(self._info(self._found(request, user, token)))

    @route("POST", f"{BASE}/access/users/{{user}}/token/{{token}}")
    def create(self, request: Request, user: str, token: str) -> Reply:
        self._modifier(request, user)
        given = self._settings(request)
        if any(one.id == f"{user}!{token}" and one.alive.settled() for one in self.keys.every()):
            raise Refused(self.error(400, "Parameter verification failed.", tokenid="Token already exists."))
        made = self._make(user, token, given, request.place)
        return self.data({"full-tokenid": made.id, "info": self._info(made), "value": made.value})

    def _make(self, user: str, token: str, given: dict[str, Any], node: str) -> Credential:
        about = {"user": user, "privsep": given.get("privsep", 1), "comment": str(given.get("comment", ""))}
        made = Credential(f"{user}!{token}", str(uuid.uuid4()), token, self.clock.now(), given.get("expire") or None, about)
        return self.keys.add(made, node)

    @route("PUT", f"{BASE}/access/users/{{user}}/token/{{token}}")
    def update(self, request: Request, user: str, token: str) -> Reply:
        self._modifier(request, user)
        found, given = self._found(request, user, token), self._settings(request)
        found.expires = (given["expire"] or None) if "expire" in given else found.expires
        found.about.update({name: given[name] for name in ("comment", "privsep") if name in given})
        if not given.get("regenerate"):
            return self.data(self._info(found))
        self.keys.end(found, request.place)
        again = {"privsep": found.about["privsep"], "comment": found.about["comment"], "expire": found.expires}
        made = self._make(user, token, again, request.place)
        return self.data({**self._info(made), "full-tokenid": made.id, "value": made.value})

    @route("DELETE", f"{BASE}/access/users/{{user}}/token/{{token}}")
    def delete(self, request: Request, user: str, token: str) -> Reply:
        self._modifier(request, user)
        self.keys.end(self._found(request, user, token), request.place)
        return self.data(None)

    # Permissions, and what a probe reads.

    @route("GET", f"{BASE}/access/acl")
    def list_acl(self, request: Request) -> Reply:
        self.caller(request, "Sys.Audit", "/access")
        now = self.clock.now()
        seen = [one for one in self.acl if one["seen"].seen(now, request.place)]
        return self.data([{name: value for name, value in one.items() if name != "seen"} for one in seen])

    @route("PUT", f"{BASE}/access/acl")
    def change_acl(self, request: Request) -> Reply:
        given = request.fields()
        self.caller(request, "Permissions.Modify", str(given.get("path", "/")))
        self._change_acl(given, request.place)
        return self.data(None)

    def _change_acl(self, given: dict[str, Any], node: str) -> None:
        """Add or take roles at a path, for tokens and users named in lists with commas."""
        roles = str(given.get("roles", "")).split(",")
        if strange := set(roles) - set(ROLES):
            raise Refused(self.error(400, "Parameter verification failed.", roles=f"no such role '{min(strange)}'"))
        kinds = (("token", given.get("tokens", "")), ("user", given.get("users", "")))
        names = [(kind, name) for kind, listed in kinds for name in str(listed).split(",") if name]
        for kind, name in names:
            for role in roles:
                entry = {"path": given["path"], "ugid": name, "type": kind, "roleid": role}
                self._entry(entry, int(given.get("propagate", 1))).set(
                    not int(given.get("delete", 0)), self.clock.now(), self.propagation, node
                )

    def _entry(self, entry: dict[str, Any], propagate: int) -> Gradual:
        for one in self.acl:
            if all(one[name] == value for name, value in entry.items()):
                one["propagate"] = propagate
                return one["seen"]  # type: ignore[no-any-return]
        seen = Gradual()
        self.acl.append({**entry, "propagate": propagate, "seen": seen})
        return seen

    @route("GET", f"{BASE}/access/permissions")
    def permissions(self, request: Request) -> Reply:
        token = self.caller(request)
        who = request.query.get("userid") or token.id
        if who not in (token.id, token.about["user"]):
            self.caller(request, "Sys.Audit", "/access")
        wanted = request.query.get("path")
        paths = [wanted] if wanted else sorted({"/", *(one["path"] for one in self.acl)})
        found = {path: self.privileges(who, path, request.place) for path in paths}
        return self.data({path: privileges for path, privileges in found.items() if privileges})

    @route("GET", f"{BASE}/version")
    def version(self, request: Request) -> Reply:
        self.caller(request)
        return self.data({"version": "8.4.1", "release": "8.4", "repoid": "2a5fa54a8503f96d"})

    @route("GET", f"{BASE}/nodes")
    def list_nodes(self, request: Request) -> Reply:
        self.caller(request)
        return self.data([{"node": node, "id": f"node/{node}", "type": "node", "status": "online"} for node in self.nodes])

    # What a person does.

    def state(self) -> dict[str, Any]:
        acl = [{**one, "seen": one["seen"].settled()} for one in self.acl]
        return {**super().state(), "nodes": self.nodes, "users": sorted(self.users), "acl": acl}

    @console
    def set_nodes(self, nodes: list[str]) -> list[str]:
        self.nodes = list(nodes)
        return self.nodes

    @console
    def create_user(self, user: str, roles: str = "", path: str = "/") -> dict[str, str]:
        """Datacenter, Permissions, Users; with roles at a path."""
        if not re.fullmatch(r"[^\s:/!=]+@[\w.-]+", user):
            raise BadStep("a user is NAME@REALM")
        self.users.add(user)
        if roles:
            self._change_acl({"path": path, "roles": roles, "users": user}, "")
        return {"user": user}

    @console
    def create_token(
        self, user: str, token: str, privsep: int = 1, roles: str = "", path: str = "/", expire: int = 0
    ) -> dict[str, str]:
        """Datacenter, Permissions, API Tokens; the value is shown once."""
        if user not in self.users:
            raise BadStep(f"there is no user {user}")
        made = self._make(user, token, {"privsep": privsep, "expire": expire}, "")
        if roles:
            self._change_acl({"path": path, "roles": roles, "tokens": made.id}, "")
        return {"id": made.id, "value": made.value}
