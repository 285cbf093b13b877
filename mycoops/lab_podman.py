"""Runs podman for the lab and finds out, once per machine, with which options it can boot systemd in a container."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import time
from pathlib import Path

from mycoops.errors import LabError

RUNNING = ("running", "degraded")


def podman(*arguments: str, stdin: str = "", timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run podman and return what it said; raises LabError with its last line when it fails."""
    if shutil.which("podman") is None:
        raise LabError("podman is not installed", hint="run lab/install.sh as root")
    try:
        done = subprocess.run(["podman", *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"podman {_verb(arguments)} did not finish within {timeout:.0f} s") from error
    if check and done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()[-1]
        taken = "address already in use" in last
        hint = "Free the port, or change it in hosts.yml, and try again." if taken else "lab/install.sh installs what the lab needs"
        raise LabError(f"podman {_verb(arguments)} failed: {last}", hint=hint)
    return done


def _verb(arguments: tuple[str, ...]) -> str:
    verbs = ("run", "build", "start", "exec", "network", "rm", "ps", "image")
    return next((word for word in arguments if word in verbs), arguments[0])


def limits() -> list[str]:
    """Options that ask for no more open files and processes than a process without privileges over limits may have here."""
    options = []
    for name, kind, enough in (("nofile", resource.RLIMIT_NOFILE, 20000), ("nproc", resource.RLIMIT_NPROC, 4096)):
        hard = resource.getrlimit(kind)[1]
        wanted = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
        options += ["--ulimit", f"{name}={wanted}:{wanted}"]
    return options


def runtimes() -> list[list[str]]:
    """The runtimes to try: podman's own choice first, then runc."""
    return [[], ["--runtime", "runc"]] if shutil.which("runc") else [[]]


def boot_options(image: str) -> tuple[list[str], list[str]]:
    """Global options and `run` options with which systemd boots here; found by trying, remembered per machine."""
    cache = _cache_file()
    key = f"{platform.release()} {podman('--version').stdout.strip()}"
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))[key]
        return known["runtime"], known["run"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for runtime in runtimes():
        for run in ([], limits()):
            if _boots(image, runtime, run):
                cache.parent.mkdir(parents=True, exist_ok=True)
                cache.write_text(json.dumps({key: {"runtime": runtime, "run": run}}), encoding="utf-8")
                return runtime, run
    raise LabError("podman cannot boot systemd in a container on this machine", hint="install runc; see lab/install.sh")


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mycoops" / "lab-podman.json"


def _boots(image: str, runtime: list[str], run: list[str]) -> bool:
    name = f"mycoops-try-{os.getpid()}"
    try:
        started = podman(*runtime, "run", "-d", "--name", name, "--network", "none", "--systemd=always", *run, image, check=False)
        return started.returncode == 0 and systemd_is_up(name, seconds=15)
    finally:
        podman("rm", "-f", "-t", "0", name, check=False)


def systemd_is_up(container: str, *, seconds: float) -> bool:
    """Wait until the container's systemd has finished its boot; false when it has not within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done = podman("exec", container, "systemctl", "is-system-running", check=False)
        if done.stdout.strip() in RUNNING:
            return True
        if "is not running" in done.stderr or "not created or running" in done.stderr:
            return False
        time.sleep(0.1)
    return False
