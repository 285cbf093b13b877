"""Who is at a real terminal is asked for values that no terminal, journal or log shows; who is not there is waited for."""

from __future__ import annotations

import os
import pty
import signal
import sys

import pytest
from typer.testing import CliRunner

from mycoops import cli
from mycoops.errors import Exit, WaitingForPerson
from mycoops.model import State
from mycoops.secret import generate
from tests.unit.commands.conftest import MakeStage, stage
from tests.unit.commands.stage import Stage
from tests.unit.commands.test_rotating import states

__all__ = ["stage"]
QUESTION = "Value of it (empty: later): "


class Terminal:
    """A command in a process of its own, over the scripted world, on a terminal of its own."""

    def __init__(self, made: Stage, *arguments: str) -> None:
        self.shown = b""
        self.child, self.end = pty.fork()
        if self.child == 0:
            _be(made, arguments)

    def answer(self, *answers: str) -> Terminal:
        """Wait for the question, and answer it."""
        for text in answers:
            self.wait_for(QUESTION)
            os.write(self.end, text.encode() + b"\n")
        return self

    def wait_for(self, text: str) -> None:
        """Read until this is shown, once more than before."""
        seen = self.shown.count(text.encode())
        while self.shown.count(text.encode()) == seen:
            self.shown += os.read(self.end, 1000)

    def ended(self) -> tuple[int, str]:
        """Its status, and all that the terminal has shown."""
        try:
            while more := os.read(self.end, 1000):
                self.shown += more
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1]), self.shown.decode()


def _be(made: Stage, arguments: tuple[str, ...]) -> None:
    """The child's whole life; never returns."""
    status = 99
    try:
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        sys.argv = ["mycoops", *arguments, "--fleet", str(made.fleet)]
        os.environ["TERM"] = "dumb"
        cli.main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def everything(made: Stage, shown: str) -> str:
    """All that could show a value: the terminal, the journals, the rotation log."""
    log = made.fleet / "docs" / "SECRET_ROTATION_LOG.md"
    return shown + "".join(map(str, made.records())) + log.read_text()


def test_a_sitting_takes_what_fits_and_shows_no_value(stage: MakeStage) -> None:
    made = stage("O3-manual")
    good, old = made.world.hand_over("it").reveal(), made.store().secret("it", 1).reveal()
    short = generate("token").reveal()[:9]
    status, shown = Terminal(made, "rotate", "it", "--yes").answer(short, old, good).ended()
    assert status == Exit.WAITING, shown
    assert "page      https://console.example/tokens" in shown
    assert "a value has at least 16 characters, this one 9" in shown
    assert "this is the value of it, generation 1" in shown
    assert made.store().secret("it", 2).reveal() == good
    told = everything(made, shown)
    assert [value in told for value in (good, old, short)] == [False, False, False]
    assert QUESTION.strip() in told
    (run,) = made.opened().runs().values()
    assert (run.rotations["it"].state, run.rotations["it"].shown) == (State.REVOKING, State.WAITING_HUMAN)


@pytest.mark.parametrize(("more", "answers"), [((), ("",)), (("--no-input",), ())], ids=["later", "not asked"])
def test_who_is_not_there_is_waited_for(stage: MakeStage, more: tuple[str, ...], answers: tuple[str, ...]) -> None:
    made = stage("O3-manual")
    status, shown = Terminal(made, "rotate", "it", "--yes", *more).answer(*answers).ended()
    assert status == Exit.WAITING, shown
    assert (QUESTION.strip() in shown) is bool(answers)
    assert "mycoops todo" in shown
    (run,) = made.opened().runs().values()
    assert run.rotations["it"].shown == State.WAITING_HUMAN


def test_killed_at_the_question_the_step_stands_in_the_journal(stage: MakeStage) -> None:
    made = stage("O3-manual")
    terminal = Terminal(made, "rotate", "it", "--yes")
    terminal.wait_for(QUESTION)
    os.kill(terminal.child, signal.SIGKILL)
    status, _ = terminal.ended()
    assert status == -signal.SIGKILL
    assert made.records()[-1]["event"] == "waiting"
    good = made.world.hand_over("it").reveal()
    status, shown = Terminal(made, "resume").answer(good).ended()
    assert status == Exit.WAITING, shown
    assert good not in everything(made, shown)
    assert made.store().secret("it", 2).reveal() == good


def test_without_a_terminal_nobody_is_asked(stage: MakeStage) -> None:
    made = stage("O3-manual")
    done = CliRunner().invoke(
        cli.app, ["rotate", "it", "--yes", "--fleet", str(made.fleet)], input=f"{generate('token').reveal()}\n"
    )
    assert isinstance(done.exception, WaitingForPerson)
    assert QUESTION.strip() not in done.output
    assert states(made) == {"it": State.PREFLIGHT}
    assert made.store().pending("it") == []
