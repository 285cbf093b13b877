#!/usr/bin/env python3
"""Plays the person of a lab: answers the prompts of a command with what the providers' consoles give, then does what is left.

    python lab/load/person.py --fleet inventory/lab -- mycoops rotate --quarter Q2 --yes

The command gets a terminal of its own, and its prompts are answered there as somebody would who sits at it. Afterwards everything
that `mycoops todo` lists is done, and `mycoops resume` goes on, until nothing waits any more; where an old value lives on for a
day, the clock of the providers is moved by one. A value goes from a console to a prompt or to standard input, and nowhere else.
The exit status is that of the last command.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mycoops import lab_consoles, lab_fleet, lab_person
from mycoops.errors import Exit, LabError
from mycoops.lab_consoles import Consoles
from mycoops.lab_person import Case
from mycoops.session import open_fleet

MYCOOPS = str(Path(sys.executable).with_name("mycoops"))
PROMPT = re.compile(rb"Value of (\S+) \(empty: later\):")
ROUNDS = 6
"""How often what is left is looked at: a step that leads to no end is one too many."""
DAY = 24 * 3600 + 1
HIDDEN_SECONDS = 10.0


@dataclass(frozen=True)
class Person:
    """Who sits there: a fleet, and the consoles at which its values are made."""

    fleet: Path
    consoles: Consoles
    cases: dict[str, Case]

    def make(self, credential: str) -> bytes:
        """A new value, as a line that is typed."""
        return lab_person.following(self.consoles, self.cases[credential]).reveal().encode() + b"\n"

    def attend(self, command: list[str]) -> int:
        """Run a command and answer its prompts; its standard error is passed on as it comes."""
        return attended(command, self.make)

    def finish(self) -> int:
        """Do what is left, as `mycoops todo` tells it, until nothing waits; returns the status of the last command."""
        status = int(Exit.WAITING)
        for _ in range(ROUNDS):
            tasks = json.loads(self._mycoops("todo", "--json", quiet=True).stdout)
            for task in tasks:
                self._do(task["credential"], task["next"])
            if self._pending():
                tell("# a day passes at the providers")
                self.consoles.later(DAY)
            status = self._mycoops("resume", "--no-input").returncode
            if status != Exit.WAITING:
                break
        return status

    def _do(self, credential: str, following: str) -> None:
        """One step: bring a value, or end one and say so."""
        if following == f"mycoops provide {credential}":
            self._mycoops("provide", credential, stdin=self.make(credential))
        elif following == f"mycoops confirm {credential}":
            lab_person.end(self.consoles, self.cases[credential])
            self._mycoops("confirm", credential)
        else:
            raise LabError(f"{credential}: no step of this person: {following}")

    def _pending(self) -> bool:
        """Whether an old value is accepted for a while yet."""
        return any(one["state"] == "REVOKE_PENDING" for one in json.loads(self._mycoops("status", "--json", quiet=True).stdout))

    def _mycoops(self, *arguments: str, stdin: bytes = b"", quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
        if not quiet:
            tell(f"$ mycoops {' '.join(arguments)}")
        out = subprocess.PIPE if quiet else None
        return subprocess.run([MYCOOPS, *arguments, "--fleet", str(self.fleet)], input=stdin, stdout=out, check=False)


def attended(command: list[str], answer: Callable[[str], bytes]) -> int:
    """Run a command at a terminal of its own; each prompt for a value is answered once the terminal shows nothing of it."""
    master, slave = pty.openpty()

    def at_the_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(command, stdin=slave, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=at_the_terminal)
    os.close(slave)
    assert process.stderr is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.send_signal(number))
    said = b""
    while part := os.read(process.stderr.fileno(), 65536):
        sys.stderr.buffer.write(part)
        sys.stderr.buffer.flush()
        said += part
        if found := PROMPT.search(said):
            said = said[found.end() :]
            value = answer(found[1].decode())
            _hidden(master)
            os.write(master, value)
            sys.stderr.write(" (typed, and not shown)\n")
    os.close(master)
    return process.wait()


def _hidden(terminal: int) -> None:
    """Wait until a terminal no longer shows what is typed. Raises LabError where it goes on to."""
    deadline = time.monotonic() + HIDDEN_SECONDS
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        if time.monotonic() > deadline:
            raise LabError("the prompt would show what is typed")
        time.sleep(0.02)


def tell(text: str) -> None:
    print(f"\n{text}", file=sys.stderr, flush=True)


def consoles_of(arguments: Any) -> Consoles:
    """Where the providers are: those of the lab, or those that were named."""
    if arguments.control:
        return Consoles((arguments.base,), arguments.control)
    if found := lab_consoles.of(lab_fleet.load(arguments.fleet)):
        return found
    raise LabError("this lab has no providers")


def main() -> int:
    """Answer the command, then do the rest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fleet", type=Path, default=Path("inventory/lab"), help="the lab's fleet directory")
    parser.add_argument("--control", default="", help="the providers' control API, where they run in no lab")
    parser.add_argument("--base", default="", help="what the base URLs of the catalogue begin with there")
    parser.add_argument("command", nargs="*", help="what to answer the prompts of, after --; nothing: only do what is left")
    arguments = parser.parse_args()
    consoles = consoles_of(arguments)
    person = Person(arguments.fleet, consoles, lab_person.cases(consoles, open_fleet(arguments.fleet).catalogue.credentials))
    status = person.attend(arguments.command) if arguments.command else int(Exit.WAITING)
    return person.finish() if status == Exit.WAITING else status


if __name__ == "__main__":
    sys.exit(main())
