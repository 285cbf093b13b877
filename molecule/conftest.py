"""What the tests of all scenarios use: the hosts over ssh, the values of the store, and the replies of every run so far."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from testinfra.host import Host

from mycoops.masking import Masker
from mycoops.vault import Store, password_secrets

RUN = Path(os.environ["MOLECULE_RUN"])
SCENARIO = os.environ["MOLECULE_SCENARIO_NAME"]
STORY = yaml.safe_load((Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "vars.yml").read_text())["story"]


def connect(name: str) -> Host:
    """A host over ssh, as root."""
    return testinfra.get_host(f"ssh://{name}", ssh_config=str(RUN / "ssh_config"), sudo=True)


@pytest.fixture(scope="session")
def story() -> dict[str, Any]:
    """What the scenario's vars.yml says."""
    return STORY


@pytest.fixture(scope="session")
def host() -> Host:
    """The host whose state the scenario is about."""
    return connect(STORY["watched"]["host"])


@pytest.fixture(scope="session")
def store() -> Store:
    """The values of the run."""
    return Store.open(RUN / "fleet", password_secrets((RUN / "vault-password").read_text().strip()))


@pytest.fixture(scope="session")
def value(store: Store) -> Callable[..., str]:
    """A value of the scenario's credential by its generation; or of another one."""

    def find(generation: int, credential: str = SCENARIO) -> str:
        return store.secret(credential, generation).reveal()

    return find


@pytest.fixture(scope="session")
def masker(store: Store) -> Masker:
    """Finds any form of any value."""
    return Masker(secret.reveal() for _, _, secret in store.secrets())


@pytest.fixture
def watched(host: Host) -> Callable[[], str]:
    """The digest of what the scenario watches, as of now."""

    def look() -> str:
        looks = [host.run(shlex.join(argv)) for argv in STORY["watched"]["looks"]]
        assert [done.rc for done in looks] == [0] * len(looks)
        return sha256("\n".join(done.stdout.strip() for done in looks).encode()).hexdigest()

    return look


@pytest.fixture(scope="session")
def before() -> str:
    """The same digest at the end of the preparation."""
    return (RUN / f"{SCENARIO}.before").read_text()


class Replies:
    """The replies of the scenario's runs: `check`, `converge`, `idempotence` and `side_effect`."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self._runs: dict[str, list[dict[str, Any]]] = {}
        first = next((line["pid"] for line in lines if line["playbook"] == "converge" and not line["check"]), 0)
        for line in lines:
            again = line["playbook"] == "converge" and line["pid"] != first
            name = "check" if line["check"] else "idempotence" if again else line["playbook"]
            self._runs.setdefault(name, []).append(line)

    def changes(self, run: str) -> list[bool]:
        """Whether each task of a run reported a change."""
        return [line["changed"] for line in self._runs[run]]

    def all(self, run: str) -> list[dict[str, Any]]:
        """The replies of a run, in order."""
        return [line["reply"] for line in self._runs[run]]

    def errors(self, run: str) -> list[str]:
        """The codes of the errors of a run, in order."""
        return [reply["error"]["code"] for reply in self.all(run) if "error" in reply]

    def of(self, run: str, item: str) -> dict[str, Any]:
        """The one reply to an item such as `probe random`."""
        (found,) = [reply for reply in self.all(run) if reply["item"] == item]
        return found

    def outcomes(self, run: str) -> list[str]:
        """How the probes with a random, the new and the old value ended."""
        return [self.of(run, f"probe {subject}")["outcome"] for subject in ("random", "new", "old")]


@pytest.fixture(scope="session")
def replies() -> Replies:
    """What the actions of this scenario replied."""
    lines = [json.loads(line) for line in (RUN / "replies.jsonl").read_text().splitlines()]
    return Replies([line for line in lines if line["scenario"] == SCENARIO])
