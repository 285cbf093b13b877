"""Nothing is revoked on hope: not before every acknowledgement, and not where it would leave nobody valid."""

from __future__ import annotations

import pytest

from mycoops.drill.authorities import Logins, Tokens
from mycoops.drill.faults import Fault
from mycoops.drill.stories import Story, fleet, use
from mycoops.errors import ForwardOnly, StepFailed
from mycoops.model import State
from tests.unit.rotation.conftest import MakeBench

OVERWRITTEN = [("O2", "it", "h2", "job", "SECRET"), ("O1-lists", "token", "h1", "near", "TOKEN")]


def test_a_consumer_that_cannot_be_reached_keeps_the_old_value_alive(bench: MakeBench) -> None:
    made = bench("O2")
    made.world.faults = [Fault("unreachable", "delivery", "h2", check=False)]
    assert "h2 cannot be reached over ssh" in str(made.walk())
    assert "revoke it h3" not in made.world.calls
    assert made.world.accepts("it", "", made.store().secret("it", 1).reveal())
    assert made.walk() is None
    made.over()


def test_old_still_accepted_after_the_revocation_is_revoked_again(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.world.authorities["db"]["h3"].immortal = True
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "old and new are both accepted" in str(error)
    assert made.standing("db").state is State.REVOKING
    assert isinstance(made.walk(), ForwardOnly)
    made.world.authorities["db"]["h3"].immortal = False
    assert made.walk() is None
    made.over()


def test_a_list_that_still_holds_the_old_value_is_delivered_again(bench: MakeBench) -> None:
    made = bench("O1-lists")
    made.crash("after the record state token REVOKED")
    stale = made.world.machines["h1"].processes["gate"], made.world.machines["h3"].processes["door"]
    both = [made.store().secret("token", number).reveal() for number in (1, 2)]
    for process in stale:
        process["TOKENS"] = str(both).replace("'", '"')
    assert "old and new are both accepted" in str(made.walk())
    assert made.walk() is None
    made.over()


def test_an_authority_that_lost_the_new_value_is_given_it_again_before_anything_is_revoked(bench: MakeBench) -> None:
    made = bench("O1-slots")
    made.crash("after the record state db REVOKED")
    logins = made.world.authorities["db"]["h3"]
    assert isinstance(logins, Logins)
    old, new = (made.store().secret("db", number).reveal() for number in (1, 2))
    made.world.dead.add("db")
    logins.names = {"app_a": old}
    assert "only the old value is accepted" in str(made.walk())
    assert "has it again" in str(made.walk())
    assert logins.names == {"app_a": old, "app_b": new}
    assert made.walk() is None
    made.over()


def test_a_revocation_is_not_repeated_where_it_would_leave_nobody_valid(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("before the record state it REVOKED")
    made.world.authorities["it"]["h3"].outage = True
    before = made.world.calls.count("revoke it h3")
    assert "neither the old nor the new value" in str(made.walk())
    assert made.world.calls.count("revoke it h3") == before
    assert made.standing("it").state is State.QUARANTINED
    made.world.authorities["it"]["h3"].outage = False
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("what", ["lost", "unreachable", "error"])
@pytest.mark.parametrize(("story", "entry"), [("O1-slots", "revoke"), ("O1-admin", "revoke"), ("O2", "revoke"), ("O3", "revoke")])
def test_a_revocation_of_unknown_outcome_is_gone_on_with(bench: MakeBench, story: str, entry: str, what: str) -> None:
    made = bench(story)
    made.world.faults = [Fault(what, entry)]
    made.finish()


@pytest.mark.parametrize("what", ["lost", "unreachable", "error"])
@pytest.mark.parametrize("host", ["h1", "h2", "h3"])
def test_a_drop_of_unknown_outcome_is_gone_on_with(bench: MakeBench, host: str, what: str) -> None:
    made = bench("O1-lists")
    made.crash("after the record state token PROMOTED")
    made.world.faults = [Fault(what, "delivery", host, check=False)]
    assert isinstance(made.walk(), ForwardOnly)
    made.deploy()
    made.finish()


def test_a_revocation_done_on_some_hosts_only_is_gone_on_with(bench: MakeBench) -> None:
    made = bench("O1-own-key")
    made.world.faults = [Fault("unreachable", "revoke", "h2")]
    assert isinstance(made.walk(), ForwardOnly)
    assert made.walk() is None
    made.over()


def test_a_new_value_that_one_host_lost_is_given_to_it_again(bench: MakeBench) -> None:
    made = bench("O1-own-key")
    made.crash("before the record state own VERIFIED")
    account = made.world.authorities["own"]["h2"]
    assert isinstance(account, Tokens)
    account.tokens.pop(made.store().secret("own", 2).reveal())
    assert "only the old value is accepted" in str(made.walk())
    assert made.standing("own").state is State.MINTING
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("order", [["blue", "green"], ["green", "blue"]])
def test_instances_that_share_a_file_drop_the_old_value_in_one_go(bench: MakeBench, order: list[str]) -> None:
    web = {"path": "/etc/web.env", "readers": ["systemd"]}
    services = {
        name: {"host": "h1", "unit": f"{name}.service", "reads": ["TOKENS"], "env_file": web, "group": "web"} for name in order
    }
    file = {"path": "/etc/job.env", "readers": ["systemd"]}
    services["job"] = {"host": "h2", "unit": "job.service", "reads": ["TOKEN"], "env_file": file}
    credential = {
        "kind": "listed",
        "category": "api_keys",
        "authority": {"services": order, "accepts": {"TOKENS": "<accepted|json>"}},
        "consumers": [use("job", "TOKEN")],
    }
    made = bench(Story("shared", fleet(services, {"token": credential})))
    assert made.walk() is None
    made.over()
    drops = [r for r in made.records() if r["event"] == "dropped"]
    assert [(r["service"], r["restarted"]) for r in drops] == [("blue", True), ("green", True)]


@pytest.mark.parametrize("what", ["the process", "the file"])
@pytest.mark.parametrize("state", ["SWITCHED", "PROMOTED"])
@pytest.mark.parametrize(("story", "name", "host", "service", "variable"), OVERWRITTEN)
def test_a_consumer_that_somebody_took_off_the_new_value_keeps_the_old_one_alive(
    bench: MakeBench, story: str, name: str, host: str, service: str, variable: str, state: str, what: str
) -> None:
    made = bench(story)
    made.crash(f"after the record state {name} {state}")
    machine, before = made.world.machines[host], made.path.read_bytes().count(b'"soaked"')
    old = made.store().secret(name, 1).reveal()
    env = machine.processes[service] if what == "the process" else machine.files[f"/etc/{service}.env"]
    env[variable] = old
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert f"somebody took {service} off the new value" in str(error)
    assert made.standing(name).state is State.SWITCHING
    assert made.world.accepts(name, "", old)
    assert made.walk() is None
    made.over()
    assert made.path.read_bytes().count(b'"soaked"') > before, "the soak began anew"


def test_a_consumer_that_cannot_be_looked_at_again_keeps_the_old_value_alive(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("after the record state it PROMOTED")
    made.world.machines["h2"].up = False
    assert isinstance(made.walk(), StepFailed)
    assert made.standing("it").state is State.PROMOTED
    made.world.machines["h2"].up = True
    assert made.walk() is None
    made.over()


def test_a_rotation_whose_consumer_was_taken_off_can_still_be_taken_back(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("after the record state it PROMOTED")
    made.world.machines["h2"].files["/etc/job.env"]["SECRET"] = made.store().secret("it", 1).reveal()
    assert isinstance(made.walk(), StepFailed)
    assert made.abort() is None
    made.back()
