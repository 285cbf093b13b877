"""How a person makes and ends the values of each kind whose values a person makes, at the provider server of the lab."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from kind_programs import calling

from tests.providers.server import Providers

ROOT = Path(__file__).parents[3]
Values = tuple[str, str]


@dataclass(frozen=True)
class Case:
    """One kind at one provider. `both` makes two values; of one slot only `first` is there, and `after` replaces it."""

    kind: str
    provider: str
    first: Callable[[Providers], dict[str, str]]
    second: Callable[[Providers, dict[str, str]], dict[str, str]]
    end: Callable[[Providers, dict[str, str]], object] | None = None
    place: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    base: str = "base_url"

    @property
    def one_slot(self) -> bool:
        return self.end is None

    def declared(self, url: str) -> dict[str, Any]:
        """The options of a catalogue, for a server at this URL."""
        base = f"{url}/{self.provider}{self.place}"
        here = {name: text.format(base=base) if isinstance(text, str) else text for name, text in self.options.items()}
        return {"host": "here", **({self.base: base} if self.base == "base_url" else {}), "timeout_seconds": 3, **here}

    def random(self, value: str) -> str:
        """A value of the same shape that nobody has made."""
        return value[:-20] + secrets.token_hex(10)


def step(provider: str, action: str, /, **given: object) -> Callable[..., dict[str, str]]:
    return lambda providers, *_: providers.step(provider, action, **given)


def ended(provider: str, action: str, key: str) -> Callable[[Providers, dict[str, str]], object]:
    return lambda providers, old: providers.step(provider, action, **{key: old["id"]})


def asana(providers: Providers) -> dict[str, str]:
    person = providers.step("asana", "create_person", name="ann", workspaces=["lab", "office"])["gid"]
    return {**providers.step("asana", "create_token", person=person, name="one"), "person": person}


def asana_second(providers: Providers, old: dict[str, str]) -> dict[str, str]:
    return dict(providers.step("asana", "create_token", person=old["person"], name="two"))


def n8n(providers: Providers) -> dict[str, str]:
    providers.step("n8n", "create_instance", instance="mas", workflows=["one", "two", "three"])
    return dict(providers.step("n8n", "create_key", instance="mas", name="one"))


def notion(providers: Providers) -> dict[str, str]:
    made = providers.step("notion", "create_integration", name="one")
    pages = [providers.step("notion", "create_page", title=f"page {number}")["id"] for number in range(120)]
    for page in pages:
        providers.step("notion", "share_page", page=page, integration=made["id"])
    return {**made, "pages": " ".join(pages)}


def notion_second(providers: Providers, old: dict[str, str]) -> dict[str, str]:
    made = dict(providers.step("notion", "create_integration", name="two"))
    for page in old["pages"].split():
        providers.step("notion", "share_page", page=page, integration=made["id"])
    return made


def github(providers: Providers) -> dict[str, str]:
    providers.step("github", "create_organization", name="org")
    for name in ("org/one", "org/two"):
        providers.step("github", "create_repository", name=name)
    return github_second(providers)


def github_second(providers: Providers, *_: object, **more: object) -> dict[str, str]:
    return dict(providers.step("github", "create_token", name="t", user="ann", owner="org", permissions={}, **more))


def anthropic(providers: Providers) -> dict[str, str]:
    admin = providers.step("anthropic", "create_admin_key", name="admin")
    return {**providers.step("anthropic", "create_key", name="one"), "admin": admin["value"]}


def telegram_second(providers: Providers, old: dict[str, str]) -> dict[str, str]:
    return dict(providers.step("telegram", "revoke_token", bot=old["id"]))


SINGLE = {
    "url": "{base}/entrez/eutils/einfo.fcgi", "method": "POST", "form": {"api_key": "<value>", "retmode": "json"},
    "refused": [{"status": 400, "json": {"error": "API key invalid"}}],
}  # fmt: skip
CASES = (
    Case(
        "generic_api_key",
        "asana",
        asana,
        asana_second,
        ended("asana", "deauthorize_token", "token"),
        options={"url": "{base}/api/1.0/users/me", "value_prefix": "2/"},
        base="url",
    ),
    Case(
        "generic_single_key",
        "ncbi",
        step("ncbi", "create_key", account="ann"),
        step("ncbi", "replace_key", account="ann"),
        options=SINGLE,
        base="url",
    ),
    Case(
        "anthropic_key",
        "anthropic",
        anthropic,
        step("anthropic", "create_key", name="two"),
        ended("anthropic", "delete_key", "key"),
    ),
    Case("asana_pat", "asana", asana, asana_second, ended("asana", "deauthorize_token", "token")),
    Case(
        "chemspider_key",
        "chemspider",
        step("chemspider", "create_key", name="one"),
        step("chemspider", "create_key", name="two"),
        ended("chemspider", "delete_key", "key"),
    ),
    Case(
        "github_pat",
        "github",
        github,
        github_second,
        ended("github", "delete_token", "token"),
        options={"repositories": ["org/one"]},
    ),
    Case("n8n_key", "n8n", n8n, step("n8n", "create_key", instance="mas", name="two"), ended("n8n", "delete_key", "key"), "/mas"),
    Case("notion_token", "notion", notion, notion_second, ended("notion", "delete_integration", "integration")),
    Case("ncbi_key", "ncbi", step("ncbi", "create_key", account="ann"), step("ncbi", "replace_key", account="ann")),
    Case(
        "discord_token",
        "discord",
        step("discord", "create_bot", name="bot"),
        lambda providers, old: dict(providers.step("discord", "reset_token", bot=old["id"])),
    ),
    Case("telegram_token", "telegram", step("telegram", "create_bot", name="bot"), telegram_second),
)
BY_KIND = {case.kind: case for case in CASES}


def service(kind: str, options: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """What a role's variables make of a catalogue's options, by Ansible's own templates."""
    loader = DataLoader()
    variables = loader.load_from_file(str(ROOT / "roles" / f"kind_{kind}" / "vars" / "main.yml"), trusted_as_template=True)
    templar = Templar(loader=loader, variables={**variables, "mycoops_item": {**item, "options": options}})
    return dict(templar.template(variables[f"kind_{kind}_service"]))


def ask(kind: str, entry: str, options: dict[str, Any], program: str = "provider_key", **values: Any) -> dict[str, Any]:
    """Call the host program of a kind as its role does, with values in place of references."""
    item = {"id": "1", "entry": entry, "kind": kind, "host": "here", "subject": "new", **values}
    return dict(calling(f"kind_{kind}", program)({**item, "options": options, **service(kind, options, item)}))
