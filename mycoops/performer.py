"""Carries out one move in one start of ansible-playbook, where asked with the leak scan along; or only looks at hosts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mycoops.leaks import hosts as searched
from mycoops.model import Item
from mycoops.runner import Outcome, Run, Runner

Requests = Mapping[str, dict[str, Any]]


class Performer(Protocol):
    """What the engine needs of the world; tests give it another one."""

    def carry_out(
        self,
        items: Sequence[Item] = (),
        deliveries: Mapping[str, dict[str, Any]] | None = None,
        *,
        check: bool = False,
        scan: bool = False,
    ) -> Outcome:
        """Call every item on its host and make every delivery; never raises for a host's failure.

        `scan` searches every host for leaks that was spoken to since it was last searched, after all the rest has ended."""


class AnsiblePerformer:
    """The real one. `scans` makes the requests of a search of these hosts."""

    def __init__(self, runner: Runner, fleet: Path, scans: Callable[[Iterable[str]], Requests] = lambda hosts: {}) -> None:
        self._runner = runner
        self._fleet = fleet
        self._scans = scans
        self._unsearched: dict[str, None] = {}

    def owe(self, hosts: Iterable[str]) -> None:
        """These hosts have to be searched too: an earlier process may have spoken to them."""
        self._unsearched |= dict.fromkeys(hosts)

    def carry_out(
        self,
        items: Sequence[Item] = (),
        deliveries: Mapping[str, dict[str, Any]] | None = None,
        *,
        check: bool = False,
        scan: bool = False,
    ) -> Outcome:
        """See Performer."""
        requests = {host: {**request, "check": check} for host, request in (deliveries or {}).items()}
        calls: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            calls.setdefault(item.host, []).append(item.data())
        asked = dict.fromkeys([*requests, *calls])
        scans = self._scans(self._unsearched | asked) if scan else {}
        hosts = tuple(dict.fromkeys([*asked, *scans]))
        if not hosts:
            return Outcome()
        variables = {
            "mycoops_items": calls,
            "mycoops_items_on": list(calls),
            "mycoops_store": str(self._fleet),
            "mycoops_bound": os.getpid(),
        }
        playbook = "move" if calls else "deploy" if requests else "scan"
        outcome = self._runner.perform(Run(playbook, hosts, variables, requests={"deliveries": requests, "scans": scans}))
        self._unsearched |= {host: None for host in asked if outcome.spoken_to(host)}
        return self._searched(outcome, scans) if scan else outcome

    def look(self, requests: Requests) -> Outcome:
        """Ask every host that has a request what differs there, in one start; nothing is changed, so nothing is owed."""
        if not requests:
            return Outcome()
        variables = {"mycoops_looks": dict(requests), "mycoops_store": str(self._fleet), "mycoops_bound": os.getpid()}
        return self._runner.perform(Run("drift", tuple(requests), variables))

    def _searched(self, outcome: Outcome, scans: Requests) -> Outcome:
        """Take the answers of a search; a host that gave none stays to be searched."""
        for host in list(self._unsearched):
            reply = outcome.of(f"{searched.PREFIX}{host}")
            if host in scans and (reply is None or reply.error):
                problem = f"{host}: {searched.printable(reply.error.get('message'))}" if reply else outcome.silence(host)
                outcome.missed[host] = problem
                continue
            del self._unsearched[host]
            if reply:
                outcome.searched.append(host)
                outcome.leaks += searched.leaks(host, reply, scans[host])
                outcome.skipped += searched.skipped(host, reply)
        return outcome
