"""A fleet directory over a scripted world: the commands run for real, but for the start of a playbook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from mycoops import catalogue, durable, session, settings
from mycoops.checklist import ITEMS
from mycoops.drill.bench import Bench
from mycoops.drill.kept import Quiet
from mycoops.drill.stories import KINDS, Story
from mycoops.interrupts import Stop
from mycoops.plan import Plan
from mycoops.session import Fleet


class Stage(Bench):
    """A bench whose journals are opened by the commands."""

    def __init__(self, directory: Path, story: Story) -> None:
        fleet, self.state = directory / "tale", directory / "state"
        self.went_back: list[tuple[str, int]] = []
        _declare(fleet, story)
        (self.state / "tale").mkdir(parents=True)
        durable.replace(self.state / "tale" / "vault-password", b"anything")
        super().__init__(fleet, story)

    def _open(self) -> Plan:
        return None  # type: ignore[return-value]

    @property
    def journals(self) -> list[Path]:
        """The journals, oldest first."""
        return sorted((self.fleet / "journal").glob("*.jsonl"))

    def records(self) -> list[dict[str, Any]]:
        """The records of all journals; a line that is cut off is none."""
        return [json.loads(line) for path in self.journals for line in path.read_bytes().split(b"\n")[:-1]]

    def opened(self) -> Fleet:
        """The fleet as the command line opens it."""
        return session.open_fleet(self.fleet)

    @contextmanager
    def open_session(self, fleet: Fleet, notify: session.Notify) -> Iterator[Any]:
        """Stands in for session.open_session."""
        for name in self.world.rotator:
            found = [run.rotations[name] for run in fleet.runs().values() if name in run.rotations and run.rotations[name].open]
            meta = self.store().meta(name)
            assert meta
            self.world.rotator[name] = found[0].generation_for("rotator") if found else meta.generation
        yield SimpleNamespace(
            fleet=fleet,
            store=self.store(),
            reach=self.world.reach,
            runner=SimpleNamespace(starts=0, hurry=never),
            performer=self.world,
            rotator_key=self._rotator_key,
            scan=lambda: self.scanner(),
            goes_back_to=lambda moment, plan: self.went_back.append((moment, len(plan.moves))),
            search=SimpleNamespace(known=SimpleNamespace(found=lambda data: [])),
            fingerprint=lambda credential, generation: f"{credential}-{generation}",
        )


def _declare(directory: Path, story: Story) -> None:
    data = story.catalogue.model_dump(mode="json", by_alias=True)
    data["mycoops_fleet"]["vault_password"] = {"file": "vault-password"}
    data["mycoops_fleet"]["host_order"] = ["h1", "h2", "h3"]
    data["mycoops_not_applicable"] = dict.fromkeys(ITEMS, "not used here")
    place = catalogue.catalogue_path(directory)
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump(data, sort_keys=False))
    (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {name: {} for name in ("h1", "h2", "h3")}}}))
    for name, kind in KINDS.items():
        meta = directory / "roles" / f"kind_{name}" / "meta" / "kind.yml"
        meta.parent.mkdir(parents=True)
        meta.write_text(yaml.safe_dump({**kind.model_dump(mode="json"), "capabilities": sorted(kind.capabilities)}))


never = Stop()
"""Nobody asks to stop."""

__all__ = ["Quiet", "Stage", "never", "settings"]
