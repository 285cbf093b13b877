"""Where a playbook leaves values: the channels of a naive one, played with the settings people use, and the places to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from careless_fleet import HERE, CarelessFleet, Value
from fake_host import Health
from kind_servers import Postgres

from tests.integration.processes import Sampler

CHANNELS: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "channels.yml").read_text(encoding="utf-8"))
CASES = {name: declared["tasks"] for name, declared in CHANNELS.items() if "tasks" in declared}
BY_RUNNER = ("debug", "set_fact")
"""What is also played through ansible-runner, as one does who does not know what that keeps."""


class Places:
    """What every place holds after a start, as text."""

    def __init__(self, folder: Path, session: Path, scratch: Path, account: Path) -> None:
        self.sampler = Sampler()
        self.log, self.tree, self.facts = folder / "log", folder / "tree", folder / "facts"
        self._session, self._scratch, self._account = session, scratch, account

    def settings(self) -> dict[str, str]:
        """The environment under which most of them are filled."""
        return {
            "HOME": str(self._account),
            "ANSIBLE_LOG_PATH": str(self.log),
            "ANSIBLE_CALLBACKS_ENABLED": "mycoops_mask,tree",
            "ANSIBLE_CALLBACK_TREE_DIR": str(self.tree),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.facts),
            "ANSIBLE_KEEP_REMOTE_FILES": "True",
            "ANSIBLE_REMOTE_TEMP": str(self._account / ".ansible" / "tmp"),
        }

    def texts(self, screen: str, postgres: Postgres, server: Health) -> dict[str, str]:
        """All of them by the names that the channels use."""
        looks = [look.decode(errors="replace") for look in self.sampler.seen]
        assert self.sampler.looks > 10
        files = [path for path in self._scratch.rglob("*") if path.is_file()]
        own = [path for path in files if path.suffix == ".env" and "fetched" not in path.parts]
        return {
            "screen": screen,
            "log": _text([self.log]),
            "tree": _below(self.tree),
            "facts": _below(self.facts),
            "arguments": "\n".join(look for look in looks if look.startswith("arguments: ")),
            "environment": "\n".join(look.partition(": ")[2] for look in looks if look.startswith("environment of ")),
            "home": _below(self._account),
            "beside": _text(path for path in files if path not in own),
            "readable": _text(path for path in files if path.stat().st_mode & 0o004),
            "postgresql": postgres.log,
            "server": repr(server.seen),
            "events": _text(self._session.rglob("job_events/*")),
            "stdout": _text(self._session.rglob("stdout")),
            "artifacts": _below(self._session),
            "variables": _text(self._session.rglob("env/*")),
        }


def _below(folder: Path) -> str:
    return _text(path for path in folder.rglob("*") if path.is_file())


def _text(paths: Any) -> str:
    """The names of files and what they hold."""
    return "\n".join(f"{path}\n{path.read_text(errors='replace')}" for path in paths if path.is_file())


class NaiveFleet(CarelessFleet):
    """The channels, each with a value that needs no quotes: what is left out here is care, not luck."""

    @staticmethod
    def value() -> Value:
        return Value(between="-")

    def play_naively(self, places: Places) -> str:
        """Play it as people play it; returns what was printed."""
        extra = self.values["extra"].text
        with places.sampler.sampling():
            told = self.plain("-v", "--diff", "-e", f"extra={extra}", **places.settings())
        ansible_runner.run(
            private_data_dir=str(self.session),
            playbook=str(self.play),
            inventory=str(self.home / "hosts.yml"),
            limit=",".join(BY_RUNNER),
            extravars={"extra": extra},
            cmdline=f"--vault-password-file {self.password} -e extra={extra}",
            envvars=self.environment(),
            quiet=True,
        )
        return told

    def leaking(self, texts: Mapping[str, str]) -> set[str]:
        """The channels whose value is in the place they name."""
        return {
            name for name, declared in CHANNELS.items() if self.values[declared.get("of", name)].is_in(texts[declared["place"]])
        }
