"""What a look at a host has found, by names and places; what it could not look at is said apart."""

from __future__ import annotations

import typing

from mycoops_digests import Label
from mycoops_reply import Refusal


class Found:
    """Collects findings; none of them holds a value."""

    def __init__(self) -> None:
        self.findings: typing.List[typing.Dict[str, typing.Any]] = []
        self.unseen: typing.List[str] = []

    def add(
        self, what: str, place: str, services: typing.Iterable[str], names: typing.Iterable[str] = (), detail: str = ""
    ) -> None:
        """Note one finding: what differs, where, which services it concerns, which variables."""
        told = {"what": what, "place": place, "services": list(services), "names": list(names), "detail": detail}
        if told not in self.findings:
            self.findings.append(told)

    def miss(self, what: str, refusal: Refusal) -> None:
        """Note what could not be looked at, and why."""
        self.unseen.append(refusal.message if what in refusal.message else f"{what}: {refusal.message}")


def held(labels: typing.Iterable[Label]) -> str:
    """Say whose values something holds."""
    return "holds " + ", ".join(f"generation {number} of {credential}" for credential, number in labels)
