"""Every effect in the engine's source is a site, wherever it stands; one that no kill interrupts is told."""

from __future__ import annotations

import sys

import pytest

from mycoops.drill import coverage
from mycoops.drill.coverage import Site, found_in, sites, under_way
from tests.unit.rotation.conftest import MakeBench

EFFECTS = [
    "context.record('x')",
    "context.state(name, State.CLOSED)",
    "context.fact(name, 'probe')",
    "context.block(name, 'why')",
    "context.call(items)",
    "context.deliver(requests)",
    "context.rotator_key(name, 2)",
    "context.render()",
    "context.forget(rotation)",
    "context.store.promote(name, 2)",
    "self.store.drop_pending(name, 2)",
]
"""Every sort of effect."""


@pytest.mark.parametrize("call", EFFECTS)
def test_an_effect_is_found(call: str) -> None:
    text = f"def one(context):\n    for name in names:\n        return [{call} for x in y]\n"
    assert [(site.line, site.call) for site in found_in("any", text)] == [(3, call.split("(")[0])]


@pytest.mark.parametrize("call", ["context.standing(name)", "context.store.meta(name)", "store.pending(name)", "record(x)"])
def test_what_only_looks_is_none(call: str) -> None:
    assert found_in("any", f"{call}\n") == []


def test_the_engine_has_many_and_in_every_module_that_acts() -> None:
    assert len(sites()) > 100
    assert {site.module for site in sites()} >= {"mint", "prepare", "switch", "finish", "revoke", "abort", "refresh", "walk"}


def test_a_point_belongs_to_the_effects_that_are_being_executed(bench: MakeBench) -> None:
    made = bench("O1-slots")
    seen: set[Site] = set()
    made.clock.seen = lambda what: seen.update(under_way(sys._getframe())) if what.endswith("state db PROMOTED") else None
    made.finish()
    assert {(site.module, site.call) for site in seen} == {("finish", "context.state")}


def test_outside_the_engine_there_is_none() -> None:
    coverage.prime()
    assert under_way(sys._getframe()) == set()
