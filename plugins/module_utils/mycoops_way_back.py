"""A timer on the host undoes a cut unless it is called off; what it puts back is kept in memory until then, for root alone."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import typing

from mycoops_reply import Refusal

KEPT = pathlib.Path("/run/mycoops")
SYSTEMD = pathlib.Path("/run/systemd/system")
SECONDS = 600


def call(command: typing.Sequence[str], text: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a program of the system with a text on its standard input."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    return subprocess.run(
        list(command), input=text, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd="/"
    )


def leads_back(request: typing.Mapping[str, typing.Any]) -> bool:
    """Whether an item takes its rotation back: new and old are exchanged in it."""
    return int(request.get("generation") or 0) < int(request.get("previous") or 0)


def require_timers() -> None:
    """Raise Refusal `no_timer` where nothing could undo a cut."""
    if not SYSTEMD.is_dir():
        raise Refusal("no_timer", "this host does not run systemd: nothing could put the old value back")


class WayBack:
    """The way back of one cut: `command` gets the kept text on its standard input when the time is over."""

    def __init__(self, name: str, command: typing.Sequence[str], seconds: typing.Any = None) -> None:
        self.unit, self.kept = f"mycoops-revert-{name}", KEPT / f"revert-{name}"
        self.command, self.seconds = list(command), int(seconds or SECONDS)

    def arm(self, text: str) -> None:
        """Keep the text and wind the timer up. While a timer runs, what is kept with it stays: that is what to go back to."""
        require_timers()
        KEPT.mkdir(mode=0o700, exist_ok=True)
        KEPT.chmod(0o700)
        if not (self.kept.exists() and self.runs()):
            with contextlib.suppress(FileNotFoundError):
                self.kept.unlink()
            handle = os.open(self.kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text.strip() + "\n")
        self._stop()
        words = ["systemd-run", "--quiet", f"--on-active={self.seconds}", "--timer-property=AccuracySec=1s", f"--unit={self.unit}"]
        words += ["--property=Type=oneshot", f"--property=StandardInput=file:{self.kept}"]
        words += [f"--property=ExecStopPost=/bin/rm -f {self.kept}"]
        if call([*words, *self.command]).returncode or not self.runs():
            raise Refusal("not_armed", "systemd-run does not start the timer that would put the old value back", unit=self.unit)

    def call_off(self) -> None:
        """Stop the timer and forget the text. Raises Refusal `still_armed`."""
        self._stop()
        if self.runs():
            raise Refusal("still_armed", "the timer cannot be stopped", unit=self.unit)
        with contextlib.suppress(FileNotFoundError):
            self.kept.unlink()

    def text(self) -> str:
        """What would be put back; empty where nothing is kept."""
        return self.kept.read_text(encoding="utf-8").strip() if self.kept.exists() else ""

    def runs(self) -> bool:
        """Whether the timer is wound up."""
        return call(["systemctl", "is-active", "--quiet", f"{self.unit}.timer"]).returncode == 0

    def armed(self) -> bool:
        """Whether anything of it is left."""
        return self.kept.exists() or self.runs()

    def _stop(self) -> None:
        call(["systemctl", "stop", f"{self.unit}.timer", f"{self.unit}.service"])
        call(["systemctl", "reset-failed", f"{self.unit}.timer", f"{self.unit}.service"])
