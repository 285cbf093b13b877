"""The editors that people have leave no copy of a value, neither where they keep things nor where this command gave it to them."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from mycoops import durable
from mycoops.secret import generate
from mycoops.vault import Store, password_secrets
from tests.unit import fleets

pytestmark = pytest.mark.slow
ESCAPE = b"\x1b"
KEYS = {
    "vi": [b"dd", b"i%b" + ESCAPE, b":wq\r"],
    "nano": [b"\x0b", b"%b", b"\x0f", b"\r", b"\x18"],
}
"""What is typed to cut the old value into a register, to write the new one, to save it, and to go."""


class Desk:
    """A terminal with a home, in which a value is edited."""

    def __init__(self, root: Path) -> None:
        self.fleet, self.home, self.new = fleets.write(root / "fleet"), root / "home", generate("token")
        (root / "state" / "tale").mkdir(parents=True)
        durable.replace(root / "state" / "tale" / "vault-password", fleets.PASSWORD.encode())
        self.home.mkdir()
        # What a careless person has there: copies of all kinds, and a history.
        (self.home / ".vimrc").write_text("set backup undofile viminfo='100 directory=~ backupdir=~ undodir=~\n")
        (self.home / ".nanorc").write_text("set backup\nset historylog\nset positionlog\n")
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}
        self.environment |= {"MYCOOPS_FLEET": str(self.fleet), "MYCOOPS_STATE": str(root / "state")}
        self.store().add("db", "a", generate("token"))
        self.old = self.store().secret("db", 1)

    def store(self) -> Store:
        """What is kept."""
        return Store.open(self.fleet, password_secrets(fleets.PASSWORD))

    def copies(self, *places: Path) -> list[Path]:
        """The files in which a value lies in clear."""
        values = [secret.reveal().encode() for secret in (self.old, self.new)]
        found = []
        for path in (path for place in places for path in place.rglob("*") if path.is_file()):
            try:
                found += [path] if any(value in path.read_bytes() for value in values) else []
            except OSError:
                continue
        return found

    def edit(self, command: list[str], editor: str, keys: list[bytes]) -> int:
        """Start something on a terminal and type into it, each word when what the one before it did is on the screen."""
        child, terminal = pty.fork()
        if child == 0:
            os.execvpe(command[0], command, {**self.environment, "EDITOR": editor})
        self._quiet(terminal, 8)
        for word in keys:
            os.write(terminal, word.replace(b"%b", self.new.reveal().encode()))
            self._quiet(terminal, 2)
        self._quiet(terminal, 8)
        for _ in range(100):
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the editor waits for something else than what was typed")

    @staticmethod
    def _quiet(terminal: int, most: float) -> None:
        """Read what is shown until nothing more comes for a while after something did."""
        until, last = time.monotonic() + most, 0.0
        while time.monotonic() < until and not (last and time.monotonic() - last > 0.7):
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    last = time.monotonic() if os.read(terminal, 10_000) else last
                except OSError:
                    return


@pytest.mark.parametrize("editor", KEYS)
def test_an_editor_leaves_no_copy(tmp_path: Path, editor: str) -> None:
    assert shutil.which(editor), "make setup-test installs it"
    desk = Desk(tmp_path)
    status = desk.edit([sys.executable, "-m", "mycoops.cli", "vault", "edit", "db"], editor, KEYS[editor])
    assert status == 0
    assert desk.store().secret("db", 2).same_as(desk.new)
    memory = [place for place in Path("/dev/shm").glob("mycoops-*") if place.stat().st_uid == os.getuid()]
    assert desk.copies(tmp_path, *memory) == []


def test_the_control_the_same_editor_on_its_own_leaves_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    file = tmp_path / "home" / "value"
    file.write_text(desk.old.reveal() + "\n")
    desk.edit(["vi", str(file)], "vi", KEYS["vi"])
    assert {path.name for path in desk.copies(desk.home)} - {"value"}, "an undo file, a backup or a register"
