"""Faults that are none of mycoops' making, on this machine and on hosts of the lab, and taken back whatever happens."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.hosts import ENV_FILES, Host
from tests.integration.lab import Done, Lab, Running
from tests.processes import descendants


def _run(*argv: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"


@contextmanager
def small_disk(path: Path, spare: int) -> Iterator[Path]:
    """Within the block a directory of this machine lies on a disk with `spare` KiB left; what is written stays afterwards."""
    there = path.with_name(f"{path.name}-there")
    shutil.copytree(path, there)
    size = sum(-(-file.stat().st_size // 4096) * 4 for file in path.rglob("*") if file.is_file()) + spare
    _run("mount", "-t", "tmpfs", "-o", f"size={size}k,mode=0755", "tmpfs", str(path))
    try:
        shutil.copytree(there, path, dirs_exist_ok=True)
        yield path
    finally:
        shutil.rmtree(there)
        shutil.copytree(path, there, ignore=shutil.ignore_patterns("mycoops-*"))
        _run("umount", "--lazy", str(path))
        shutil.copytree(there, path, dirs_exist_ok=True)
        shutil.rmtree(there)


def remount(path: Path, options: str) -> None:
    """Change such a disk: `ro`, `rw`, `size=1m`."""
    _run("mount", "-o", f"remount,{options}", str(path))


def _pid(host: Host) -> str:
    argv = ["podman", "inspect", "--format", "{{.State.Pid}}", host.container]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def inside(host: Host, *argv: str) -> None:
    """Run a command of this machine where the host sees its files: a container may not mount."""
    _run("nsenter", "--target", _pid(host), "--mount", "--pid", "--", *argv)


@contextmanager
def dropped(host: Host, port: int) -> Iterator[None]:
    """Within the block what a host sends to a port goes nowhere, and nothing tells it so: over new and over kept connections."""
    rule = ("OUTPUT", "-p", "tcp", "--dport", str(port), "-j", "DROP")
    filters = ("nsenter", "--target", _pid(host), "--net", "--", "iptables", "--wait")
    _run(*filters, "-A", *rule)
    try:
        yield
    finally:
        _run(*filters, "-D", *rule)


@contextmanager
def small_disk_on(host: Host, path: str) -> Iterator[str]:
    """The same on a host, with no space left at all; yields the file that fills it."""
    keep = f"/srv/{Path(path).name}-there"
    filler = f"{path}/filler"
    host.call("cp", "-a", path, keep)
    inside(host, "mount", "-t", "tmpfs", "-o", "size=256k,mode=0755", "tmpfs", path)
    try:
        host.call("cp", "-a", f"{keep}/.", path)
        host.call("sh", "-c", f"cat /dev/zero > {filler}", check=False)
        yield filler
    finally:
        host.call("rm", "-rf", keep)
        host.call("cp", "-a", path, keep)
        host.call("rm", "-f", f"{keep}/filler")
        inside(host, "umount", "--lazy", path)
        host.call("cp", "-a", f"{keep}/.", path)
        host.call("rm", "-rf", keep)


@contextmanager
def out_of_reach(hosts: Iterable[Host]) -> Iterator[None]:
    """Within the block no host listens for ssh, and every connection has ended."""
    hosts = list(hosts)
    for host in hosts:
        host.call("systemctl", "stop", "ssh.socket", "ssh.service", check=False)
        host.call("sh", "-c", "kill -9 $(pidof sshd)", check=False)
    try:
        yield
    finally:
        for host in hosts:
            host.systemctl("start", "ssh.service")


@contextmanager
def frozen(host: Host) -> Iterator[None]:
    """Within the block a host does nothing any more, and says nothing of it."""
    _run("podman", "pause", host.container)
    try:
        yield
    finally:
        _run("podman", "unpause", host.container)


@contextmanager
def asleep(running: Running) -> Iterator[None]:
    """Within the block a run and all that it has started is stopped, like a machine that sleeps."""
    pids = descendants(running.process.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def last_move(done: Done) -> str:
    """The verb of the last move that a run has told of."""
    lines = [line.split("/", 1)[1].split(" ", 1)[1] for line in done.stderr.splitlines() if "/" in line[:10] and ": " in line]
    return lines[-1].partition(":")[0].split(" ")[0] if lines else ""


def of_run(lab: Lab) -> dict[int, str]:
    """Every process of this machine that a run of mycoops on this lab has started: they share its home, as do its containers'."""
    found: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={lab.home}\0".encode() in (path / "environ").read_bytes() + b"\0":
                words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found |= {} if "conmon" in words else {int(path.name): words[:100]}
        except OSError:
            continue
    return found


def private_directories(lab: Lab) -> set[Path]:
    """What these processes have in memory."""
    found = set()
    for pid in of_run(lab):
        try:
            words = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        found |= {Path(match[1]) for word in words if (match := re.search(r"=(/[^:]*?/mycoops-[^/:]+)", word))}
    return found


def left_on(host: Host) -> list[str]:
    """What a run of mycoops has left on a host: processes of its constant command, and files of Ansible's."""
    processes = [line for line in host.text("ps", "-eo", "pid,args").splitlines() if "mycoops_loader" in line]
    files = host.text("find", "/", "-xdev", "(", "-name", "AnsiballZ*", "-o", "-name", "ansible-tmp-*", ")").splitlines()
    return processes + files


def nothing_left(lab: Lab, used: set[Path], seconds: float = 10) -> None:
    """No process or directory of a run that has ended is left on this machine."""
    assert used, "the run was not seen to have a directory"
    _becomes_empty(lambda: list(of_run(lab).values()), seconds)
    assert [path for path in used if path.exists()] == []


def nothing_left_on_hosts(lab: Lab, seconds: float = 10) -> None:
    """No process or file of a run is left on a host; an order that was under way there ends by itself."""
    _becomes_empty(lambda: [line for host in lab.hosts.values() for line in left_on(host)], seconds)


def _becomes_empty(look: Callable[[], list[str]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := look():
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def another_control_node(lab: Lab, folder: Path) -> Path:
    """The state of a second control node of the same fleet: its lease goes on from the first one's.

    It reads the vault's password from where the first one has it, so that no second copy of it is left on this machine.
    """
    password = lab.state / "vault-password"
    left_out = shutil.ignore_patterns("journals.json", "lease.lock", password.name)
    other = shutil.copytree(lab.state_root, folder / "other", ignore=left_out)
    (other / password.relative_to(lab.state_root)).symlink_to(password)
    return other


def env_files(lab: Lab) -> list[bytes]:
    """Every env file of the lab, byte for byte."""
    return [lab.hosts[host].read(path) for host, paths in ENV_FILES.items() for path in paths]
