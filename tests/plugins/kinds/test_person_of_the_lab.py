"""The checklist's items that providers make, as the lab declares them, from first values to the last proof: a person is played."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_provider_rotation import MYCOOPS, Home

from mycoops import lab_person
from mycoops.catalogue import load
from mycoops.checklist import ITEMS
from mycoops.lab_consoles import Consoles
from mycoops.lab_person import Case
from tests.providers.server import Providers

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "inventory" / "lab"
PERSON = ROOT / "lab" / "load" / "person.py"
LAB_URL = "https://mas:8090"
SECONDS = 500


class Checklist(Home):
    """What the lab declares of providers, at a server of this machine; the rotator uses every value."""

    @property
    def consoles(self) -> Consoles:
        return Consoles((self.providers.url,), f"http://{self.providers.control.parts.netloc}")

    @property
    def cases(self) -> dict[str, Case]:
        return lab_person.cases(self.consoles, load(self.fleet)[0].credentials)

    def slot(self, name: str) -> tuple[str, ...]:
        return ("--slot", "a") if self.cases[name].declared.kind == "proxmox_token" else ()

    def _made(self) -> dict[str, str]:
        self._declare("")
        return {name: lab_person.first(self.consoles, case).reveal() for name, case in self.cases.items()}

    def _declare(self, app: str) -> None:
        text = (LAB / "group_vars" / "all" / "catalogue.yml").read_text().replace(LAB_URL, self.providers.url)
        document: dict[str, Any] = yaml.safe_load(text)
        here = {name: one for name, one in document["mycoops_credentials"].items() if self.providers.url in str(one)}
        for one in here.values():
            one["authority"]["host"], one["consumers"] = "here", [{"rotator": True}]
        answered = {one.get("item") for one in here.values()}
        fleet = {"name": "list", "owner": "nobody", "soak_seconds": 0, "vault_password": {"file": str(self.root / "password")}}
        absent = {item: "it is no provider's" for item in ITEMS if item not in answered}
        catalogue = {"mycoops_fleet": fleet, "mycoops_credentials": here, "mycoops_not_applicable": absent}
        (self.fleet / "group_vars" / "all" / "catalogue.yml").write_text(yaml.safe_dump(catalogue, sort_keys=False))

    def played(self, *command: str) -> int:
        """The status of the person's program, with a command to attend or to do what is left."""
        told = ["--control", self.consoles.control, "--base", self.providers.url, "--fleet", str(self.fleet)]
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        own = {"HOME": str(self.root), "MYCOOPS_FLEET": str(self.fleet), "MYCOOPS_STATE": str(self.root / "state")}
        with (self.root / "said").open("a") as out:
            argv = [sys.executable, str(PERSON), *told, *(("--", str(MYCOOPS), *command) if command else ())]
            return subprocess.run(argv, stdout=out, stderr=out, env=kept | own, check=False, timeout=SECONDS).returncode


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Checklist]:
    server = Providers()
    try:
        yield Checklist(tmp_path, server)
    finally:
        assert server.stop() == ""


def test_who_sits_at_the_terminal_carries_every_item_to_its_end(home: Checklist) -> None:
    home.run("check")
    assert home.played("rotate", "--quarter", "Q2", "--yes") == 0, home.said
    home.silent()
    assert {name: home.state(name) for name in home.cases} == dict.fromkeys(home.cases, "CLOSED")
