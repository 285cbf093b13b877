"""What providers make of the checklist, with nobody at the terminal: it waits, says for what, and a person carries it through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from mycoops.checklist import ITEMS
from tests.integration import promises, providers
from tests.integration.lab import Done, Lab
from tests.integration.providers import Console
from tests.integration.values import Value

CREDENTIALS = sorted(providers.REFUSED)
WITHOUT_PERSON = {"cloudflare", "cloudflare_maker", "proxmox", "proxmox_rotator", "quickbooks"}
"""The provider makes these, and ends them."""
BY_HAND = {"anthropic_admin", "asana", "chemspider", "n8n", "notion"}
"""A person ends the old one too."""
LATER = {"quickbooks_app"}
"""Asked for when the grant that it opens is through."""


@dataclass
class Sitting:
    """A rotation that waited, what it waited for, and what somebody did about it."""

    lab: Lab
    before: dict[str, Value]
    waited: Done
    states: dict[str, str]
    todo: list[dict[str, Any]]
    ticket: Done
    done: Done
    after: dict[str, Value]


def states(lab: Lab) -> dict[str, str]:
    return {one["credential"]: one["state"] for one in lab.run("status", "--json").json()}


@pytest.fixture(scope="module")
def sitting(lab: Lab) -> Sitting:
    """Rotate what providers make; nobody is there. Then a person comes and does what `mycoops todo` lists."""
    before = lab.current()
    waited = lab.run("rotate", *CREDENTIALS, "--yes", status=None)
    seen, todo, ticket = states(lab), lab.run("todo", "--json", status=6).json(), lab.run("todo", "--markdown", status=6)
    with lab.sampler.sampling():
        done = lab.begin_attended().end(600)
    return Sitting(lab, before, waited, seen, todo, ticket, done, lab.current())


def test_without_a_person_it_waits_and_what_needs_none_is_done(sitting: Sitting) -> None:
    assert sitting.waited.status == 6, sitting.waited.told
    closed = {name for name in CREDENTIALS if sitting.states[name] == "CLOSED"}
    # A grant whose old value its provider still takes waits a day for its end; one that was refreshed before may see it at once.
    assert closed | {"quickbooks"} == WITHOUT_PERSON
    assert sitting.states["quickbooks"] in ("REVOKE_PENDING", "CLOSED")


def test_what_has_to_be_brought_is_listed_with_page_shape_and_the_command_after_it(sitting: Sitting) -> None:
    wanted = set(CREDENTIALS) - WITHOUT_PERSON - (LATER if sitting.states["quickbooks"] == "REVOKE_PENDING" else set())
    assert {one["credential"]: one["next"] for one in sitting.todo} == {name: f"mycoops provide {name}" for name in wanted}
    assert all(one["page"] and one["step"] and one["owner"] and one["deadline"] for one in sitting.todo)
    assert {one["credential"]: one["prefix"] for one in sitting.todo if one["prefix"]}["anthropic_admin"] == "sk-ant-admin"
    assert all(f"`mycoops provide {name}`" in sitting.ticket.stdout for name in wanted)


def test_somebody_does_it_and_every_credential_is_closed(sitting: Sitting) -> None:
    assert sitting.done.status == 0, sitting.done.told
    assert states(sitting.lab).items() >= dict.fromkeys(CREDENTIALS, "CLOSED").items(), sitting.done.told
    for name in CREDENTIALS:
        said = f"$ mycoops confirm {name}\n" in sitting.done.stderr
        assert said is (name in BY_HAND), f"{name}: {sitting.done.told}"
    assert sitting.lab.run("todo").stdout == "nothing waits for a person\n"


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_its_provider_accepts_the_new_value_and_refuses_the_old_and_a_random_one(sitting: Sitting, credential: str) -> None:
    old, new = sitting.before[credential], sitting.after[credential]
    assert (new.generation > old.generation, new.text != old.text) == (True, True)
    promises.accepted(sitting.lab, [new])
    promises.refused(sitting.lab, [new], random=True)
    promises.refused(sitting.lab, [old])


def test_the_process_that_uses_them_holds_the_new_ones(sitting: Sitting) -> None:
    promises.processes_hold(sitting.lab, sitting.after)


def test_nothing_lives_on_at_a_provider_that_nobody_holds(sitting: Sitting) -> None:
    for provider in ("anthropic", "asana", "chemspider", "cloudflare", "github", "n8n", "ncbi", "notion", "proxmox", "telegram"):
        mine = [name for name in providers.PROBES if providers.PROBES[name].provider == provider]
        assert len(Console(sitting.lab).alive(provider)) == len(mine), provider


def test_every_item_of_the_checklist_is_in_the_plan_of_a_quarter_or_said_not_to_apply(sitting: Sitting) -> None:
    plan = sitting.lab.run("plan", "--quarter", "Q3", "--json").json()
    declared = promises.catalogue(sitting.lab)["mycoops_credentials"]
    planned = {declared[one["credential"]].get("item") for one in plan["rotations"]} - {None}
    absent = {one["item"] for one in plan["not_applicable"]}
    assert {ITEMS[item] for item in planned} | {one for one in ITEMS.values() if one[1] in absent} == set(ITEMS.values())
    assert absent == {"Discord"}
