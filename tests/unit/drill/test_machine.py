"""Commands, faults, crashes and other people in any order: the invariants hold throughout, and in the end everything is over.

A failure prints the steps and the seed that bring it about again."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mycoops.drill import spoils
from mycoops.drill.authorities import Single
from mycoops.drill.bench import Bench
from mycoops.drill.faults import Fault, Violation
from mycoops.drill.points import Clock, Crash, watching
from mycoops.drill.stories import APART, STORIES
from mycoops.model import State

TOLD = {**STORIES, APART.name: APART}
POINTS = st.integers(min_value=1, max_value=260)


class Operators(RuleBasedStateMachine):
    """One fleet, and everybody who may touch it."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="machine-", dir=memory if memory.is_dir() else None))
        self.stack = ExitStack()
        self.made: Bench | None = None
        self.stack.enter_context(watching(lambda: self.made))

    @initialize(story=st.sampled_from(sorted(TOLD)))
    def begin(self, story: str) -> None:
        self.made = None
        self.made = Bench(self.root / "fleet", TOLD[story], Clock())

    @property
    def bench(self) -> Bench:
        assert self.made
        return self.made

    def _open(self) -> bool:
        return self.made is not None and self.made.run().open

    def _may_crash(self, command: str, at: int) -> None:
        """Give a command, and let the controller die at one of its points if it has so many."""
        clock = self.bench.clock
        clock.points.clear()
        clock.at = {at} if at else set()
        try:
            getattr(self.bench, command)()
        except Crash:
            pass
        finally:
            clock.at = set()

    @precondition(_open)
    @rule(at=st.just(0) | POINTS)
    def resume(self, at: int) -> None:
        self._may_crash("walk", at)

    @precondition(_open)
    @rule(at=st.just(0) | POINTS)
    def abort(self, at: int) -> None:
        self._may_crash("abort", at)

    @precondition(_open)
    @rule(after=st.integers(0, 12))
    def resume_until_somebody_asks_to_stop(self, after: int) -> None:
        spoils.asked_to_stop(after)(self.bench)
        self.bench.walk()
        spoils.asked_to_stop(10**9)(self.bench)

    @precondition(_open)
    @rule(what=st.sampled_from(["lost", "unreachable", "error"]), skip=st.integers(0, 6), times=st.integers(1, 3))
    def trouble(self, what: str, skip: int, times: int) -> None:
        self.bench.world.faults.append(Fault(what, skip=skip, times=times))

    @precondition(_open)
    @rule()
    def an_authority_refuses_everybody(self) -> None:
        for group in self.bench.world.authorities.values():
            for one in group.values():
                one.outage = True

    @precondition(_open)
    @rule()
    def the_timer_of_a_cut_fires(self) -> None:
        run = self.bench.run()
        for name, group in self.bench.world.authorities.items():
            for one in group.values():
                if isinstance(one, Single) and not run.rotations[name].cut:
                    one.fire()

    @precondition(_open)
    @rule()
    def everything_is_well_again(self) -> None:
        spoils.well(self.bench)

    @precondition(_open)
    @rule()
    def people_and_time_do_their_part(self) -> None:
        self.bench.bring()

    @precondition(_open)
    @rule()
    def somebody_deploys(self) -> None:
        try:
            self.bench.deploy()
        except Violation:
            raise
        except AssertionError:
            return  # whose service is ill in the middle of a cut is told, and that is all

    @rule()
    def nothing_happens(self) -> None:
        """So that there is always something to do."""

    @invariant()
    def the_protocol_holds(self) -> None:
        if self.made:
            self.made.world.check()
            self.made.silent()

    def teardown(self) -> None:
        try:
            if self.made:
                self._to_the_end()
        finally:
            self.stack.close()
            shutil.rmtree(self.root)

    def _to_the_end(self) -> None:
        made = self.bench
        spoils.well(made)
        going_back = any(one.aborting for one in made.run().rotations.values())
        for _ in range(8):
            if not made.run().open:
                break
            (made.abort if going_back else made.walk)()
            made.bring()
            going_back = any(one.aborting and one.open for one in made.run().rotations.values())
        states = {one.state for one in made.run().rotations.values()}
        if made.run().open:
            raise Violation(f"8: not over: {made.states()}")
        made.over() if states == {State.CLOSED} else made.back()


Operators.TestCase.settings = settings(
    stateful_step_count=14, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
TestOperators = Operators.TestCase
