"""Sends a text to the targets of a fleet, one by one; a target's URL holds a secret, so nothing ever tells more than its number."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

SILENT = ("apprise", "urllib3", "requests_oauthlib", "oauthlib")
"""Loggers of libraries that tell what they could not reach."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: the number of its line, what sort of service it is, and its URL, which is a secret."""

    number: int
    url: str

    def __repr__(self) -> str:
        return f"Target({self})"

    def __str__(self) -> str:
        return f"target {self.number} ({self.service})"

    @property
    def service(self) -> str:
        """The word before `://`, such as `mailto` or `slack`."""
        before, mark, _ = self.url.partition("://")
        return before if mark and before.isalnum() and len(before) <= LONGEST_WORD else "unknown"


LONGEST_WORD = 16
"""Of a service's name; what is longer is not one, and is not told."""


def send(targets: Iterable[Target], title: str, text: str, *, grave: bool) -> tuple[list[Target], list[str]]:
    """Send to every target; return those that took it, and of each other one what is wrong, without its URL."""
    import apprise  # late: it takes longer to load than a command of ours does

    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(app_id="mycoops", app_desc="mycoops", app_url="", async_mode=False)
    kind = apprise.NotifyType.WARNING if grave else apprise.NotifyType.INFO
    reached, wrong = [], []
    for target in targets:
        try:
            service = apprise.Apprise.instantiate(target.url, asset=asset, suppress_exceptions=True)
            if service is None:
                wrong.append(f"{target}: not a URL that apprise knows, or incomplete")
            elif service.notify(body=text, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT):
                reached.append(target)
            else:
                wrong.append(f"{target}: it did not take the message")
        except Exception as error:  # whatever a library says may hold the URL
            wrong.append(f"{target}: {type(error).__name__}")
    return reached, wrong
