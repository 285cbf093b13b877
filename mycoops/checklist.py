"""The policy's rotation checklist, quarters and windows; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

CATEGORIES: dict[str, str] = {
    "database_passwords": "Database passwords",
    "api_keys": "API keys",
    "infrastructure": "Infrastructure",
    "oauth": "OAuth",
    "jwt_signing_keys": "JWT signing keys",
    "communication_tokens": "Communication tokens",
}

ITEMS: dict[str, tuple[str, str]] = {
    "postgresql": ("database_passwords", "PostgreSQL users"),
    "redis": ("database_passwords", "Redis, if authentication is enabled"),
    "anthropic": ("api_keys", "Anthropic"),
    "notion": ("api_keys", "Notion"),
    "chemspider": ("api_keys", "ChemSpider"),
    "ncbi": ("api_keys", "NCBI"),
    "cloudflare": ("api_keys", "Cloudflare"),
    "n8n": ("api_keys", "n8n"),
    "proxmox": ("infrastructure", "Proxmox API tokens"),
    "ssh_passwords": ("infrastructure", "SSH passwords on all VMs"),
    "quickbooks": ("oauth", "QuickBooks refresh token"),
    "github_pat": ("oauth", "GitHub PAT"),
    "orchestrator_secret_key": ("jwt_signing_keys", "the orchestrator's SECRET_KEY"),
    "telegram": ("communication_tokens", "Telegram"),
    "discord": ("communication_tokens", "Discord"),
    "asana": ("communication_tokens", "Asana"),
}
"""Every item of the checklist: its category and its name in the policy."""

QUARTER_MONTH = {"Q1": 1, "Q2": 4, "Q3": 7, "Q4": 10}


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter and its rotation window: the first seven days of its first month."""

    name: str
    year: int
    window_days: int = 7

    @property
    def opens(self) -> date:
        """First day of the window."""
        return date(self.year, QUARTER_MONTH[self.name], 1)

    @property
    def closes(self) -> date:
        """Last day of the window."""
        return self.opens + timedelta(days=self.window_days - 1)

    @property
    def label(self) -> str:
        """For example `2026-Q2`."""
        return f"{self.year}-{self.name}"


def quarter_of(day: date, window_days: int = 7) -> Quarter:
    """The quarter a day lies in."""
    return Quarter(f"Q{(day.month - 1) // 3 + 1}", day.year, window_days)


def next_window(day: date, window_days: int = 7) -> Quarter:
    """The first quarter whose window closes on or after a day."""
    here = quarter_of(day, window_days)
    if day <= here.closes:
        return here
    number = int(here.name[1])
    return Quarter(f"Q{number % 4 + 1}", here.year + (number == 4), window_days)


def due_window(rotated: date, window_days: int = 7) -> Quarter:
    """The first window that opens after the day a credential was last rotated: rotated within one, it is done with it."""
    found = next_window(rotated, window_days)
    return found if rotated < found.opens else next_window(found.closes + timedelta(days=1), window_days)


def is_overdue(rotated: date | None, day: date, window_days: int = 7) -> bool:
    """Whether a whole window has passed since a credential was last rotated (None: never)."""
    return rotated is None or due_window(rotated, window_days).closes < day
