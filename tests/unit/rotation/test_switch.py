"""A switch acknowledges what it has seen and nothing else; a service that fails goes back and stops its own credentials only."""

from __future__ import annotations

import pytest

from mycoops.catalogue import Catalogue
from mycoops.drill.faults import Fault
from mycoops.drill.hosts import Delivery
from mycoops.drill.stories import APART, Story, fleet, simple, use
from mycoops.errors import ForwardOnly, WaitingForPerson
from mycoops.model import Stage, State
from mycoops.secret import generate
from tests.unit.rotation.conftest import MakeBench


def manual(kind: str) -> Story:
    """A fleet whose job is started by somebody else, as a cron job or a developer's machine."""
    made = simple(kind)
    job = made.services["job"].model_copy(update={"apply": "none"})
    return Story("manual", made.model_copy(update={"mycoops_services": {**made.services, "job": job}}))


def an_app_and_its_grant() -> Catalogue:
    """A value that replaces itself, and the one slot that a person fills with which it is used."""
    grant = {"kind": "grant", "category": "oauth", "authority": {"host": "h3", "admin": "app"}, "consumers": [{"rotator": True}]}
    app = {"kind": "console", "category": "oauth", "authority": {"host": "h3"}, "consumers": [{"rotator": True}]}
    return fleet({}, {"it": grant, "app": app})


def test_a_service_that_is_restarted_by_hand_is_not_acknowledged_before_it_was(bench: MakeBench) -> None:
    made = bench(manual("acl"))
    assert "restart it" in str(made.walk())
    assert made.standing("it").stages == {"api": Stage.ACKNOWLEDGED, "job": Stage.SWITCHING}
    made.world.machines["h2"].processes["job"] = dict(made.world.machines["h2"].files["/etc/job.env"])
    assert made.walk() is None
    made.over()


def test_a_lost_reply_leaves_the_service_where_it_may_be(bench: MakeBench) -> None:
    made = bench("O2")
    made.world.faults = [Fault("lost", "delivery", "h2", check=False)]
    assert "no answer" in str(made.walk())
    assert made.standing("it").stages == {"api": Stage.ACKNOWLEDGED, "job": Stage.SWITCHING}
    made.deploy()
    made.world.calls.clear()
    assert made.walk() is None
    made.over()


def test_a_service_the_host_took_back_is_on_its_old_values(bench: MakeBench) -> None:
    made = bench("O2")
    made.world.allergic.add("job")
    assert "it does not bear a new value" in str(made.walk())
    assert made.standing("it").stages == {"api": Stage.ACKNOWLEDGED, "job": Stage.ROLLED_BACK}
    made.deploy()
    made.world.allergic.clear()
    assert made.walk() is None
    made.over()


def test_a_service_that_is_ill_before_the_switch_stops_its_own_credential_only(bench: MakeBench) -> None:
    made = bench(APART)
    made.crash("before the record state one SWITCHING")
    made.world.ill.add("api")
    assert "nothing was touched" in str(made.walk())
    assert made.standing("one").stages == {"api": Stage.ROLLED_BACK}
    assert made.standing("two").state is State.CLOSED
    made.world.ill.clear()
    assert made.walk() is None
    made.over()


def test_a_service_that_fails_on_its_new_value_stops_its_own_credential_only(bench: MakeBench) -> None:
    made = bench(APART)
    made.world.allergic.add("api")
    assert "does not bear" in str(made.walk())
    assert (made.standing("one").state, made.standing("two").state) == (State.SWITCHING, State.CLOSED)
    made.world.allergic.clear()
    assert made.walk() is None
    made.over()


def test_a_malformed_file_stops_the_credentials_in_it_only(bench: MakeBench) -> None:
    made = bench(APART)
    made.world.machines["h1"].malformed.add("/etc/api.env")
    assert "/etc/api.env:3" in str(made.walk())
    assert (made.standing("one").state, made.standing("two").state) == (State.PLANNED, State.CLOSED)
    made.world.machines["h1"].malformed.clear()
    assert made.walk() is None
    made.over()


def test_a_file_that_is_broken_between_stage_and_switch_stops_the_credentials_in_it_only(bench: MakeBench) -> None:
    made = bench(APART)
    made.crash("before the record state one SWITCHING")
    made.world.machines["h1"].malformed.add("/etc/api.env")
    assert "/etc/api.env:3" in str(made.walk())
    assert (made.standing("one").state, made.standing("two").state) == (State.SWITCHING, State.CLOSED)


@pytest.mark.parametrize("kind", ["acl", "single"])
def test_a_service_that_is_ill_because_its_old_value_is_dead_gets_the_new_one(bench: MakeBench, kind: str) -> None:
    made = bench(Story("dead", simple(kind)))
    made.crash("before the record state it SWITCHING" if kind == "single" else "before the record state it VERIFIED")
    if kind == "acl":
        made.world.authorities["it"]["h3"].tokens.pop(made.store().secret("it", 1).reveal())  # type: ignore[attr-defined]
        made.world.dead.add("it")
    assert made.walk() is None
    made.over()


def test_after_the_cut_a_deploy_writes_the_new_value_everywhere(bench: MakeBench) -> None:
    made = bench("O4")
    made.crash("before the record state it SWITCHING")
    made.deploy()
    value = made.store().secret("it", 2).reveal()
    assert {held[1] for _, held in made.world.holders("it")} == {value}
    assert made.walk() is None
    made.over()


def test_a_consumer_declared_after_the_promotion_gets_the_new_value(bench: MakeBench) -> None:
    made = bench("O2")
    made.crash("after the record state it PROMOTED")
    standing = made.standing("it")
    assert standing.generation_for("declared-since") == 2
    assert made.standing("it").generation_for("api") == 2


def test_a_person_cuts_only_after_everything_but_the_value_was_rehearsed(bench: MakeBench) -> None:
    made = bench("O6")
    assert isinstance(made.walk(), WaitingForPerson)
    standing = made.standing("it")
    assert (standing.state, standing.forward_only) == (State.CUTOVER, True)
    assert standing.waiting["page"] == "https://console.example/tokens"
    assert standing.waiting["next"] == "mycoops provide it"
    assert made.world.staged["it"] == {"api", "job"}
    made.deploy()
    made.bring()
    assert made.walk() is None
    made.over()


def test_a_wrong_value_of_a_person_is_asked_for_again_and_the_newest_one_counts(bench: MakeBench) -> None:
    made = bench("O6")
    made.walk()
    made.store().put_pending("it", 2, "", generate("token"))
    assert "bring another" in str(made.walk())
    assert made.standing("it").next_command == "mycoops provide it"
    made.world.bring("it")
    assert made.walk() is None
    assert made.standing("it").to_generation == 3
    made.over()


def test_an_administrators_value_is_asked_for_when_nobody_goes_on_with_it(bench: MakeBench) -> None:
    """A person who replaces it ends it at once: whoever is looked at with it afterwards would be told of a wrong administrator."""
    made = bench(Story("app", an_app_and_its_grant()))
    assert isinstance(made.walk(), WaitingForPerson)
    assert (made.standing("it").state, made.standing("app").state) == (State.REVOKE_PENDING, State.STAGED)
    assert made.standing("app").waiting == {}
    made.bring()
    assert isinstance(made.walk(), WaitingForPerson)
    assert made.standing("it").state in (State.PROVEN_DEAD, State.CLOSED)
    assert made.standing("app").waiting["next"] == "mycoops provide app"
    made.bring()
    assert made.walk() is None
    made.over()


def test_a_cut_that_is_not_made_says_why_and_is_made_by_resume(bench: MakeBench) -> None:
    made = bench("O4")
    made.world.faults = [Fault("error", "cutover", code="no_second_way")]
    error = made.walk()
    assert isinstance(error, ForwardOnly)
    assert "only the old value is accepted. single cutover on h3: no_second_way as scripted" in str(error)
    assert made.walk() is None
    made.over()


@pytest.mark.parametrize("what", ["lost", "error", "unreachable"])
@pytest.mark.parametrize("entry", ["stage", "cutover", "confirm"])
def test_a_cut_ends_well_whatever_fails_once(bench: MakeBench, what: str, entry: str) -> None:
    made = bench("O4")
    made.world.faults = [Fault(what, entry)]
    made.finish()


def test_a_timer_that_fired_before_the_confirmation_is_noticed(bench: MakeBench) -> None:
    made = bench("O4")
    made.crash("cutover it")
    made.world.authorities["it"]["h3"].fire()  # type: ignore[attr-defined]
    assert made.walk() is None
    made.over()
    assert made.world.calls.count("cutover it h3") == 2


def neighbours() -> Story:
    """On one host: an authority with a list, and two consumers of it; one of them uses another credential too."""
    services = {
        name: {
            "host": "h1",
            "unit": f"{name}.service",
            "reads": reads,
            "env_file": {"path": f"/etc/{name}.env", "readers": ["systemd"]},
        }
        for name, reads in (("gate", ["TOKENS"]), ("one", ["TOKEN"]), ("two", ["TOKEN", "OTHER"]))
    }
    gate = {"services": ["gate"], "accepts": {"TOKENS": "<accepted|json>"}}
    credentials = {
        "token": {
            "kind": "listed",
            "category": "api_keys",
            "authority": gate,
            "consumers": [use("one", "TOKEN"), use("two", "TOKEN")],
        },
        "other": {"kind": "acl", "category": "api_keys", "authority": {"host": "h3"}, "consumers": [use("two", "OTHER")]},
    }
    return Story("neighbours", fleet(services, credentials))


def test_a_consumer_beside_its_authority_can_be_redeployed_in_the_middle(bench: MakeBench) -> None:
    made = bench(neighbours())
    made.crash("after the record state token ACTIVATED")
    made.deploy("one", "two")
    assert made.walk() is None
    made.over()


def test_a_service_taken_back_does_not_keep_others_of_its_host_from_other_credentials(bench: MakeBench) -> None:
    made = bench(neighbours())
    made.world.allergic.add("one")
    assert "does not bear" in str(made.walk())
    assert made.standing("other").state is State.CLOSED
    made.deploy()
    made.world.allergic.clear()
    assert made.walk() is None
    made.over()


def test_a_switch_that_fails_after_a_lost_reply_leaves_the_host_open_for_other_orders(bench: MakeBench) -> None:
    made = bench(APART)
    made.crash("after the record state one SWITCHING")
    made.world.faults = [Fault("lost", "delivery", "h1", check=False)]
    made.walk()
    made.world.allergic.add("api")
    made.world.machines["h1"].processes["api"].clear()
    made.world.machines["h1"].processes["api"]["SECRET"] = made.store().secret("one", 1).reveal()
    assert "does not bear" in str(made.walk())
    assert made.standing("one").stages == {"api": Stage.ROLLED_BACK}
    made.deploy()


def sharing() -> Story:
    """One credential in two services of one host, each with a file of its own."""
    made = simple("acl")
    job = made.services["job"].model_copy(update={"host": "h1"})
    return Story("sharing", made.model_copy(update={"mycoops_services": {**made.services, "job": job}}))


def test_a_disk_that_is_full_at_the_second_service_leaves_the_first_acknowledged(bench: MakeBench) -> None:
    """Else a way back would pass by a service that runs on the candidate, and kill it."""
    made = bench(sharing())
    made.crash("after the record state it STAGED")
    made.world.machines["h1"].full.add("/etc/job.env")
    assert "/etc/job.env cannot be written" in str(made.walk())
    assert made.standing("it").stages == {"api": Stage.ACKNOWLEDGED, "job": Stage.ROLLED_BACK}
    photograph = made.snapshot()
    assert made.abort() is None
    made.back()
    made.restore(photograph)
    made.world.machines["h1"].full.clear()
    assert made.walk() is None
    made.over()


def test_a_file_that_could_not_be_put_back_is_taken_back_by_abort(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench(APART)
    made.crash("after the record state one STAGED")
    real = Delivery.run

    def half(self: Delivery, *, check: bool) -> dict[str, object]:
        if check or [service["name"] for service in self.request["services"]] == ["job"]:
            return real(self, check=check)
        self.machine.files["/etc/api.env"].update(self.values["/etc/api.env"])
        told = {"code": "half_written", "message": "it could not be put back", "path": "/etc/api.env"}
        return {"changed": True, "files": [], "services": [], "error": told}

    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "run", half)
        assert "could not be put back" in str(made.walk())
    assert made.standing("one").stages == {"api": Stage.SWITCHING}
    assert made.abort() is None
    made.back()
