"""Whoever tries two values of a one-slot credential runs on both before the cut, and gives the next one back if there is none."""

from __future__ import annotations

from collections import Counter

import pytest

from mycoops.catalogue import Catalogue
from mycoops.drill.bench import Bench
from mycoops.drill.faults import Fault
from mycoops.drill.stories import STORIES, Story
from mycoops.errors import ForwardOnly, StepFailed
from mycoops.model import Stage, State, Verb
from mycoops.rotation.context import generations
from tests.unit.rotation.conftest import MakeBench

DUAL = ("api", "blue", "green", "side")


def value(made: Bench, generation: int) -> str:
    """What a consumer that is told login and value together holds."""
    return f"app:{made.store().secret('it', generation).reveal()}"


def running(made: Bench, service: str) -> tuple[str, str]:
    """The present and the next value of a running process."""
    process = made.world.machines[made.catalogue.services[service].host].processes[service]
    return process["SECRET"], process["SECRET_NEXT"]


def test_everybody_holds_both_before_the_cut_and_the_new_one_alone_after_it(bench: MakeBench) -> None:
    made = bench("O4-dual")
    made.crash("before the record state it CUTOVER")
    assert {running(made, service) for service in DUAL} == {(value(made, 1), value(made, 2))}
    assert "cutover it h3" not in made.world.calls
    assert made.walk() is None
    assert {running(made, service) for service in DUAL} == {(value(made, 2), "")}
    made.over()


def test_the_plan_counts_what_is_started_and_says_why(bench: MakeBench) -> None:
    made = bench("O4-dual")
    seen: list[str] = []
    made.clock.seen = seen.append
    assert made.walk() is None
    planned = {one.service: (one.count, one.reloads, one.why) for one in made.plan.restarts}
    twice = (2, 0, ("next value: it", "switch: it"))
    assert planned == {"api": twice, "blue": twice, "green": twice, "side": (0, 2, ()), "plain": (1, 0, ("switch: it",))}
    done = Counter(what for what in seen if what.startswith(("restart ", "reload ")))
    for service, (count, reloads, _) in planned.items():
        assert (done[f"restart {service}"], done[f"reload {service}"]) == (count, reloads), service


def test_next_values_are_given_wave_by_wave_and_before_the_point_of_no_return(bench: MakeBench) -> None:
    moves = bench("O4-dual").plan.moves
    verbs = [(move.verb, move.hosts) for move in moves if move.verb in (Verb.STAGE, Verb.CUTOVER)]
    assert verbs == [
        (Verb.STAGE, ()),
        (Verb.STAGE, ("h1",)),
        (Verb.STAGE, ("h2",)),
        (Verb.STAGE, ("h3",)),
        (Verb.CUTOVER, ()),
    ]
    assert next(move.verb for move in moves if move.forward_only) is Verb.CUTOVER
    assert [move.services for move in moves if move.hosts == ("h3",) and move.verb is Verb.STAGE] == [("side",)]


@pytest.mark.parametrize("service", DUAL)
def test_a_service_that_does_not_bear_the_next_value_goes_back_and_nothing_is_cut(bench: MakeBench, service: str) -> None:
    made = bench("O4-dual")
    made.world.allergic.add(service)
    error = made.walk()
    assert isinstance(error, StepFailed)
    assert f"{service}: it does not bear a new value" in str(error)
    standing = made.standing("it")
    assert (standing.state, standing.forward_only, standing.stages) == (State.VERIFIED, False, {})
    assert standing.ahead[service] is Stage.ROLLED_BACK
    assert running(made, service) == (value(made, 1), "")
    assert "cutover it h3" not in made.world.calls
    made.world.allergic.clear()
    made.deploy()
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("service", DUAL)
def test_what_was_given_before_another_failed_is_taken_back_by_an_abort(bench: MakeBench, service: str) -> None:
    made = bench("O4-dual")
    made.world.allergic.add(service)
    made.walk()
    assert made.abort() is None
    assert {running(made, name) for name in DUAL} == {(value(made, 1), "")}
    assert made.standing("it").state is State.ROLLED_BACK
    made.back()
    made.deploy()


@pytest.mark.parametrize("what", ["lost", "error", "unreachable"])
@pytest.mark.parametrize("host", ["h1", "h2", "h3"])
def test_a_delivery_that_fails_once_is_gone_on_with(bench: MakeBench, what: str, host: str) -> None:
    made = bench("O4-dual")
    made.world.faults = [Fault(what, "delivery", host, check=False)]
    assert isinstance(made.walk(), StepFailed)
    assert not made.standing("it").forward_only
    made.deploy()
    assert made.walk() is None
    made.over()


def test_a_service_that_is_ill_is_not_touched(bench: MakeBench) -> None:
    made = bench("O4-dual")
    made.crash("after the record state it VERIFIED")
    made.world.ill.add("green")
    assert "nothing was touched" in str(made.walk())
    assert running(made, "green") == (value(made, 1), "")


def strip(made: Bench, service: str) -> None:
    """Somebody takes the next value out of the file and restarts the service."""
    declared = made.catalogue.services[service]
    machine = made.world.machines[declared.host]
    path = declared.file_of("SECRET_NEXT").path
    machine.files[path]["SECRET_NEXT"] = machine.processes[service]["SECRET_NEXT"] = ""


@pytest.mark.parametrize("service", DUAL)
@pytest.mark.parametrize("point", ["after the record state it STAGED", "after the record state it CUTOVER"])
def test_one_that_lost_the_next_value_since_is_given_it_again_before_the_cut(bench: MakeBench, service: str, point: str) -> None:
    made = bench("O4-dual")
    made.crash(point)
    strip(made, service)
    assert made.walk() is None
    made.over()


def test_where_it_cannot_be_given_again_nothing_is_cut(bench: MakeBench) -> None:
    made = bench("O4-dual")
    made.crash("after the record state it STAGED")
    strip(made, "api")
    made.world.allergic.add("api")
    assert isinstance(made.walk(), StepFailed)
    assert (made.standing("it").state, made.standing("it").forward_only) == (State.STAGED, False)
    assert "cutover it h3" not in made.world.calls
    assert made.abort() is None
    made.back()


def test_nor_after_the_point_of_no_return_while_the_old_value_lives(bench: MakeBench) -> None:
    made = bench("O4-dual")
    made.crash("after the record state it CUTOVER")
    strip(made, "api")
    made.world.allergic.add("api")
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "api: it does not bear a new value" in str(error)
    assert "cutover it h3" not in made.world.calls
    made.world.allergic.clear()
    assert made.walk() is None
    made.over()


def test_what_this_walk_has_seen_is_not_delivered_twice(bench: MakeBench) -> None:
    made = bench("O4-dual")
    assert made.walk() is None
    cut = made.world.calls.index("cutover it h3")
    before = [call for call in made.world.calls[:cut] if call.startswith("deliver ")]
    assert before == ["deliver api", "deliver blue,green", "deliver side"]


def test_a_deploy_brings_the_next_value_as_far_as_the_rotation_has(bench: MakeBench) -> None:
    made = bench("O4-dual")
    made.crash("after the record ahead it api acknowledged")
    found = generations(made.catalogue, made.store(), [made.run()])
    assert {service: found.ahead["it", service] for service in DUAL} == {"api": 2, "blue": 0, "green": 0, "side": 0}
    assert {found.effective["it", service] for service in DUAL} == {1}
    strip(made, "api")
    made.deploy()
    assert running(made, "api") == (value(made, 1), value(made, 2))
    assert {running(made, service) for service in DUAL[1:]} == {(value(made, 1), "")}


def test_a_deploy_after_the_cut_leaves_the_new_value_alone(bench: MakeBench) -> None:
    made = bench("O4-dual")
    made.crash("before the record state it SWITCHING")
    made.deploy()
    assert {running(made, service) for service in DUAL} == {(value(made, 2), "")}
    assert made.walk() is None
    made.over()


def test_a_switch_that_fails_after_the_cut_puts_both_values_back(bench: MakeBench) -> None:
    """The way back is a state that works: the present value is dead by then, the next one is not."""
    made = bench("O4-dual")
    made.crash("before the record state it SWITCHING")
    sick = made.world._sick
    made.world._sick = lambda service, env: (  # type: ignore[method-assign]
        "it starts with two values only" if service == "api" and not env["SECRET_NEXT"] else sick(service, env)
    )
    assert isinstance(made.walk(), ForwardOnly)
    assert made.standing("it").stages["api"] is Stage.ROLLED_BACK
    assert running(made, "api") == (value(made, 1), value(made, 2))
    made.world.check()
    made.world._sick = sick  # type: ignore[method-assign]
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("point", ["stage it", "cutover it"])
def test_a_timer_that_fires_finds_everybody_with_a_value(bench: MakeBench, point: str) -> None:
    made = bench("O4-dual")
    made.crash(point)
    made.world.authorities["it"]["h3"].fire()  # type: ignore[attr-defined]
    made.world.check()
    assert made.walk() is None
    made.over()


def without_next(catalogue: Catalogue) -> Catalogue:
    """The same fleet, in which nobody reads a next value."""
    declared = catalogue.credentials["it"]
    consumers = tuple(consumer.model_copy(update={"next": {}}) for consumer in declared.consumers)
    return catalogue.model_copy(update={"mycoops_credentials": {"it": declared.model_copy(update={"consumers": consumers})}})


def test_a_next_value_that_is_declared_on_the_way_counts_from_the_next_rotation_on(bench: MakeBench) -> None:
    made = bench(Story("later", without_next(STORIES["O4-dual"].catalogue)))
    made.crash("after the record state it VERIFIED")
    made.catalogue = STORIES["O4-dual"].catalogue
    assert made.walk() is None
    assert {running(made, service) for service in DUAL} == {(value(made, 2), "")}
    assert made.standing("it").ahead == {}


def test_without_it_the_same_cut_leaves_everybody_without_a_value(bench: MakeBench) -> None:
    """The control: what the world asserts of those who try two values does not hold by itself."""
    made = bench(Story("control", without_next(STORIES["O4-dual"].catalogue)))
    made.crash("before the record state it SWITCHING")
    assert {made.world.accepts("it", *login) for _, login in made.world.holders("it")} == {False}
    assert made.walk() is None
    made.over()
