"""Turns a Run into an Outcome through ansible-runner; nothing above this module knows Ansible's events."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner

from mycoops import children, content, told
from mycoops.masking import Masker
from mycoops.model import Leak, Reply

RUN_DIRECTORY = "the directory of this run"
"""How a place in a session's private directory is told: its name is another one each time."""
GRACE_SECONDS = 10
"""How long a playbook has to end after SIGINT before its group is killed."""
NOTICE_SECONDS = 0.5
"""How soon a silent playbook is ended once somebody wants that: ansible-runner asks so often whether it is to be."""
ROOM, TIGHT = 1 << 20, 1 << 16
"""Bytes that have to be free in memory to start a playbook, and for it to go on: without room for its events it waits for ever."""
ALIVE_SECONDS = 15
"""How often a connection asks whether its host is still there; one that stays silent three times is given up."""
BROKE_OFF = "the connection broke off; how far its order came is not known"
REASONS = {
    r"HOST IDENTIFICATION HAS CHANGED|Host key verification failed": "its host key is not the known one; nothing was sent to it",
    r"No space left on device": "the run's private directory, on this machine, has no space left",
    r"too long for Unix domain socket": "the run's private directory has too long a path for a socket: XDG_RUNTIME_DIR",
    r"Permission denied": "it refuses the rotator's login",
    r"Could not resolve hostname": "its name is not known",
    r"Connection refused": "nobody listens there",
    r"Broken pipe|Connection reset|closed by|Shared connection": BROKE_OFF,
    r"[Tt]imed out|Timeout, server|Timeout \(\d+s\)|No route to host|Network is unreachable": "it does not answer",
}
"""What ssh says of a connection that failed, the gravest first, and what that means."""


def unreachable(told: str) -> str:
    """Why a host cannot be reached, in words of ours: a host may say anything. Empty where ssh says nothing known."""
    return next((words for pattern, words in REASONS.items() if re.search(pattern, told)), "")


@dataclass(frozen=True, slots=True)
class Run:
    """One start of ansible-playbook: which playbook, on which hosts, with which names (never values).

    `requests` by what is asked and by host are no variables: ansible-playbook copies each of those several times."""

    playbook: str
    hosts: tuple[str, ...]
    variables: Mapping[str, Any]
    check: bool = False
    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What came back: replies, hosts that answered nothing, and where a value showed up.

    Where hosts were searched for values: those that were `searched`, those `missed` with the reason, and what was `skipped`."""

    replies: list[Reply] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    leaks: list[Leak] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def spoken_to(self, host: str) -> bool:
        """Whether anything may have come to this host."""
        return host not in self.unreachable or self.problems.get(host, BROKE_OFF) == BROKE_OFF

    def silence(self, host: str) -> str:
        """What is known of a host that gave no answer."""
        if host in self.unreachable:
            why = self.problems.get(host, "")
            return f"{host} cannot be reached over ssh" + (f": {why}" if why else "")
        return f"{host}: {self.problems.get(host, 'no answer')}"

    def of(self, item: str) -> Reply | None:
        """The reply to one item; of several, the one with an error, else the last."""
        found = [reply for reply in self.replies if reply.item == item]
        return next((reply for reply in found if reply.error), found[-1] if found else None)


@dataclass(frozen=True, slots=True)
class Environment:
    """What every start of a session shares."""

    fleet: Path
    directory: Path
    inventory: Path
    known_hosts: Path
    password_file: Path
    agent_socket: Path | None
    forks: int
    roles_paths: tuple[Path, ...]

    def variables(self) -> dict[str, str]:
        """The whole environment of ansible-playbook: an allow-list."""
        control = self.directory / "cp"
        control.mkdir(mode=0o700, exist_ok=True)
        ssh = (
            f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={control}/%C -o UserKnownHostsFile={self.known_hosts}"
            " -o StrictHostKeyChecking=yes -o BatchMode=yes -o ConnectTimeout=10"
            f" -o ServerAliveInterval={ALIVE_SECONDS} -o ServerAliveCountMax=3"
        )
        plugins = content.path("plugins")
        found = {
            "HOME": os.environ.get("HOME", "/root"),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "PYTHONPATH": str(content.PACKAGE_ROOT),
            "ANSIBLE_CONFIG": str(content.path("ansible.cfg")),
            "ANSIBLE_ROLES_PATH": ":".join(map(str, self.roles_paths)),
            "ANSIBLE_ACTION_PLUGINS": str(plugins / "action"),
            "ANSIBLE_CALLBACK_PLUGINS": str(plugins / "callback"),
            "ANSIBLE_MODULE_UTILS": str(plugins / "module_utils"),
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "tmp"),
            "ANSIBLE_SSH_ARGS": ssh,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.password_file),
        }
        agent = str(self.agent_socket) if self.agent_socket else os.environ.get("SSH_AUTH_SOCK", "")
        return {**found, "SSH_AUTH_SOCK": agent} if agent else found


class Runner:
    """Starts playbooks one after the other; counts the starts; can be told to hurry."""

    def __init__(
        self,
        environment: Environment,
        masker: Callable[[], Masker],
        notify: Callable[[str, str], None],
        find: Callable[[bytes], Iterable[tuple[str, int]]],
    ) -> None:
        self._environment = environment
        self._masker = masker
        self._notify = notify
        self._find = find
        self._before: set[int] = set()
        self._stopping_since = 0.0
        self.hurry: Callable[[], bool] = lambda: False
        """Asked while a playbook runs: whether to end it at once."""
        self.starts = 0

    def perform(self, run: Run) -> Outcome:
        """Start the playbook and wait for it. An exception out of the runner means *unknown*, so it becomes no reply at all."""
        self.starts += 1
        self._before, self._stopping_since = children.living(), 0.0
        outcome, masker, began = Outcome(), self._masker(), time.monotonic()
        private = self._environment.directory / f"run{self.starts:03d}"
        try:
            _require_room(self._environment.directory, ROOM)
            status = self._started(run, private, lambda event: self._event(event, outcome, masker))
            _require_room(self._environment.directory, TIGHT)
        except Exception as error:
            status = _why(error)
        children.end(children.living() - self._before, GRACE_SECONDS)
        outcome.seconds = time.monotonic() - began
        self._judge(run, outcome, status)
        self._search(private, outcome)
        return outcome

    def _started(self, run: Run, private: Path, handler: Callable[[dict[str, Any]], bool]) -> str:
        _write_settings(private, run)
        with _environment(self._environment.variables()):
            ended = ansible_runner.run(
                private_data_dir=str(private),
                project_dir=str(content.path("playbooks")),
                playbook=f"{run.playbook}.yml",
                inventory=str(self._environment.inventory),
                limit=",".join(run.hosts),
                cmdline="--check" if run.check else None,
                forks=min(self._environment.forks, max(1, len(run.hosts))),
                quiet=True,
                fact_cache_type="memory",
                event_handler=handler,
                cancel_callback=self._cancelled,
            )
        return str(ended.status)

    def _judge(self, run: Run, outcome: Outcome, status: str) -> None:
        answered = {reply.host for reply in outcome.replies}
        for host in set(run.hosts) - answered - outcome.unreachable:
            outcome.problems.setdefault(host, f"no answer (ansible-playbook: {status})")

    def _search(self, private: Path, outcome: Outcome) -> None:
        """Look for values in what ansible-runner keeps of the start."""
        for path in sorted(private.rglob("*")):
            if path.is_file():
                place = f"{RUN_DIRECTORY}/{path.relative_to(self._environment.directory)}"
                outcome.leaks += [Leak(name, number, place) for name, number in self._find(path.read_bytes())]

    def _event(self, event: dict[str, Any], outcome: Outcome, masker: Masker) -> bool:
        try:
            self._take(masker.scrub(event), outcome)
        except Exception as error:
            outcome.problems["controller"] = f"an event could not be read ({type(error).__name__})"
        return False

    def _take(self, event: dict[str, Any], outcome: Outcome) -> None:
        kind, data = event.get("event", ""), event.get("event_data") or {}
        host = str(data.get("host", ""))
        result = data.get("res") or {}
        if kind == "runner_on_start":
            self._notify(host, str(data.get("task", "")))
        elif answer := told.read(event.get("stdout")):
            self._told(answer, outcome)
        elif kind == "runner_on_unreachable":
            outcome.unreachable.add(host)
            outcome.problems[host] = unreachable(str(result.get("msg", "")))
        elif kind in ("runner_on_ok", "runner_on_failed", "runner_item_on_ok", "runner_item_on_failed"):
            reply = result.get("mycoops")
            if isinstance(reply, dict):
                outcome.replies.append(Reply(str(reply.get("item", "")), host, reply))
            elif kind.endswith("failed"):
                outcome.problems[host] = str(result.get("msg", "failed"))[:300]

    def _told(self, answer: dict[str, Any], outcome: Outcome) -> None:
        host = str(answer.get("host", ""))
        self._notify(host, "answers")
        if reply := answer.get("mycoops"):
            outcome.replies.append(Reply(str(reply.get("item", "")), host, reply))
        elif "unreachable" in answer:
            outcome.unreachable.add(host)
            outcome.problems[host] = unreachable(str(answer["unreachable"]))
        else:
            outcome.problems[host] = str(answer.get("failed", "failed"))[:300]

    def _cancelled(self) -> bool:
        if not (self.hurry() or _free(self._environment.directory) < TIGHT):
            return False
        if not self._stopping_since:
            self._stopping_since = time.monotonic()
            for pid in children.living() - self._before:
                children.interrupt(pid)
        return time.monotonic() - self._stopping_since > GRACE_SECONDS

    def close(self) -> None:
        """End the shared ssh connections of the session."""
        for socket in (self._environment.directory / "cp").glob("*"):
            subprocess.run(["ssh", "-q", "-o", f"ControlPath={socket}", "-O", "exit", "-"], capture_output=True, check=False)


def _free(directory: Path) -> int:
    """Bytes that can still be written in a directory; as good as none where no more files can be made."""
    found = os.statvfs(directory)
    return 0 if found.f_files and not found.f_favail else found.f_bavail * found.f_frsize


def _require_room(directory: Path, size: int) -> None:
    if _free(directory) < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory))


def _why(error: Exception) -> str:
    """What kept a playbook from being started or heard to its end; of an error of the system its words, else its type alone."""
    if isinstance(error, OSError):
        return f"{error.filename or 'the private directory of the run'}: {error.strerror}"
    return type(error).__name__


def _write_settings(private: Path, run: Run) -> None:
    directory = private / "env"
    directory.mkdir(parents=True, mode=0o700)
    files = {what: private / f"{what}.json" for what in run.requests}
    for what, file in files.items():
        file.write_text(json.dumps(run.requests[what]), encoding="utf-8")
    named = {f"mycoops_{what}": str(file) for what, file in files.items()}
    hosts = {f"mycoops_{what}_on": list(found) for what, found in run.requests.items()}
    (directory / "extravars").write_text(json.dumps({**run.variables, **named, **hosts}), encoding="utf-8")
    settings = {"idle_timeout": 0, "pexpect_timeout": NOTICE_SECONDS, "suppress_ansible_output": True}
    (directory / "settings").write_text(json.dumps(settings), encoding="utf-8")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """ansible-runner copies this process's environment: for the length of the call it holds the allow-list only."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
