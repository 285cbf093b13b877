"""How a credential of each provider is made by a person, and how it is tried: what the switches are tested with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.providers.server import Answer, Base, Providers, basic, bearer

Headers = Callable[[str], dict[str, str]]
VERSIONS = {"anthropic-version": "2023-06-01", "Notion-Version": "2022-06-28"}


@dataclass(frozen=True)
class Probe:
    """One call that a valid credential opens; `path` and `form` may hold {value}."""

    provider: str
    path: str
    make: Callable[[Providers], str]
    headers: Headers = bearer
    place: str = ""
    method: str = "GET"
    form: dict[str, str] = field(default_factory=dict)
    refused: int = 401
    template: str = ""

    def base(self, providers: Providers) -> Base:
        return providers.at(f"{self.provider}/{self.place}" if self.place else self.provider)

    def at(self, base: Base, value: str, timeout: float = 10) -> Answer:
        form = {name: text.format(value=value) for name, text in self.form.items()} or None
        sent = {**VERSIONS, **self.headers(value)}
        return base(self.method, self.path.format(value=value), sent, form=form, timeout=timeout)

    def __call__(self, providers: Providers, value: str, timeout: float = 10) -> Answer:
        return self.at(self.base(providers), value, timeout)

    def other(self, value: str) -> str:
        """A value of the same shape that nobody has made: the last 20 characters are replaced."""
        return value[:-20] + secrets.token_hex(10)


def value_of(provider: str, step: str, **given: object) -> Callable[[Providers], str]:
    return lambda providers: str(providers.step(provider, step, **given)["value"])


def asana(providers: Providers) -> str:
    person = providers.step("asana", "create_person", name="ann", workspaces=["lab"])["gid"]
    return str(providers.step("asana", "create_token", person=person, name="t")["value"])


def n8n(providers: Providers) -> str:
    providers.step("n8n", "create_instance", instance="mas")
    return str(providers.step("n8n", "create_key", instance="mas", name="t")["value"])


def proxmox(providers: Providers) -> str:
    providers.step("proxmox", "create_user", user="ops@pve", roles="PVEAuditor")
    made = providers.step("proxmox", "create_token", user="ops@pve", token="t")
    return f"{made['id']}={made['value']}"


def refreshed(providers: Providers, app: dict[str, str], value: str) -> Answer:
    """The answer of the token endpoint to a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": value}
    return providers.at("quickbooks")("POST", "/oauth2/v1/tokens/bearer", basic(app["id"], app["value"]), form=form)


def quickbooks(providers: Providers) -> str:
    """An access token, as an app gets it with its grant."""
    app = providers.step("quickbooks", "create_app", name="lab")
    grant = providers.step("quickbooks", "consent", app=app["id"], company="Lab Ltd", realm="1")
    return str(refreshed(providers, app, grant["value"]).json["access_token"])


def nothing(_: str) -> dict[str, str]:
    return {}


PROBES = (
    Probe("anthropic", "/v1/models", value_of("anthropic", "create_key", name="t"), lambda value: {"x-api-key": value}),
    Probe("asana", "/api/1.0/users/me", asana),
    Probe(
        "chemspider",
        "/compounds/v1/lookups/datasources",
        value_of("chemspider", "create_key", name="t"),
        lambda value: {"apikey": value},
    ),
    Probe(
        "cloudflare",
        "/client/v4/user/tokens/verify",
        value_of("cloudflare", "create_token", name="t", permissions={"Zone Read": "*"}),
    ),
    Probe("discord", "/api/v10/users/@me", value_of("discord", "create_bot", name="t"), lambda value: bearer(value, "Bot")),
    Probe("github", "/user", value_of("github", "create_token", name="t", user="ann", permissions={})),
    Probe("n8n", "/api/v1/workflows?limit=1", n8n, lambda value: {"X-N8N-API-KEY": value}, "mas", template="/api/v1/workflows"),
    Probe(
        "ncbi",
        "/entrez/eutils/einfo.fcgi",
        value_of("ncbi", "create_key", account="ann"),
        nothing,
        method="POST",
        form={"api_key": "{value}", "retmode": "json"},
        refused=400,
    ),
    Probe("notion", "/v1/users/me", value_of("notion", "create_integration", name="t")),
    Probe("proxmox", "/api2/json/version", proxmox, lambda value: {"Authorization": f"PVEAPIToken={value}"}, "pve1"),
    Probe("quickbooks", "/v3/company/1/companyinfo/1", quickbooks, template="/v3/company/{realm}/companyinfo/{same}"),
    Probe("telegram", "/bot{value}/getMe", value_of("telegram", "create_bot", name="t"), nothing, template="/bot{token}/getMe"),
)
BY_NAME = {probe.provider: probe for probe in PROBES}
