"""Where the targets of reminders come from: a file that nobody else may read, or a program that prints them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mycoops import settings
from mycoops.errors import ConfigurationError
from mycoops.notifier import Target
from mycoops.reminders import Reminders
from mycoops.settings import Settings

RENEW = "give its targets new tokens"


def load(declared: Reminders, where: Settings, place: str) -> list[Target]:
    """The targets, one URL a line, `#` for a comment; `place` is where the catalogue names them. Raises ConfigurationError."""
    if not (declared.file or declared.script):
        hint = "Give mycoops_fleet.reminders a file or a script, or look with --print."
        raise ConfigurationError(f"{place}: no targets of reminders are declared", hint=hint)
    path = settings.password_path(declared.file or declared.script, where)
    if not path.is_file():
        hint = "Write one URL a line into it, mode 0600." if declared.file else "Put the program there."
        raise ConfigurationError(f"{place}: the targets are not there: {path}", hint=hint)
    try:
        text = (settings.private(path, place, "secrets", RENEW) if declared.file else _printed(path, place)).decode()
    except OSError as error:
        raise ConfigurationError(f"{place}: no targets from {path}: {error.strerror}", hint="Mend that.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{place}: no targets from {path}: it is not UTF-8 text") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [Target(number, line) for number, line in lines if line and not line.startswith("#")]
    if not found:
        raise ConfigurationError(f"{place}: no target in {path}", hint="Write one URL a line.")
    return found


def _printed(script: Path, place: str) -> bytes:
    ended = subprocess.run([str(script)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        problem = f"{place}: the program {script} ended with status {ended.returncode}"
        raise ConfigurationError(problem, hint="Run it by hand: it has to print the URLs and end with status 0.")
    return ended.stdout
