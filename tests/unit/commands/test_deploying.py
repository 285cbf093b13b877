"""`deploy` and `redeploy` write what is in force, the second time nothing, and tell every host's answer."""

from __future__ import annotations

import pytest

from mycoops.commands import deploying, looking, planning, rotating
from mycoops.commands.deploying import Delivered
from mycoops.drill.faults import Fault
from mycoops.drill.stories import Story, fleet, use
from mycoops.errors import ConfigurationError, Interrupted, Leaked
from mycoops.interrupts import Stop
from mycoops.model import Leak
from mycoops.runner import Outcome
from tests.unit.commands.conftest import MakeStage
from tests.unit.commands.stage import Quiet, Stage, never


def deploy(made: Stage, **options: object) -> list[Delivered]:
    """One `mycoops deploy`."""
    return deploying.deploy(made.opened(), lambda *_: None, never, **options).hosts  # type: ignore[arg-type]


def test_a_deploy_of_what_is_there_changes_nothing(stage: MakeStage) -> None:
    made = stage("O1-slots")
    done = deploy(made)
    assert [(one.host, one.changed, one.restarted, one.error) for one in done] == [("h1", False, [], ""), ("h2", False, [], "")]


def test_a_deploy_mends_what_was_changed_by_hand(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.world.machines["h1"].files["/etc/api.env"]["DB"] = "changed by hand"
    made.world.dead.add("db")
    (done,) = deploy(made, host="h1")
    assert (done.host, done.changed) == ("h1", True)
    made.world.dead.clear()
    made.world.check()


def test_check_mode_tells_and_changes_nothing(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.world.machines["h1"].processes["api"]["DB"] = "started by hand"
    made.world.dead.add("db")
    before = repr(made.world.machines)
    done = deploying.deploy(made.opened(), lambda *_: None, never, check=True).hosts
    assert [one.restarted for one in done] == [["api"], []]
    assert repr(made.world.machines) == before


def test_a_redeploy_restarts_what_already_holds_its_value(stage: MakeStage) -> None:
    made = stage("O1-slots")
    done = deploying.redeploy(made.opened(), lambda *_: None, never, "db").hosts
    assert [one.restarted for one in done] == [["api"], ["blue", "green"]]
    assert [one.changed for one in done] == [False, False]


def test_every_host_answers_for_itself(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.world.faults = [Fault("unreachable", "delivery", "h1"), Fault("error", "delivery", "h2", code="locked")]
    assert [(one.host, one.error) for one in deploy(made)] == [
        ("h1", "h1 cannot be reached over ssh"),
        ("h2", "locked as scripted"),
    ]


def test_a_leak_of_a_deploy_is_told_and_has_a_journal_of_its_own(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.scanner = lambda: Outcome(leaks=[Leak("db", 1, "/tmp/left", "h1")])
    done = deploying.deploy(made.opened(), lambda *_: None, never)
    assert [one.error for one in done.hosts] == ["", ""]
    assert isinstance(done.error, Leaked)
    assert "db: generation 1 was found where it must not be: h1: /tmp/left" in done.error.message
    assert "`mycoops rotate db`" in done.error.hint
    (run,) = made.opened().runs().values()
    assert (run.leaks, run.rotations, run.open, bool(run.finished)) == ([Leak("db", 1, "/tmp/left", "h1")], {}, False, True)
    assert "- LEAK: db generation 1: h1: /tmp/left" in made.opened().settings.rotation_log.read_text()
    assert [verdict.state for verdict in looking.verify_log(made.opened())] == ["intact"]


def test_a_deploy_without_a_leak_opens_no_journal(stage: MakeStage) -> None:
    made = stage("O1-slots")
    assert deploying.deploy(made.opened(), lambda *_: None, never).error is None
    assert made.journals == []


def test_a_host_that_was_not_searched_is_not_called_done(stage: MakeStage) -> None:
    made = stage("O1-slots")
    made.scanner = lambda: Outcome(missed={"h2": "h2 cannot be reached over ssh"})
    assert [(one.host, one.error) for one in deploy(made)] == [
        ("h1", ""),
        ("h2", "not searched for leaks: h2 cannot be reached over ssh"),
    ]


def test_the_scan_rides_along_with_the_last_wave(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stage(pair("web"))
    rides: list[object] = []
    carry_out = made.world.carry_out

    def watched(items: object, deliveries: object, **options: object) -> object:
        rides.append(options["scan"])
        return carry_out(items, deliveries, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(made.world, "carry_out", watched)
    deploy(made)
    assert rides == [False, True]


def test_a_service_that_somebody_has_to_restart_is_not_called_proven(stage: MakeStage) -> None:
    by_hand = pair("")
    services = {name: one.model_copy(update={"apply": "none"}) for name, one in by_hand.catalogue.services.items()}
    made = stage(Story("by hand", by_hand.catalogue.model_copy(update={"mycoops_services": services})))
    assert [one.error for one in deploying.redeploy(made.opened(), lambda *_: None, never, "db").hosts] == ["", ""]
    made.world.dead.add("db")
    made.world.machines["h2"].processes["green"]["DB"] = made.store().secret("db", 1).reveal()[::-1]
    done = deploying.redeploy(made.opened(), lambda *_: None, never, "db").hosts
    assert [one.error for one in done] == [
        "",
        "green: written, but no process is seen to run on it: restart by hand, and deploy again",
    ]
    assert [one.error for one in deploy(made, check=True)] == ["", ""]


def test_unknown_names_are_refused(stage: MakeStage) -> None:
    made = stage("O1-own-key")
    with pytest.raises(ConfigurationError, match="no service is declared"):
        deploy(made)
    with pytest.raises(ConfigurationError, match="unknown credential gone"):
        deploying.redeploy(made.opened(), lambda *_: None, never, "gone")
    with pytest.raises(ConfigurationError, match="has no service to deploy to"):
        deploying.redeploy(made.opened(), lambda *_: None, never, "own")


def test_an_unknown_host_is_refused(stage: MakeStage) -> None:
    with pytest.raises(ConfigurationError, match="no service runs on h9"):
        deploy(stage("O3"), host="h9")


def test_an_open_rotation_is_named_before_a_deploy(stage: MakeStage) -> None:
    made = stage("O3")
    assert deploying.under_way(made.opened()) == []
    opened = made.opened()
    planned = planning.plan(opened, made.store(), ["it"], label="single", reason="a test")
    rotating.rotate(opened, planned, Quiet(), lambda *_: None, never)
    assert deploying.under_way(made.opened()) == ["it"]


def pair(group: str) -> Story:
    """Two instances on two hosts."""

    def instance(host: str, name: str) -> dict[str, object]:
        file = {"path": f"/etc/{name}.env", "readers": ["systemd"]}
        return {"host": host, "unit": f"{name}.service", "reads": ["DB"], "env_file": file, **({"group": group} if group else {})}

    services = {"blue": instance("h1", "blue"), "green": instance("h2", "green")}
    credential = {
        "kind": "acl",
        "category": "api_keys",
        "authority": {"host": "h3"},
        "consumers": [use("blue", "DB"), use("green", "DB")],
    }
    return Story("pair", fleet(services, {"db": credential}))


@pytest.mark.parametrize(("group", "starts"), [("web", 2), ("", 1)])
def test_instances_of_one_group_are_not_restarted_together(
    stage: MakeStage, monkeypatch: pytest.MonkeyPatch, group: str, starts: int
) -> None:
    made = stage(pair(group))
    waves: list[list[str]] = []
    carry_out = made.world.carry_out

    def watched(items: object, deliveries: dict[str, object], **options: bool) -> object:
        waves.append(list(deliveries))
        return carry_out(items, deliveries, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(made.world, "carry_out", watched)
    assert [one.host for one in deploy(made)] == ["h1", "h2"]
    assert len(waves) == starts


def test_a_failure_of_one_instance_leaves_the_other_alone(stage: MakeStage) -> None:
    made = stage(pair("web"))
    made.world.faults = [Fault("error", "delivery", "h1", code="locked")]
    assert [(one.host, one.error) for one in deploy(made)] == [
        ("h1", "locked as scripted"),
        ("h2", "not come to: another host of its service group failed"),
    ]


def test_a_deploy_that_is_asked_to_stop_does_not_begin_another_wave(stage: MakeStage) -> None:
    stop = Stop()
    stop.asked.append(2)
    made = stage(pair("web"))
    with pytest.raises(Interrupted, match="stopped before h1"):
        deploying.deploy(made.opened(), lambda *_: None, stop)
