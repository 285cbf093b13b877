"""A signal never breaks a move, and ends a wait at once."""

from __future__ import annotations

import os
import signal
import time

import pytest

from mycoops import interrupts
from mycoops.errors import Interrupted


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_raises_a_flag_and_nothing_else(
    number: signal.Signals, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)  # Whoever runs the tests may have ignored some.
    with interrupts.gentle("stopping soon") as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert (stop(), stop.now()) == (True, False)
        os.kill(os.getpid(), number)
        assert (stop(), stop.now()) == (True, True)
    assert capfd.readouterr().err.count("stopping soon") == 1


def test_the_handlers_of_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts.gentle(""):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("before", "heeded"), [(signal.SIG_IGN, False), (signal.SIG_DFL, True)])
def test_a_closed_terminal_that_was_to_be_ignored_is(before: signal.Handlers, heeded: bool) -> None:
    old = signal.signal(signal.SIGHUP, before)
    try:
        with interrupts.gentle("") as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop() is heeded
    finally:
        signal.signal(signal.SIGHUP, old)


def test_a_wait_that_nobody_stops_lasts_its_time() -> None:
    began = time.monotonic()
    interrupts.patient(lambda: False)(0.3)
    assert time.monotonic() - began >= 0.3


def test_a_wait_of_hours_ends_when_it_is_asked_to() -> None:
    asked = iter([False, True])
    began = time.monotonic()
    with pytest.raises(Interrupted, match="nothing is half done"):
        interrupts.patient(lambda: next(asked))(3600)
    assert time.monotonic() - began < 5
