"""Stands in for systemd's timers: what was armed is what a test lets run out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mycoops_way_back
import pytest


class Timer:
    """Takes the place of the calls of the way back; `fire` runs what was really asked for, with what is kept as its input."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.armed, self.command, self.broken = home / "kept", False, [], False
        self.commands: list[str] = []
        systemd = home / "systemd"
        systemd.mkdir()
        for name, stand_in in {"KEPT": self.home, "SYSTEMD": systemd, "call": self.call}.items():
            monkeypatch.setattr(mycoops_way_back, name, stand_in)

    def call(self, command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        """`systemd-run` and `systemctl`, as far as they are used."""
        self.commands.append(" ".join(command))
        code = 0
        if command[0] == "systemd-run" and self.broken:
            code = 1
        elif command[0] == "systemd-run":
            last = max(number for number, word in enumerate(command) if word.startswith("--property="))
            self.armed, self.command = True, command[last + 1 :]
        elif command[1] == "is-active":
            code = 0 if self.armed else 3
        elif command[1] == "stop":
            self.armed = False
        return subprocess.CompletedProcess(command, code, "", "")

    def kept(self) -> list[Path]:
        """What lies in memory."""
        return sorted(self.home.iterdir()) if self.home.is_dir() else []

    def fire(self) -> None:
        """The time is over."""
        assert self.armed
        (path,) = self.kept()
        with path.open("rb") as stream:
            subprocess.run(self.command, stdin=stream, capture_output=True, check=True, cwd="/")
        path.unlink()
        self.armed = False
