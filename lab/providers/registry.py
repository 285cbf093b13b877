"""All providers, and which of them a request is for: by the host it names, or by the first segment of its path."""

from __future__ import annotations

from dataclasses import replace

from anthropic import Anthropic
from asana import Asana
from chemspider import ChemSpider
from clock import Clock
from cloudflare import Cloudflare
from discord import Discord
from github import GitHub
from n8n import N8n
from ncbi import Ncbi
from notion import Notion
from provider import Provider
from proxmox import Proxmox
from quickbooks import QuickBooks
from telegram import Telegram
from wire import Reply, Request

KINDS: tuple[type[Provider], ...] = (
    Anthropic, Asana, ChemSpider, Cloudflare, Discord, GitHub, N8n, Ncbi, Notion, Proxmox, QuickBooks, Telegram,
)  # fmt: skip


class Registry:
    """The providers by name, and one function that answers for all of them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.providers = {kind.NAME: kind(clock) for kind in KINDS}
        self._by_host = {host: provider for provider in self.providers.values() for host in provider.HOSTS}

    def answer(self, request: Request) -> Reply:
        host = request.header("Host").rsplit(":", 1)[0].lower()
        if provider := self._by_host.get(host):
            return provider.answer(request)
        _, name, rest = [*request.path.split("/", 2), "", ""][:3]
        if not (provider := self.providers.get(name)):
            return Reply(404, {"error": f"no such provider; there are {', '.join(self.providers)}"})
        if not provider.PLACES:
            return provider.answer(replace(request, path=f"/{rest}"))
        place, _, rest = rest.partition("/")
        return provider.answer(replace(request, path=f"/{rest}", place=place))

    def hosts(self) -> list[str]:
        """Every name under which production knows a provider."""
        return sorted(self._by_host)
