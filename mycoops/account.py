"""Who runs mycoops: the account somebody logged in with, as the kernel knows it; no variable is believed."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

LOGIN = Path("/proc/self/loginuid")
"""The account of the login this process descends from; it stays through sudo and su. Linux with audit and pam_loginuid has it."""
UNSET = 2**32 - 1
"""What it says of a process that descends from no login, as one of a timer."""


def name() -> str:
    """The account of the login; where there was none, or the kernel does not keep it, the account of the process."""
    number = _uid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid-{number}"


def here() -> str:
    """The account and this machine, `ann@desk`."""
    return f"{name()}@{socket.gethostname()}"


def of(identity: str) -> str:
    """The account of an identity that `here` gave, on whatever machine: there is one control node, and its name may change."""
    return identity.rpartition("@")[0] or identity


def _uid() -> int:
    try:
        number = int(LOGIN.read_text(encoding="ascii"))
    except (OSError, ValueError):
        number = UNSET
    return os.getuid() if number == UNSET else number
