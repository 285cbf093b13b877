"""However a start ends, nothing that was on its way is left: crash, unreachable host, signals, check mode, a way back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from careless_fleet import LOCAL, CarelessFleet
from fake_host import Health
from kind_servers import Postgres
from test_channels import ENV_FILE, LOUD, Job

from mycoops import children
from mycoops.model import Item
from mycoops.runner import Outcome

SECONDS = 30
"""As long a start may take to come to its middle, or to its end from there."""
PROGRAM = """
- mycoops_host_program: {{program: {program}.py, request: "{{{{ mycoops_item }}}}"}}
"""
TASKS = {name: yaml.safe_load(PROGRAM.format(program=name)) for name in ("slow", "crash")}
TASKS["gone"] = TASKS["crash"]


class Ending(CarelessFleet):
    """One order with a reference to a value, for a host program of the role."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, [name], TASKS)
        self.name, self.marker, self.heard = name, self.scratch / "marker", list[dict[str, Any]]()
        silent = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
        self._write(self.home / "hosts.yml", {"all": {"hosts": {name: silent if name == "gone" else LOCAL}}})

    def start(self, stop: Callable[[], bool] = lambda: False, **body: Any) -> Outcome:
        """Carry it out as loudly as can be."""
        value = {"$form": "<value>", "credential": self.name, "generation": 1}
        item = Item(
            f"{self.name}/here", self.name, self.name, self.name, "careless", {"value": value, "marker": str(self.marker), **body}
        )
        acting = self.performer(self.heard.append, HOME=str(self.account), ANSIBLE_REMOTE_TEMP=str(self.account / "tmp"), **LOUD)
        acting._runner.hurry = stop
        return acting.carry_out([item])

    def at_work(self) -> bool:
        """Whether the host program holds the value."""
        return self.marker.exists()

    def silent(self, outcome: Outcome | None = None) -> None:
        """Nothing was handed on, and nothing is left."""
        assert self.shown(json.dumps(self.heard, ensure_ascii=False) + repr(outcome)) == set()
        assert self.left() == {}


def test_a_host_program_that_crashes_over_its_value(tmp_path: Path) -> None:
    fleet = Ending(tmp_path, "crash")
    outcome = fleet.start()
    reply = outcome.of("crash/here")
    assert reply
    assert reply.error["code"] == "crash"
    fleet.silent(outcome)


def test_a_host_that_cannot_be_reached(tmp_path: Path) -> None:
    fleet = Ending(tmp_path, "gone")
    outcome = fleet.start()
    assert outcome.unreachable == {"gone"}
    fleet.silent(outcome)


def ended(number: int) -> Callable[[Ending], bool]:
    """Something that is asked all the time and sends a signal to ansible-playbook once the host program is at work."""
    sent: list[int] = []

    def ask(fleet: Ending) -> bool:
        if fleet.at_work() and not sent:
            sent.extend(children.living())
            for pid in sent:
                os.kill(pid, number)
        return False

    return ask


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_ansible_playbook_ended_by_a_signal_in_the_middle(tmp_path: Path, number: signal.Signals) -> None:
    fleet = Ending(tmp_path, "slow")
    stop, began = ended(number), time.monotonic()
    outcome = fleet.start(lambda: stop(fleet))
    assert time.monotonic() - began < SECONDS, "it came to its own end"
    assert fleet.at_work()
    assert outcome.of("slow/here") is None
    fleet.silent(outcome)


def killed(fleet: Ending, **body: Any) -> None:
    """Begin in a process of its own, and kill that where it stands."""
    pid = os.fork()
    if pid == 0:
        fleet.start(**body)
        os._exit(0)
    until = time.monotonic() + SECONDS
    while not fleet.at_work():
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    time.sleep(1)


def test_the_controller_killed_in_the_middle(tmp_path: Path) -> None:
    fleet = Ending(tmp_path, "slow")
    killed(fleet)
    assert list(fleet.session.rglob("stdout")), "what the start had written is still there"
    fleet.silent()


def test_a_value_that_was_no_reference_is_found_after_such_a_kill(tmp_path: Path) -> None:
    """The control: had a variable held it, it would be in a file now."""
    fleet = Ending(tmp_path, "slow")
    killed(fleet, bug=fleet.values["slow"].text)
    assert any(path.endswith("env/extravars") for path in fleet.left())


@pytest.mark.parametrize("move", ["check", "way back"])
def test_a_delivery_that_is_looked_at_first_or_goes_back(tmp_path: Path, postgres: Postgres, health: Health, move: str) -> None:
    job = Job(tmp_path, postgres)
    heard: list[dict[str, Any]] = []
    acting = job.fleet.performer(heard.append, **{**job.places.settings(), **LOUD})
    file = job.fleet.scratch / ENV_FILE.lstrip("/")
    with job.places.sampler.sampling():
        if move == "check":
            outcome = acting.carry_out((), {"here": job.delivery()}, check=True)
        else:
            acting.carry_out((), {"here": job.delivery()})
            outcome = acting.carry_out((), {"here": {**job.delivery(1), "rollback": ["here"]}})
    reply = outcome.of("delivery/here")
    assert reply
    assert reply.data["changed"] is True
    assert (file.read_text() if file.exists() else "") == ("" if move == "check" else f"TOKEN={job.old.text}\n")
    assert job.shown_in(job.places.texts(json.dumps(heard, ensure_ascii=False), postgres, health)) == set()
