"""Nothing that goes wrong prints a value: no message, no local variable, in no thread, in no mode of the interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mycoops.errors import Exit
from mycoops.secret import generate

PROGRAM = """
import faulthandler, gc, sys, threading, warnings
value = sys.stdin.read().strip()
from mycoops import cli
from mycoops.secret import Secret

secret = Secret(value)

class Finalized:
    def __del__(self):
        inner = value
        raise ValueError(inner)

class Crash(BaseException):
    pass

def thread():
    inner = value
    raise ValueError(inner)

def application():
    inner, kept = value, secret
    how = sys.argv[1]
    if how == "exception":
        raise ValueError(f"what a library was given: {inner}")
    if how == "chain":
        try:
            raise KeyError(inner)
        except KeyError as error:
            raise RuntimeError(inner) from error
    if how == "no exception":
        raise Crash(inner)
    if how == "secret":
        raise ValueError(kept, f"{kept!r} {kept!s} {kept}")
    if how == "thread":
        started = threading.Thread(target=thread)
        started.start()
        started.join()
    if how == "finalizer":
        Finalized()
        gc.collect()
    if how == "typer":
        raise ValueError(inner)

real = cli.app
def app():
    import typer
    if sys.argv[1] == "typer":
        inside = typer.Typer(pretty_exceptions_enable=False)
        inside.command()(application)
        sys.argv[2:] = []
        return inside([])
    return application()

if not sys.argv[2:]:
    cli.app = app
    cli.main()
else:
    # The control: the same without mycoops around it.
    application()
"""
WAYS = ("exception", "chain", "no exception", "thread", "finalizer", "typer")
MODES = {"plain": [], "dev": ["-X", "dev", "-X", "tracemalloc=5", "-W", "always"]}
pytestmark = pytest.mark.slow


def crash(how: str, value: str, *words: str, modes: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(modes or []), "-c", PROGRAM, how, *words]
    return subprocess.run(command, input=value, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("mode", MODES)
def test_a_crash_shows_no_value_in_any_mode(how: str, mode: str) -> None:
    value = generate("token").reveal()
    done = crash(how, value, modes=MODES[mode])
    assert value not in done.stdout + done.stderr
    assert value[:12] not in done.stdout + done.stderr
    assert "a bug in mycoops" in done.stderr, done.stderr
    if how not in ("thread", "finalizer", "no exception"):
        assert done.returncode == Exit.BUG


@pytest.mark.parametrize("how", [how for how in WAYS if how != "typer"])
def test_without_that_it_would(how: str) -> None:
    """The control: the interpreter shows the message of each of them."""
    value = generate("token").reveal()
    assert value in crash(how, value, "control").stderr


def test_a_secret_in_a_message_is_none() -> None:
    value = generate("token").reveal()
    done = crash("secret", value, "control")
    assert "Secret(…)" in done.stderr
    assert value not in done.stderr
