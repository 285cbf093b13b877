"""The table has a column for whatever must not be, and each counts when the engine is made worse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mycoops.commands import drilling
from mycoops.drill import points
from mycoops.drill.entries import Entries
from mycoops.drill.matrix import COLUMNS, Drill, Row
from mycoops.drill.trials import TRIALS, UNTROUBLED, Trial
from mycoops.errors import WrongUsage
from mycoops.model import Overlap
from mycoops.rotation import finish, revoke, switch, walk
from mycoops.rotation.context import Context
from tests.unit.rotation.conftest import MakeBench


def row(bench: MakeBench, story: str, **more: int) -> Row:
    return Drill(Trial(UNTROUBLED, story), bench, **{"first": 11, **more}).run()


def test_a_sound_engine_has_zeros(bench: MakeBench) -> None:
    found = row(bench, "O1-slots", second=40)
    assert found.clean, found.examples
    assert found.kills > 13 + 13
    assert found.points > 140
    assert set(found.found) == set(COLUMNS)


def test_a_cut_is_measured_and_no_finding(bench: MakeBench) -> None:
    found = row(bench, "O4")
    assert found.clean, found.examples
    assert 0 < found.cut < found.points
    assert row(bench, "O1-slots").cut == 0


def _no_revocation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Entries, "_revoke", lambda *_: None)
    patch.setattr(finish, "_alive", lambda *_: "")
    patch.setattr(finish.Context, "forget", lambda *_: None)


def _dead_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(walk.closing, "close", lambda *_: None)
    patch.setitem(walk.HANDLERS, walk.Verb.CLOSE, lambda *_: None)


def _revoked_first(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(walk.HANDLERS, walk.Verb.STAGE, lambda context, move: _kill_old(context, move))


def _kill_old(context: Context, move: object) -> None:
    context.performer.authorities["it"]["h3"].tokens.pop(context.store.secret("it", 1).reveal())  # type: ignore[attr-defined]
    context.performer.note("the old value is gone")  # type: ignore[attr-defined]


def _not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("mycoops.rotation.context.Context.forget", lambda self, r: self.store.drop_pending(r.credential, 1))
    patch.setattr("mycoops.vault.Store.promote", lambda self, name, number: self.drop_pending(name, number))


def _no_way_back_unsaid(patch: pytest.MonkeyPatch) -> None:
    real = Context.state
    patch.setattr(Context, "state", lambda self, name, state, **more: real(self, name, state, **{**more, "forward_only": False}))


WORSE: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "alive": ("O1-slots", _no_revocation),
    "stuck": ("O1-slots", _dead_end),
    "running": ("O2", _revoked_first),
    "lost": ("O1-slots", _not_kept),
    "broken": ("O1-slots", _no_way_back_unsaid),
}


@pytest.mark.parametrize("sort", WORSE)
def test_a_worse_engine_is_noticed(bench: MakeBench, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    story, worse = WORSE[sort]
    worse(monkeypatch)
    found = row(bench, story, first=9)
    assert found.found[sort] > 0, found
    assert found.examples


def test_a_value_left_at_a_provider_is_an_orphan(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Entries._revoke

    def leaves(self: Entries, item: object, values: object) -> None:
        real(self, item, values)  # type: ignore[arg-type]
        self.authorities["it"]["h3"].make("a tag")  # type: ignore[attr-defined]

    monkeypatch.setattr(Entries, "_revoke", leaves)
    assert row(bench, "O2", first=31).found["orphans"] > 0


def test_a_file_that_would_start_on_a_dead_value_is_told_apart(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = switch._deliver

    def behind(context: Context, move: object, services: list[str]) -> None:
        real(context, move, services)  # type: ignore[arg-type]
        for machine in context.performer.machines.values():  # type: ignore[attr-defined]
            for env in machine.files.values():
                env.update({"SECRET": "of another time"})

    monkeypatch.setattr(switch, "_deliver", behind)
    assert row(bench, "O2", first=31).found["disk"] > 0


def test_every_column_has_an_engine_that_fills_it() -> None:
    assert {*WORSE, "orphans", "disk"} == set(COLUMNS)


def test_every_class_is_drilled_alone_and_in_trouble() -> None:
    assert {trial.overlap for trial in TRIALS if trial.untroubled} == set(Overlap)
    assert {trial.overlap for trial in TRIALS if not trial.untroubled} == set(Overlap)
    assert len({(trial.name, trial.story) for trial in TRIALS}) == len(TRIALS)


@pytest.mark.slow
def test_a_class_is_drilled_on_every_processor(tmp_path: Path) -> None:
    told: list[str] = []
    real = points.durable.append
    report = drilling.drill(told.append, overlaps=["O7"], depth=1, every=60)
    assert report.clean
    assert [one.overlap for one in report.classes] == ["O7"]
    assert report.missed is None, "of one class alone nothing is said about the others' effects"
    assert len(told) == len(report.rows) == len([trial for trial in TRIALS if trial.overlap == "O7"])
    assert points.durable.append is real


def test_an_effect_that_no_kill_interrupts_fails_the_drill() -> None:
    report = drilling.Report([Row("a", "O1-slots", "O1", True)], ["rotation/new.py:1 context.record"], 1, 0.0)
    assert not report.clean
    assert drilling.Report(report.rows, [], 1, 0.0).clean


@pytest.mark.parametrize("wrong", [{"overlaps": ["O9"]}, {"depth": 3}, {"every": 0}, {"offset": -1}])
def test_what_cannot_be_drilled_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(WrongUsage):
        drilling.drill(lambda _: None, **wrong)  # type: ignore[arg-type]


def test_the_control_of_the_engine_is_the_engine() -> None:
    assert revoke.revoke is walk.HANDLERS[walk.Verb.REVOKE]
