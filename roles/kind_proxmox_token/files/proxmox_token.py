"""An API token of a Proxmox user under two ids that take turns; what counts is what every node of the cluster says."""

from __future__ import annotations

import time
import typing
import urllib.parse

from mycoops_provider import Answer, Client
from mycoops_reply import Refusal
from mycoops_sealed import sealed

API = "/api2/json"
CALLS = 60
SETTLE_SECONDS, GRACE_DAYS, DAY = 30.0, 30.0, 86400
WORST = {"new": "refused", "old": "accepted", "random": "accepted"}
"""What counts where nodes do not agree: the reading that claims least."""


def run(request: dict) -> dict:
    """Carry out one entry."""
    return ENTRIES[request["entry"]](request)


def header(principal: str, value: str) -> typing.Dict[str, str]:
    return {"Authorization": f"PVEAPIToken={principal}={value}"}


def nodes(request: dict) -> typing.Dict[str, Client]:
    """A client for every node, by its URL; the first is the one that is changed."""
    given = request["options"].get("base_url") or []
    urls = [given] if isinstance(given, str) else list(given)
    if not urls:
        raise Refusal("no_base_url", "the option base_url has to name every node, as https://pve1:8006")
    return {str(url): Client({**request["options"], "base_url": url}, budget=CALLS) for url in urls}


def parts(principal: str) -> typing.Tuple[str, str]:
    """User and token of USER@REALM!TOKEN, each fit for a path."""
    user, mark, token = principal.partition("!")
    if not (user and mark and token):
        raise Refusal("bad_principal", "a principal is USER@REALM!TOKEN; the slot is added to it")
    return urllib.parse.quote(user, safe="@"), urllib.parse.quote(token, safe="")


class Admin:
    """The first node, as the administrator's token sees it."""

    def __init__(self, request: dict, client: Client) -> None:
        if not request.get("admin_value"):
            raise Refusal("no_admin", "authority.admin has to name the credential that may make tokens")
        self._client, self._header = client, header(request["admin_principal"], request["admin_value"])

    def ask(self, method: str, path: str, form: typing.Optional[typing.Dict[str, str]] = None) -> typing.Any:
        """The data of a call that succeeded. Raises Refusal for every other answer."""
        answer = self._client(method, API + path, self._header, form=form)
        if answer.status == 200:
            return answer.find("data")
        raise failed(answer)

    def tokens(self, user: str) -> typing.Dict[str, dict]:
        """The tokens of a user by name."""
        return {str(one["tokenid"]): one for one in self.ask("GET", f"/access/users/{user}/token") or []}

    def delete(self, user: str, token: str) -> None:
        self.ask("DELETE", f"/access/users/{user}/token/{token}")


def failed(answer: Answer) -> Refusal:
    """What an answer to the administrator's token says, by its status alone."""
    if not answer.status:
        return Refusal("no_answer", "the node gave no answer; what it may have made carries the tag", status=answer.seen)
    if answer.throttled:
        return Refusal("throttled", f"the node asks to wait {answer.retry_after:.0f} s", status=answer.seen)
    told = {401: ("admin_refused", "the administrator's token is refused"),
            403: ("admin_forbidden", "the administrator's token lacks User.Modify, Permissions.Modify or Sys.Audit")}  # fmt: skip
    code, message = told.get(answer.status, ("provider_error", f"the node answered with status {answer.seen}"))
    return Refusal(code, message, status=answer.seen)


def asked(request: dict, principal: str, value: str) -> typing.Dict[str, str]:
    """How every node takes a token."""
    clients = nodes(request)
    return {url: client("GET", f"{API}/version", header(principal, value)).outcome() for url, client in clients.items()}


def probe(request: dict) -> dict:
    """Ask every node for its version with the token of the subject."""
    subject = request.get("subject", "new")
    seen = asked(request, request["principal"], request["value"])
    found = list(seen.values())
    unclear = [outcome for outcome in found if outcome not in ("accepted", "refused")]
    outcome = WORST[subject] if WORST[subject] in found else (unclear or found)[0]
    return {"outcome": outcome, "evidence": {"path": f"{API}/version", "token": request["principal"], **seen}}


def preflight(request: dict) -> dict:
    """Every node refuses a random value and accepts the present one, and the other id is free."""
    control = asked(request, request["previous_principal"], request["value"])
    for url, outcome in control.items():
        if outcome != "refused":
            code = "cannot_verify" if outcome == "accepted" else "unreachable"
            raise Refusal(code, f"a random value is {outcome} at {url}")
    for url, outcome in asked(request, request["previous_principal"], request["previous_value"]).items():
        if outcome != "accepted":
            raise Refusal("old_not_ready", f"the present token is {outcome} at {url}")
    admin = Admin(request, next(iter(nodes(request).values())))
    user, token = parts(request["principal"])
    free(admin.tokens(user), token, request["tag"])
    admin.ask("GET", "/access/acl")
    return {"done": True, "evidence": {"nodes": str(len(control)), "token": request["principal"]}}


def free(tokens: typing.Dict[str, dict], token: str, tag: str) -> bool:
    """Whether the id is free; False where an attempt of this very run has made it. Raises Refusal `slot_taken`."""
    if token not in tokens:
        return True
    if tokens[token].get("comment") == tag:
        return False
    raise Refusal("slot_taken", f"there is a token {token} that this rotation has not made: delete it, if nobody uses it")


def mint(request: dict) -> dict:
    """Delete what an attempt with a lost answer has made, then make one token like the present one, with an expiry."""
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": {"check": "not sent"}}
    admin = Admin(request, next(iter(nodes(request).values())))
    user, token = parts(request["principal"])
    tokens = admin.tokens(user)
    old = tokens.get(parts(request["previous_principal"])[1])
    if old is None:
        raise Refusal("old_not_ready", f"there is no token {request['previous_principal']}")
    orphan = not free(tokens, token, request["tag"])
    if orphan:
        admin.delete(user, token)
    form = {"comment": request["tag"], "expire": str(expiry(request)), "privsep": str(int(old.get("privsep", 1)))}
    made = admin.ask("POST", f"/access/users/{user}/token/{token}", form)
    if not isinstance(made, dict) or not isinstance(made.get("value"), str):
        raise Refusal("provider_error", "the node made a token and did not show it")
    evidence = {"id": request["principal"], "expire": form["expire"], "orphans": str(int(orphan))}
    return {"done": True, "changed": True, "returned": sealed(made["value"], request["pad"]), "evidence": evidence}


def expiry(request: dict) -> int:
    """The moment it ends by itself: after the next rotation is due, and some grace."""
    days = float(request.get("cadence_days") or 0) + float(request["options"].get("grace_days", GRACE_DAYS))
    return int(time.time() + days * DAY)


def settle(request: dict) -> dict:
    """Give the new token the ACLs of the present one, and wait until every node accepts it."""
    if request.get("check"):
        return {"done": True}
    admin = Admin(request, next(iter(nodes(request).values())))
    acl = admin.ask("GET", "/access/acl") or []
    old, new = (entries(acl, request[name]) for name in ("previous_principal", "principal"))
    for path, role, propagate in old - new:
        form = {"path": path, "roles": role, "propagate": propagate, "tokens": request["principal"]}
        admin.ask("PUT", "/access/acl", form)
    waited(request, request["principal"], request["value"], "accepted")
    return {"done": True, "changed": bool(old - new), "evidence": {"acls": str(len(old))}}


def entries(acl: typing.List[dict], principal: str) -> typing.Set[typing.Tuple[str, str, str]]:
    """Path, role and propagation of what a token itself was given: a separated token begins with nothing."""
    mine = [one for one in acl if (one.get("type"), one.get("ugid")) == ("token", principal)]
    return {(str(one["path"]), str(one["roleid"]), str(int(one.get("propagate", 1)))) for one in mine}


def waited(request: dict, principal: str, value: str, wanted: str) -> None:
    """Ask every node until all say the wanted. Raises Refusal `not_everywhere` when its time is over."""
    deadline, pause = time.monotonic() + float(request["options"].get("settle_seconds", SETTLE_SECONDS)), 0.5
    while True:
        other = {url: outcome for url, outcome in asked(request, principal, value).items() if outcome != wanted}
        if not other:
            return
        if time.monotonic() > deadline:
            told = ", ".join(f"{outcome} at {url}" for url, outcome in other.items())
            raise Refusal("not_everywhere", f"{principal} is to be {wanted}, and is {told}")
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def parity(request: dict) -> dict:
    """At every node each token is told the same permissions."""
    unlike = []
    for url, client in nodes(request).items():
        told = [
            client("GET", f"{API}/access/permissions", header(request[name], request[value]))
            for name, value in (("principal", "value"), ("previous_principal", "previous_value"))
        ]
        if any(answer.status != 200 for answer in told):
            raise Refusal("unreachable", f"{url} does not tell the permissions of both tokens", status=told[0].seen)
        unlike += [url] if told[0].find("data") != told[1].find("data") else []
    return {"done": True, "equal": not unlike, "evidence": {"unlike": " ".join(unlike) or "none"}}


def revoke(request: dict) -> dict:
    """Delete the old token once every node accepts the new one, and see it refused everywhere. On the way back: the candidate."""
    if request.get("check"):
        return {"done": True, "changed": True, "evidence": {"check": "not sent"}}
    admin, old = Admin(request, next(iter(nodes(request).values()))), request["previous_principal"]
    user, token = parts(old)
    tokens = admin.tokens(user)
    if int(request["generation"]) < int(request["previous"]):
        mine = token in tokens and tokens[token].get("comment") == request["tag"]
    else:
        missing = [url for url, seen in asked(request, request["principal"], request["value"]).items() if seen != "accepted"]
        if missing:
            raise Refusal("new_not_ready", f"the new token is not accepted at {missing[0]}, the old one stays")
        mine = token in tokens
    if mine:
        admin.delete(user, token)
    if request.get("previous_value"):
        waited(request, old, request["previous_value"], "refused")
    return {"done": True, "changed": mine, "evidence": {"token": old}}


def persist(request: dict) -> dict:
    """By its own list, every node has the new token in its configuration and not the old one."""
    user, new = parts(request["principal"])
    old, seen = parts(request["previous_principal"])[1], {}
    for url, client in nodes(request).items():
        names = Admin(request, client).tokens(user)
        seen[url] = "new" if new in names and old not in names else "not as it has to be"
    return {"done": True, "persisted": set(seen.values()) == {"new"}, "evidence": seen}


ENTRIES: typing.Dict[str, typing.Callable[[dict], dict]] = {
    "probe": probe,
    "preflight": preflight,
    "mint": mint,
    "settle": settle,
    "parity": parity,
    "revoke": revoke,
    "persist": persist,
}
