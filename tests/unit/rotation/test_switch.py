"""A switch acknowledges what it has seen and nothing else; a service that fails goes back and stops its own credentials only."""

from __future__ import annotations

from mycoops.model import Stage
from tests.unit.rotation.conftest import MakeBench
from tests.unit.rotation.stories import Story, simple
from tests.unit.rotation.world import Fault


def manual(kind: str) -> Story:
    """A fleet whose job is started by somebody else, as a cron job or a developer's machine."""
    made = simple(kind)
    job = made.services["job"].model_copy(update={"apply": "none"})
    return Story("manual", made.model_copy(update={"mycoops_services": {**made.services, "job": job}}))


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
