"""The leak scan of one session: what each host is asked, and the control node beside them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mycoops.catalogue import Catalogue
from mycoops.kinds import Kind
from mycoops.leaks import hosts as searched
from mycoops.leaks.control_node import ControlNode
from mycoops.leaks.known import Known
from mycoops.model import CONTROL_NODE
from mycoops.plan import Plan
from mycoops.runner import Outcome

SLACK_SECONDS = 5.0
"""Added to the length of a run: a host's clock has its own steps, and its journal whole seconds."""


@dataclass(slots=True)
class Search:
    """Knows the values, and since when they may have been left somewhere."""

    catalogue: Catalogue
    kinds: Mapping[str, Kind]
    known: Known
    control_node: ControlNode
    began: float = field(default_factory=time.time)

    def since(self, moment: str) -> None:
        """The run goes back to this moment (ISO 8601): it was begun by an earlier process."""
        self.began = min(self.began, datetime.fromisoformat(moment).timestamp())

    def hosts_of(self, plan: Plan) -> set[str]:
        """The hosts that are spoken to for a plan."""
        found = {host for move in plan.moves for host in move.hosts}
        for rotation in plan.rotations:
            authority = self.catalogue.credentials[rotation.credential].authority
            found |= {*authority.all_hosts, *searched.holders(self.catalogue, self.kinds, rotation.credential)}
        return found

    def requests(self, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What each of these hosts is asked; nothing where it holds no value."""
        seconds = time.time() - self.began + SLACK_SECONDS
        return searched.requests(self.catalogue, self.kinds, self.known.kept(), hosts, seconds)

    def finish(self, outcome: Outcome) -> Outcome:
        """Add to what hosts answered what the control node itself has."""
        leaks, skipped = self.control_node.scan(self.known, self.began)
        outcome.leaks += leaks
        outcome.skipped += skipped
        outcome.searched.append(CONTROL_NODE)
        return outcome
