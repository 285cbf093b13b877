"""Gives one value to a person's editor in a directory of memory that nothing outlives: not this process, not the editor."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mycoops import children, durable, rundir
from mycoops.errors import ConfigurationError
from mycoops.secret import Secret

REMOVE = 'cat > /dev/null; rm -rf -- "$0"'
"""What waits beside the editor: it removes the directory when the pipe from this process ends, however this process ends."""
_VI = ("-n", "-i", "NONE", "-c", "silent! set nobackup | silent! set nowritebackup | silent! set noundofile")
WITHOUT_COPIES = {"vim": _VI, "nvim": _VI, "nano": ("--ignorercfiles",)}
"""What keeps an editor from writing a second copy: swap, backup and undo files, registers, history; by the program's name."""
ELSEWHERE = frozenset({"emacsclient", "code", "codium", "subl", "gedit", "kate"})
"""Editors that hand the file to a program that runs already, with a home of its own."""
OWN = ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
"""Where an editor keeps things: inside the directory that is removed. So it does not read its owner's configuration either."""
STARTED_BY = frozenset({"VIMINIT", "EXINIT", "NEXINIT", "GVIMINIT"})
"""Variables that make an editor read something all the same."""


def edited(name: str, secret: Secret) -> Secret:
    """What a person has made of a value; `name` is what the file is called. Raises ConfigurationError where the editor fails."""
    with rundir.private(take_over=False) as directory, _removed(directory):
        place = directory / rundir.EDITED
        place.mkdir(mode=0o700)
        file = place / name
        text = secret.reveal()
        durable.replace(file, (text if text.endswith("\n") else f"{text}\n").encode())
        _run(_command(), file)
        try:
            return typed(file.read_bytes().decode())
        except FileNotFoundError:
            raise ConfigurationError("the editor left no file; nothing was written") from None
        except UnicodeDecodeError:
            raise ConfigurationError("the file is not UTF-8 text; nothing was written") from None


def typed(text: str) -> Secret:
    """The value in what a person has typed or piped: without the line end, which only a private key needs."""
    value = text.rstrip("\r\n")
    return Secret(f"{value}\n" if value.startswith("-----BEGIN") else value)


def _command() -> list[str]:
    words = shlex.split(os.environ.get("EDITOR") or "vi")
    program = shutil.which(words[0]) if words else None
    if not program:
        raise ConfigurationError(f"there is no editor {words[0] if words else ''}", hint="Name one in EDITOR.")
    named = {Path(program).name, Path(program).resolve().name.partition(".")[0]}
    if named & ELSEWHERE:
        hint = "Take one that opens the file itself: EDITOR=nano."
        raise ConfigurationError(f"{words[0]} hands the value to a program that keeps copies of its own", hint=hint)
    return [program, *(flag for known in sorted(named & WITHOUT_COPIES.keys()) for flag in WITHOUT_COPIES[known]), *words[1:]]


def _run(command: list[str], file: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in STARTED_BY}
    environment |= dict.fromkeys(OWN, str(file.parent))
    with _left_to_the_editor():
        ended = subprocess.run([*command, str(file)], cwd=file.parent, env=environment, check=False, preexec_fn=_guarded)
    if ended.returncode:
        raise ConfigurationError(f"{Path(command[0]).name} ended with status {ended.returncode}; nothing was written")


def _guarded() -> None:
    """In the editor's process: no core file, the keyboard's signals, and no life after this process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    children.end_with_parent()


@contextmanager
def _left_to_the_editor() -> Iterator[None]:
    """What is typed to interrupt is meant for the editor."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGQUIT)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _removed(directory: Path) -> Iterator[None]:
    """Within the block a process of its own waits for the end of this one, and removes the directory then."""
    waiting = subprocess.Popen(
        ["sh", "-c", REMOVE, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        if waiting.stdin:
            waiting.stdin.close()
        waiting.wait()
