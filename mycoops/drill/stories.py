"""Small fleets, one for each overlap class, and one with all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.kinds import Capability, HumanStep, Kind
from mycoops.model import Overlap


def _kind(name: str, summary: str, overlap: Overlap, *capabilities: Capability, **more: Any) -> Kind:
    return Kind(kind=name, summary=summary, overlap=overlap, capabilities=frozenset(capabilities), **more)


PERSON = HumanStep(page="https://console.example/tokens", instruction="make a token named after the tag")
BOTH_WAYS = PERSON.model_copy(update={"revoke_instruction": "delete the old token"})
KINDS = {
    kind.kind: kind
    for kind in (
        _kind("pair", "two names", Overlap.O1, "preflight", "parity", "drain", "persistence", "sightings", slots=("a", "b")),
        _kind("acl", "a set", Overlap.O1, "preflight", "parity", "persistence"),
        _kind("listed", "a list", Overlap.O1, "preflight", accepts_by="delivery"),
        _kind("key", "the rotator's", Overlap.O1, "persistence", own_access=True, probe_from="controller"),
        _kind("provider", "by API", Overlap.O2, "persistence", probe_from="authority"),
        _kind("person", "by hand", Overlap.O3, probe_from="authority", human=PERSON),
        _kind("manual", "by hand, both ways", Overlap.O3, probe_from="authority", human=BOTH_WAYS, revoked_by="person"),
        _kind("single", "one slot", Overlap.O4, "preflight", "stage", "persistence"),
        _kind("bare", "one slot, nothing armed", Overlap.O4),
        _kind("password", "the rotator's", Overlap.O4, "stage", "persistence", own_access=True, probe_from="controller"),
        _kind("rolled", "one slot, by API", Overlap.O5, "persistence", probe_from="authority"),
        _kind("grant", "replaces itself", Overlap.O7, "persistence", probe_from="authority"),
        _kind("console", "one slot, by hand", Overlap.O6, probe_from="authority", human=PERSON),
        _kind("blind", "one slot, by hand, and nobody can probe it", Overlap.O6, human=PERSON, provable=False),
    )
}
"""One kind for each way in which the engine can meet an authority."""


@dataclass(frozen=True)
class Story:
    """A fleet to rotate."""

    name: str
    catalogue: Catalogue
    waits: int = 0


def _service(host: str, name: str, reads: list[str], **more: Any) -> dict[str, Any]:
    file = {"path": more.pop("path", f"/etc/{name}.env"), "readers": ["systemd"]}
    return {"host": host, "unit": f"{name}.service", "reads": reads, "env_file": file, **more}


def _credential(kind: str, authority: dict[str, Any], consumers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "category": "api_keys", "authority": authority, "consumers": consumers, **more}


def fleet(services: dict[str, Any], credentials: dict[str, Any], **more: Any) -> Catalogue:
    """A catalogue of three hosts, h1 the canary."""
    settings = {"name": "tale", "owner": "nobody", "vault_password": {"prompt": True}, "host_order": ["h1", "h2", "h3"], **more}
    return Catalogue.model_validate(
        {"mycoops_fleet": settings, "mycoops_services": services, "mycoops_credentials": credentials, "mycoops_not_applicable": {}}
    )


def use(service: str, variable: str, form: str = "<value>", following: str = "") -> dict[str, Any]:
    """A consumer; one that tries two values reads the next one in the variable `following`."""
    return {"service": service, "env": {variable: form}, "next": {following: form} if following else {}}


def slots() -> Catalogue:
    """Two names take turns; two of three consumers share an env file, and one variable each stays with another credential."""
    form = "<principal>:<value>"
    services = {
        "api": _service("h1", "api", ["DB"]),
        "blue": _service("h2", "blue", ["DB"], path="/etc/web.env", group="web"),
        "green": _service("h2", "green", ["DB"], path="/etc/web.env", group="web"),
    }
    consumers = [use("api", "DB", form), use("blue", "DB", form), use("green", "DB", form)]
    return fleet(services, {"db": _credential("pair", {"host": "h3"}, consumers, principal="app")}, soak_seconds=3)


def admins() -> Catalogue:
    """A set of values; one of its credentials is the admin of both."""
    services = {"api": _service("h1", "api", ["CACHE"]), "job": _service("h2", "job", ["CACHE"])}
    credentials = {
        "cache": _credential("acl", {"host": "h3", "admin": "cache_admin"}, [use("api", "CACHE"), use("job", "CACHE")]),
        "cache_admin": _credential("acl", {"host": "h3", "admin": "cache_admin"}, [{"rotator": True}]),
    }
    return fleet(services, credentials)


def lists() -> Catalogue:
    """Two services accept a list: one reloads and shares its host with a consumer, one restarts; one signs for itself."""
    reload = {"path": "/etc/gate-tokens.env", "readers": ["systemd"], "variables": ["TOKENS"], "reload": True}
    services = {
        "gate": _service("h1", "gate", ["TOKENS"], extra_env_files=[reload]),
        "near": _service("h1", "near", ["TOKEN"]),
        "far": _service("h2", "far", ["TOKEN", "KEY", "KEYS"]),
        "door": _service("h3", "door", ["TOKENS"]),
    }
    gates = {"services": ["gate", "door"], "accepts": {"TOKENS": "<accepted|json>"}}
    own = {"services": ["far"], "accepts": {"KEYS": "<accepted|json>"}}
    credentials = {
        "token": _credential("listed", gates, [use("near", "TOKEN"), use("far", "TOKEN")]),
        "key": _credential("listed", own, [use("far", "KEY")], purpose="sign"),
    }
    return fleet(services, credentials)


def own_key() -> Catalogue:
    """The rotator's own key on two hosts."""
    return fleet({}, {"own": _credential("key", {"hosts": ["h1", "h2"]}, [{"rotator": True}])})


def simple(kind: str, **more: Any) -> Catalogue:
    """One credential of a kind, two consumers on two hosts."""
    services = {"api": _service("h1", "api", ["SECRET"]), "job": _service("h2", "job", ["SECRET"])}
    return fleet(services, {"it": _credential(kind, {"host": "h3"}, [use("api", "SECRET"), use("job", "SECRET")])}, **more)


def beyond(kind: str = "acl", *, served: bool = True) -> Catalogue:
    """A secret of GitHub Actions, a developer and a store inside another system, beside a service if there is one."""
    services = {"api": _service("h1", "api", ["SECRET"])}
    github = {"repository": "acme/app", "secret": "SECRET", "token": "pat"}
    consumers = [
        *([use("api", "SECRET")] if served else []),
        {"github": github},
        {"developer": "ann", "env": {"SECRET": "<value>"}},
        {"manual": "the store of n8n", "page": "https://n8n.example/credentials"},
    ]
    credentials = {
        "it": _credential(kind, {"host": "h3"}, consumers),
        "pat": _credential("acl", {"host": "h3"}, [{"rotator": True}]),
    }
    return fleet(services, credentials)


def dual(*, plain: bool = True) -> Catalogue:
    """One slot, and consumers that try two values: one alone, two that share a file, one that reloads; and a `plain` one."""
    both, form = ["SECRET", "SECRET_NEXT"], "<principal>:<value>"
    reload = {"path": "/etc/side-secrets.env", "readers": ["systemd"], "variables": both, "reload": True}
    services = {
        "api": _service("h1", "api", both),
        "blue": _service("h2", "blue", both, path="/etc/web.env", group="web"),
        "green": _service("h2", "green", both, path="/etc/web.env", group="web"),
        "side": _service("h3", "side", both, extra_env_files=[reload]),
        "plain": _service("h3", "plain", ["SECRET"]),
    }
    consumers = [use(name, "SECRET", form, "SECRET_NEXT") for name in ("api", "blue", "green", "side")]
    consumers += [use("plain", "SECRET")] if plain else []
    return fleet(services, {"it": _credential("single", {"host": "h3"}, consumers, principal="app")})


def apart() -> Catalogue:
    """Two services on one host, each with a credential of its own."""
    services = {"api": _service("h1", "api", ["SECRET"]), "job": _service("h1", "job", ["SECRET"])}
    credentials = {
        "one": _credential("acl", {"host": "h3"}, [use("api", "SECRET")]),
        "two": _credential("acl", {"host": "h3"}, [use("job", "SECRET")]),
    }
    return fleet(services, credentials)


def own_password() -> Catalogue:
    """The rotator's own password."""
    return fleet({}, {"own": _credential("password", {"host": "h1"}, [{"rotator": True}])})


def _both(variable: str, form: str = "<value>") -> list[dict[str, Any]]:
    return [use("api", variable, form), use("job", variable, form)]


def mixed() -> Catalogue:
    """A quarter: every class at once, several of them in one service."""
    reads = ["DB", "TOKENS", "TOKEN", "CLOUD", "MODEL", "LEGACY", "LEGACY_NEXT", "BOT"]
    services = {name: _service(host, name, reads) for name, host in (("api", "h1"), ("job", "h2"), ("gate", "h3"))}
    credentials = {
        "db": _credential("pair", {"host": "h3"}, _both("DB", "<principal>:<value>"), principal="app"),
        "token": _credential("listed", {"services": ["gate"], "accepts": {"TOKENS": "<accepted|json>"}}, _both("TOKEN")),
        "cloud": _credential("provider", {"host": "h3"}, [use("job", "CLOUD")]),
        "model": _credential("person", {"host": "h3"}, [use("gate", "MODEL")]),
        "legacy": _credential("single", {"host": "h3"}, [use("api", "LEGACY", following="LEGACY_NEXT")]),
        "bot": _credential("console", {"host": "h3"}, [use("gate", "BOT")]),
        "own": _credential("key", {"hosts": ["h1", "h2"]}, [{"rotator": True}]),
        "own_word": _credential("password", {"host": "h1"}, [{"rotator": True}]),
    }
    return fleet(services, credentials, wave=2)


def approvals() -> Catalogue:
    """A list and a set of which a second person has to approve the end of the old value, beside a set that goes its own way."""
    services = {
        "gate": _service("h3", "gate", ["TOKENS"]),
        "api": _service("h1", "api", ["TOKEN"]),
        "job": _service("h2", "job", ["CACHE", "FREE"]),
    }
    gate = {"services": ["gate"], "accepts": {"TOKENS": "<accepted|json>"}}
    credentials = {
        "token": _credential("listed", gate, [use("api", "TOKEN")]),
        "cache": _credential("acl", {"host": "h3"}, [use("job", "CACHE")]),
        "free": _credential("acl", {"host": "h3"}, [use("job", "FREE")], approval=False),
    }
    return fleet(services, credentials, approval={"required": True})


STORIES = {
    story.name: story
    for story in (
        Story("O1-slots", slots()),
        Story("O1-admin", admins()),
        Story("O1-lists", lists()),
        Story("O1-own-key", own_key()),
        Story("O1-approval", approvals(), waits=1),
        Story("O1-outside", beyond(), waits=1),
        Story("O4-outside", beyond("single", served=False), waits=1),
        Story("O2", simple("provider")),
        Story("O3", simple("person"), waits=1),
        Story("O3-manual", simple("manual"), waits=2),
        Story("O4", simple("single")),
        Story("O4-bare", simple("bare")),
        Story("O4-dual", dual()),
        Story("O4-own-password", own_password()),
        Story("O4-approval", simple("single", approval={"required": True}), waits=1),
        Story("O5", simple("rolled")),
        Story("O7", simple("grant"), waits=1),
        Story("O7-approval", simple("grant", approval={"required": True}), waits=1),
        Story("O6", simple("console"), waits=1),
        Story("O6-unproven", simple("blind"), waits=1),
        Story("mixed", mixed(), waits=2),
    )
}
APART = Story("apart", apart())
