"""What runs now, by the kernel's own account: pid, restarts, and whether a process holds a value, never which."""

from __future__ import annotations

import hmac
import os
import pathlib
import subprocess
import time
import typing

from mycoops_reply import Refusal

PROC = "/proc"
UNIT_FIELDS = "LoadState,ActiveState,SubState,Type,MainPID,NRestarts,NeedDaemonReload,Result"
CONTAINER_FIELDS = "{{.State.Running}} {{.State.Pid}} {{.RestartCount}}"
ENGINES = ("podman", "docker")


class State(typing.NamedTuple):
    """One look at a unit or container."""

    exists: bool
    running: bool
    crashing: bool
    pid: int
    restarts: int
    oneshot: bool = False
    needs_reload: bool = False
    starting: bool = False


def command(argv: typing.Sequence[str], seconds: float = 120.0) -> typing.Tuple[int, str]:
    """Run a program (argv holds no value); return its status and standard output. Raises Refusal `missing_program`, `hangs`."""
    try:
        done = subprocess.run(list(argv), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except FileNotFoundError:
        raise Refusal("missing_program", f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Refusal("hangs", f"{argv[0]} {argv[1]} did not end within {seconds:.0f} s") from None
    return done.returncode, done.stdout.decode("utf-8", "replace")


def unit_state(unit: str) -> State:
    """Look at a systemd unit. Raises Refusal `cannot_ask` if systemd does not answer."""
    status, text = command(["systemctl", "show", "--property", UNIT_FIELDS, "--", unit])
    facts = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if status or "ActiveState" not in facts:
        raise Refusal("cannot_ask", f"systemd tells nothing about {unit}", service=unit)
    active = facts["ActiveState"]
    return State(
        exists=facts.get("LoadState") not in ("not-found", "masked", "bad-setting", "error"),
        running=active in ("active", "reloading"),
        crashing=active == "failed" or facts.get("SubState") in ("auto-restart", "auto-restart-queued"),
        pid=_number(facts.get("MainPID")),
        restarts=_number(facts.get("NRestarts")),
        oneshot=facts.get("Type") == "oneshot",
        needs_reload=facts.get("NeedDaemonReload") == "yes",
        starting=active == "activating",
    )


def container_state(engine: str, name: str) -> State:
    """Look at a container. Raises Refusal `unknown_engine`."""
    if engine not in ENGINES:
        raise Refusal("unknown_engine", f"{engine} is not one of {', '.join(ENGINES)}")
    status, text = command([engine, "inspect", "--type", "container", "--format", CONTAINER_FIELDS, name])
    words = text.split()
    if status or len(words) != 3:
        return State(exists=False, running=False, crashing=False, pid=0, restarts=0)
    running, pid, restarts = words[0] == "true", _number(words[1]), _number(words[2])
    return State(exists=True, running=running, crashing=not running, pid=pid, restarts=restarts)


def age(pid: int) -> float:
    """Return for how many seconds a process has been running; 0 if it is gone."""
    try:
        fields = pathlib.Path(f"{PROC}/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def environment(pid: int) -> typing.Dict[str, str]:
    """Return a process's environment as it was at its start; empty if the process is gone."""
    try:
        raw = pathlib.Path(f"{PROC}/{pid}/environ").read_bytes()
    except PermissionError:
        raise Refusal("cannot_attest", "the environment of the process may not be read here: root lacks CAP_SYS_PTRACE") from None
    except OSError:
        return {}
    pairs = (item.split(b"=", 1) for item in raw.split(b"\0") if b"=" in item)
    return {name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape") for name, value in pairs}


def credential(pid: int, unit: str, name: str) -> typing.Optional[bytes]:
    """Return systemd's copy of a credential as the process of its unit sees it; None where there is none."""
    try:
        return pathlib.Path(f"{PROC}/{pid}/root/run/credentials/{unit}/{name}").read_bytes() if pid else None
    except OSError:
        return None


def holds(pid: int, wanted: typing.Mapping[str, str]) -> typing.Dict[str, bool]:
    """Return for each name whether the process was started with exactly the wanted value."""
    now = environment(pid) if pid else {}
    return {name: name in now and _same(now[name], value) for name, value in wanted.items()}


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape"))


def _number(text: typing.Optional[str]) -> int:
    return int(text) if text and text.isdigit() else 0
