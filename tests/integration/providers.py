"""Asks the lab's providers what a value is worth, over TLS and the published port, with calls of the tests' own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from tests.integration.lab import Lab
from tests.integration.values import Value
from tests.providers.probes import BY_NAME, Probe
from tests.providers.server import Base, basic

ACCEPTED = "accepted"
APP = "mycosoft-books"
"""The id of the app at QuickBooks, as the catalogue names it."""
PROBES: dict[str, Probe] = {
    **{name: BY_NAME[name] for name in ("anthropic", "asana", "chemspider", "n8n", "ncbi", "notion", "proxmox", "telegram")},
    "anthropic_admin": replace(BY_NAME["anthropic"], path="/v1/organizations/api_keys?limit=1"),
    "cloudflare": BY_NAME["cloudflare"],
    "cloudflare_maker": BY_NAME["cloudflare"],
    "github_pat": BY_NAME["github"],
    "proxmox_rotator": BY_NAME["proxmox"],
}
"""The call that each opens, by credential; those of QuickBooks need another one."""
REFUSED = {
    **{name: str(probe.refused) for name, probe in PROBES.items()},
    "quickbooks": "invalid_grant",
    "quickbooks_app": "invalid_client",
}
"""How each provider says no."""


@dataclass(frozen=True)
class Console:
    """The control API that a lab publishes: what only tests and persons do."""

    lab: Lab

    def ask(self, method: str, path: str, /, **body: Any) -> Any:
        answer = Base(f"http://127.0.0.1:{self.lab.port(8091)}")(method, path, body=body or None)
        assert answer.status == 200, answer.text
        return answer.json if "json" in answer.headers["content-type"] else answer.text

    def step(self, provider: str, name: str, /, **given: Any) -> Any:
        return self.ask("POST", f"/{provider}/console/{name}", **given)

    def names(self, provider: str) -> list[str]:
        """What a provider lists."""
        return sorted(one["name"] for one in self.ask("GET", f"/{provider}")["credentials"] if one["listed"])

    def grants(self) -> int:
        """How many refresh tokens QuickBooks has ever made."""
        return [one["name"] for one in self.ask("GET", "/quickbooks")["credentials"]].count("refresh")

    def alive(self, provider: str) -> list[str]:
        """What a provider accepts."""
        return sorted(one["name"] for one in self.ask("GET", f"/{provider}")["credentials"] if one["alive"])


def at(lab: Lab, provider: str) -> Base:
    """A provider, by the port of this machine that leads to it."""
    authority = lab.state_root / "providers.pem"
    authority.write_text(Console(lab).ask("GET", "/ca.pem"))
    return Base(f"https://localhost:{lab.port(8090)}/{provider}", authority)


def ask(lab: Lab, value: Value, text: str) -> str:
    """`accepted`, or the word of the refusal."""
    if value.credential.startswith("quickbooks"):
        return _quickbooks(lab, value.credential, text)
    probe = PROBES[value.credential]
    shown = f"{value.principal}={text}" if probe.provider == "proxmox" else text
    status = probe.at(at(lab, f"{probe.provider}/{probe.place}" if probe.place else probe.provider), shown).status
    return ACCEPTED if status == 200 else str(status)


def _quickbooks(lab: Lab, credential: str, text: str) -> str:
    """A secret is tried with no grant at all; a grant while the provider keeps it as it is, so that the look uses nothing up."""
    secret = text if credential == "quickbooks_app" else lab.current()["quickbooks_app"].text
    grant = secrets.token_hex(20) if credential == "quickbooks_app" else text
    console = Console(lab)
    made = console.grants()
    console.ask("PATCH", "/quickbooks/settings", changes_after_seconds=10**9)
    try:
        form = {"grant_type": "refresh_token", "refresh_token": grant}
        answer = at(lab, "quickbooks")("POST", "/oauth2/v1/tokens/bearer", basic(APP, secret), form=form)
    finally:
        console.ask("PATCH", "/quickbooks/settings", changes_after_seconds=0)
    if answer.status == 200:
        assert console.grants() == made, "a look has used the grant up"
        return ACCEPTED
    error = str(answer.json["error"])
    return ACCEPTED if (credential, error) == ("quickbooks_app", "invalid_grant") else error


def random_for(value: Value) -> str:
    """A value of the same shape that nobody has made."""
    return value.text[:-20] + secrets.token_hex(10)
