"""Carries out one move's items and deliveries in one start of ansible-playbook."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mycoops.model import Item
from mycoops.runner import Outcome, Run, Runner


class Performer(Protocol):
    """What the engine needs of the world; tests give it another one."""

    def carry_out(
        self, items: Sequence[Item] = (), deliveries: Mapping[str, dict[str, Any]] | None = None, *, check: bool = False
    ) -> Outcome:
        """Call every item on its host and make every delivery; never raises for a host's failure."""


class AnsiblePerformer:
    """The real one."""

    def __init__(self, runner: Runner, fleet: Path) -> None:
        self._runner = runner
        self._fleet = fleet

    def carry_out(
        self, items: Sequence[Item] = (), deliveries: Mapping[str, dict[str, Any]] | None = None, *, check: bool = False
    ) -> Outcome:
        """See Performer."""
        requests = {host: {**request, "check": check} for host, request in (deliveries or {}).items()}
        calls: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            calls.setdefault(item.host, []).append(item.data())
        hosts = tuple(dict.fromkeys([*requests, *calls]))
        if not hosts:
            return Outcome()
        variables = {
            "mycoops_items": calls,
            "mycoops_deliveries": requests,
            "mycoops_store": str(self._fleet),
            "mycoops_bound": os.getpid(),
        }
        return self._runner.perform(Run("move" if calls else "deploy", hosts, variables))
