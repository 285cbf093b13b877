"""The policy's rotation checklist, quarters and windows; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

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
class Windows:
    """When rotations are due: from a day of each quarter on (MM-DD), and for how many days."""

    days: int = 7
    opens: tuple[str, ...] = ("01-01", "04-01", "07-01", "10-01")

    def first(self, name: str, year: int) -> date:
        """The first day of the window of a quarter."""
        month, day = self.opens[int(name[1]) - 1].split("-")
        return date(year, int(month), int(day))

    def between(self) -> tuple[int, int]:
        """The days from one window to the next: the fewest, from a last day to a first, and the most, from a first to a first."""
        chain = [Quarter(name, year, self) for year in (2027, 2028, 2029) for name in QUARTER_MONTH]
        pairs = list(pairwise(chain))
        return min((b.opens - a.closes).days for a, b in pairs), max((b.opens - a.opens).days for a, b in pairs)


POLICY = Windows()
"""The policy's: the first seven days of January, April, July and October."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter and its rotation window."""

    name: str
    year: int
    windows: Windows = POLICY

    @property
    def opens(self) -> date:
        """First day of the window."""
        return self.windows.first(self.name, self.year)

    @property
    def closes(self) -> date:
        """Last day of the window."""
        return self.opens + timedelta(days=self.windows.days - 1)

    @property
    def label(self) -> str:
        """For example `2026-Q2`."""
        return f"{self.year}-{self.name}"


def quarter_of(day: date, windows: Windows = POLICY) -> Quarter:
    """The quarter a day lies in."""
    return Quarter(f"Q{(day.month - 1) // 3 + 1}", day.year, windows)


def next_window(day: date, windows: Windows = POLICY) -> Quarter:
    """The first quarter whose window closes on or after a day."""
    here = quarter_of(day, windows)
    if day <= here.closes:
        return here
    number = int(here.name[1])
    return Quarter(f"Q{number % 4 + 1}", here.year + (number == 4), windows)


def due_window(rotated: date, windows: Windows = POLICY) -> Quarter:
    """The first window that opens after the day a credential was last rotated: rotated within one, it is done with it."""
    found = next_window(rotated, windows)
    return found if rotated < found.opens else next_window(found.closes + timedelta(days=1), windows)
