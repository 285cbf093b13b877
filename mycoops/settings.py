"""Where a fleet and this control node's own state lie, and how the vault password is obtained."""

from __future__ import annotations

import getpass
import os
import secrets
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mycoops import durable
from mycoops.errors import ConfigurationError

KEY_BYTES = 32
"""How long the key of fingerprints and journals is."""
REKEY = "give the vault another one with `mycoops vault rekey`"
OTHERS = 0o077
"""What nobody else may do with a file that holds a secret."""

VARIABLES = {
    "MYCOOPS_FLEET": "the fleet directory, where --fleet is not given (default: inventory/lab)",
    "MYCOOPS_STATE": "where this control node keeps keys and leases (default: ~/.local/state/mycoops)",
}
"""Every environment variable of mycoops' own; none of them carries a value of a credential."""

SYSTEM_VARIABLES = {
    "HOME": "where ~ is, and handed on to ssh",
    "EDITOR": "the program of `mycoops vault edit` (default: vi)",
    "PATH": "where programs are found: ssh, git, podman",
    "SSH_AUTH_SOCK": "the agent whose keys open the hosts, where the fleet declares no key of its own",
    "XDG_RUNTIME_DIR": "the tmpfs of this login, first choice for the private directory of a run",
    "XDG_CACHE_HOME": "where the lab keeps its packages (default: ~/.cache)",
}
"""Variables of the system that mycoops reads, and what for."""


INSTALL_KEY = "install.key"


@dataclass(frozen=True, slots=True)
class Settings:
    """The two directories every command works on."""

    fleet: Path
    state: Path

    @property
    def journals(self) -> Path:
        """Where the journals of the fleet lie."""
        return self.fleet / "journal"

    @property
    def known_hosts(self) -> Path:
        """The host keys ssh trusts for this fleet: the fleet's own file where it has one."""
        own = self.fleet / "known_hosts"
        return own if own.exists() else self.state / "known_hosts"

    @property
    def rotation_log(self) -> Path:
        """The rendered rotation log."""
        return self.fleet / "docs" / "SECRET_ROTATION_LOG.md"


def find(fleet: Path | None, name: str = "") -> Settings:
    """Settle the directories: argument, then environment, then inventory/lab. Raises ConfigurationError if there is no fleet."""
    chosen = fleet or Path(os.environ.get("MYCOOPS_FLEET") or "inventory/lab")
    if not chosen.is_dir():
        raise ConfigurationError(
            f"{chosen} is not a fleet directory", hint="Name one with --fleet DIR, or make one with `mycoops init DIR`."
        )
    root = Path(os.environ.get("MYCOOPS_STATE") or "~/.local/state/mycoops").expanduser()
    return Settings(chosen.resolve(), root / (name or chosen.resolve().name))


def has_install_key(settings: Settings) -> bool:
    """Whether this control node has a key already."""
    return (settings.state / INSTALL_KEY).exists()


def install_key(settings: Settings) -> bytes:
    """The key of fingerprints and journals; made on first use, kept apart from the fleet directory."""
    path = settings.state / INSTALL_KEY
    if not path.exists():
        durable.directory(settings.state, 0o700)
        durable.replace(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        hint = "Bring it back from a backup: the journals that were written with it cannot be trusted without it."
        raise ConfigurationError(f"{path} is not the key of this control node: it has {len(key)} bytes, not {KEY_BYTES}", hint=hint)
    return key


def password_path(name: str, settings: Settings) -> Path:
    """Where a vault password file or script lies: relative to this control node's state, not to the repository."""
    path = Path(name).expanduser()
    return path if path.is_absolute() else settings.state / path


def vault_password(file: str, script: str, prompt: bool, settings: Settings, declared: str) -> str:
    """Obtain the vault password from a file, a script's output or a hidden prompt; `declared` is where the catalogue says so.

    Raises ConfigurationError, which never tells what a file or script gave."""
    if prompt:
        return _asked(declared)
    path = password_path(file or script, settings)
    if not path.exists():
        raise ConfigurationError(
            f"{declared}: the vault password is not there: {path}",
            hint="Write it there, mode 0600; `mycoops lab up` makes that of the lab." if file else "Put the program there.",
        )
    try:
        given = private(path, declared, "the vault password", REKEY) if file else _printed(path, declared)
        password = given.decode().strip()
    except OSError as error:
        hint = "Make it a file that you may read." if file else "Begin it with #!, and make it executable: chmod 700."
        raise ConfigurationError(f"{declared}: no vault password from {path}: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{declared}: no vault password from {path}: it is not UTF-8 text") from None
    if not password:
        raise ConfigurationError(f"{declared}: an empty vault password from {path}", hint="It has at least one character.")
    return password


def private(path: Path, declared: str, what: str, instead: str) -> bytes:
    """Read a file that nobody else may read or write. Raises ConfigurationError, with what to do where others could read it.

    `declared` is where the catalogue names it; OSError tells what is no file, before its mode is looked at."""
    content = path.read_bytes()
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        hint = f"chmod 600 {path}, and {instead} if others could read it."
        raise ConfigurationError(f"{declared}: {path} holds {what} and has mode {mode:04o}", hint=hint)
    return content


def _asked(declared: str) -> str:
    try:
        Path("/dev/tty").open("rb").close()
    except OSError:
        hint = "Run it on a terminal, or declare a file or script there."
        raise ConfigurationError(f"{declared}: nobody can be asked for the vault password", hint=hint) from None
    if typed := getpass.getpass("Vault password: ").strip():
        return typed
    raise ConfigurationError(f"{declared}: an empty vault password was typed", hint="It has at least one character.")


def _printed(script: Path, declared: str) -> bytes:
    asking = None if sys.stdin.isatty() else subprocess.DEVNULL
    ended = subprocess.run([str(script)], stdout=subprocess.PIPE, stdin=asking, check=False)
    if ended.returncode:
        hint = "Run it by hand: it has to print the password and end with status 0."
        raise ConfigurationError(f"{declared}: the program {script} ended with status {ended.returncode}", hint=hint)
    return ended.stdout
