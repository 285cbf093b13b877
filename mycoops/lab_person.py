"""Knows what a person does at the console of each provider of the lab: make a first value, make the next one, end the old one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mycoops.catalogue import Credential
from mycoops.errors import LabError
from mycoops.lab_consoles import Consoles
from mycoops.secret import Secret


@dataclass(frozen=True, slots=True)
class Case:
    """A declared credential, and where at the lab's providers it is made."""

    name: str
    declared: Credential
    provider: str
    place: str

    @property
    def options(self) -> Mapping[str, Any]:
        """What the catalogue says of its authority."""
        return self.declared.authority.options

    @property
    def makes_others(self) -> bool:
        """Whether it is the token that makes those of its provider, itself too."""
        return self.declared.authority.admin == self.name


Step = Callable[[Consoles, Case], dict[str, Any]]


def cases(consoles: Consoles, credentials: Mapping[str, Credential]) -> dict[str, Case]:
    """The credentials that the lab's providers make. What others need comes first: an app before a grant to it."""
    found = {name: Case(name, one, *consoles.provider(one.authority.options)) for name, one in credentials.items()}
    here = {name: case for name, case in found.items() if case.provider and case.declared.kind in FIRST}
    return dict(sorted(here.items(), key=lambda pair: pair[1].declared.kind == "quickbooks_oauth"))


def first(consoles: Consoles, case: Case) -> Secret:
    """Make a first value, with what has to be there for it: an account, an instance, pages that are shared."""
    return _value(FIRST[case.declared.kind](consoles, case))


def following(consoles: Consoles, case: Case) -> Secret:
    """Make the value that a rotation waits for; where the provider has one slot, the one before ends with that."""
    step = FOLLOWING.get(case.declared.kind)
    if step is None:
        raise LabError(f"{case.name}: no person makes a value of {case.declared.kind}")
    return _value(step(consoles, case))


def end(consoles: Consoles, case: Case) -> None:
    """End every value of a credential but the newest, where only a person can."""
    if case.declared.kind not in END:
        raise LabError(f"{case.name}: no person ends a value of {case.declared.kind}")
    step, parameter = END[case.declared.kind]
    for old in consoles.listed(case.provider, case.name)[:-1]:
        consoles.step(case.provider, step, **{parameter: old})


def _value(answer: dict[str, Any]) -> Secret:
    return Secret(str(answer["value"]))


def _key(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "create_key", name=case.name)


def _admin_key(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "create_admin_key", name=case.name)


def _asana(consoles: Consoles, case: Case) -> dict[str, Any]:
    """A token acts as the person who made it: the same one makes them all."""
    known = {name: gid for gid, name in consoles.seen(case.provider)["persons"].items()}
    person = known.get(case.name)
    if person is None:
        person = consoles.step(case.provider, "create_person", name=case.name, workspaces=["lab", "field"])["gid"]
    return consoles.step(case.provider, "create_token", person=person, name=case.name)


def _cloudflare(consoles: Consoles, case: Case) -> dict[str, Any]:
    permissions = {"API Tokens Write": "user"} if case.makes_others else {"Zone Read": "*"}
    return consoles.step(case.provider, "create_token", name=case.name, permissions=permissions)


def _github(consoles: Consoles, case: Case) -> dict[str, Any]:
    for repository in case.options.get("repositories", []):
        consoles.step(case.provider, "create_organization", name=repository.partition("/")[0])
        consoles.step(case.provider, "create_repository", name=repository)
    return _github_token(consoles, case)


def _github_token(consoles: Consoles, case: Case) -> dict[str, Any]:
    owners = [repository.partition("/")[0] for repository in case.options.get("repositories", [])]
    return consoles.step(case.provider, "create_token", name=case.name, user="myca", owner=[*owners, "myca"][0], permissions={})


def _n8n(consoles: Consoles, case: Case) -> dict[str, Any]:
    consoles.step(case.provider, "create_instance", instance=case.place, workflows=["nightly", "harvest"])
    return _n8n_key(consoles, case)


def _n8n_key(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "create_key", instance=case.place, name=case.name)


def _notion(consoles: Consoles, case: Case) -> dict[str, Any]:
    for title in ("Strains", "Harvests", "Recipes"):
        consoles.step(case.provider, "create_page", title=title)
    return _notion_integration(consoles, case)


def _notion_integration(consoles: Consoles, case: Case) -> dict[str, Any]:
    """A second integration sees nothing until every page is shared with it."""
    made = consoles.step(case.provider, "create_integration", name=case.name)
    for page in consoles.seen(case.provider)["pages"]:
        consoles.step(case.provider, "share_page", page=page, integration=made["id"])
    return made


def _proxmox(consoles: Consoles, case: Case) -> dict[str, Any]:
    user, _, token = case.declared.principal.partition("!")
    more: dict[str, Any] = {"privsep": 0}
    if not case.makes_others:
        consoles.step(case.provider, "create_user", user=user, roles="PVEAuditor,PVEVMAdmin")
        more = {"roles": "PVEVMUser", "path": "/vms/100"}
    return consoles.step(case.provider, "create_token", user=user, token=f"{token}_a", **more)


def _app(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "create_app", name=case.name, client_id=case.options["client_id"])


def _app_secret(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "rotate_secret", app=case.options["client_id"])


def _grant(consoles: Consoles, case: Case) -> dict[str, Any]:
    app, realm = case.options["client_id"], str(case.options["realm"])
    return consoles.step(case.provider, "consent", app=app, company=case.name, realm=realm)


def _ncbi(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "create_key", account=case.name)


def _ncbi_again(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "replace_key", account=case.name)


def _bot(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "create_bot", name=case.name)


def _bot_again(consoles: Consoles, case: Case) -> dict[str, Any]:
    return consoles.step(case.provider, "revoke_token", bot=consoles.listed(case.provider, case.name)[-1])


FIRST: dict[str, Step] = {
    "anthropic_key": _key,
    "asana_pat": _asana,
    "chemspider_key": _key,
    "cloudflare_token": _cloudflare,
    "generic_api_key": _admin_key,
    "github_pat": _github,
    "n8n_key": _n8n,
    "ncbi_key": _ncbi,
    "notion_token": _notion,
    "proxmox_token": _proxmox,
    "quickbooks_app": _app,
    "quickbooks_oauth": _grant,
    "telegram_token": _bot,
}
"""How a first value of each kind comes to be. A generic_api_key of the lab is an Admin key of Anthropic."""

FOLLOWING: dict[str, Step] = {
    "anthropic_key": _key,
    "asana_pat": _asana,
    "chemspider_key": _key,
    "generic_api_key": _admin_key,
    "github_pat": _github_token,
    "n8n_key": _n8n_key,
    "ncbi_key": _ncbi_again,
    "notion_token": _notion_integration,
    "quickbooks_app": _app_secret,
    "telegram_token": _bot_again,
}
"""How a person makes the next one, where a person does."""

END: dict[str, tuple[str, str]] = {
    "asana_pat": ("deauthorize_token", "token"),
    "chemspider_key": ("delete_key", "key"),
    "generic_api_key": ("delete_key", "key"),
    "n8n_key": ("delete_key", "key"),
    "notion_token": ("delete_integration", "integration"),
}
"""The step that ends an old one, and its parameter, where only a person can."""
