"""Boots one host for each release of Debian, and a control node of the newest, all of them containers of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mycoops.lab_image import builder
from mycoops.lab_podman import boot_options, limits, podman, systemd_is_up

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
BUILD_SECONDS = 900.0
RELEASES = {"11": 18611, "12": 18612, "13": 18613}
"""Release of Debian → where its sshd is published on this machine. 11 has Python 3.9, the oldest that a host may have."""
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64")


@dataclass(frozen=True)
class Machine:
    """A host of one release."""

    release: str
    port: int

    @property
    def name(self) -> str:
        """As the inventory calls it."""
        return f"debian{self.release}"

    @property
    def container(self) -> str:
        """As podman calls it."""
        return f"release-{self.name}"

    def text(self, *argv: str) -> str:
        """What a command says there, as root and without mycoops."""
        return podman("exec", self.container, *argv).stdout

    def environ(self, unit: str) -> dict[str, str]:
        """The environment of the process a unit runs now."""
        pid = self.text("systemctl", "show", "--property", "MainPID", "--value", unit).strip()
        pairs = self.text("cat", f"/proc/{pid}/environ").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


@contextmanager
def booted(public_key: str, known_hosts: Path) -> Iterator[dict[str, Machine]]:
    """The hosts by name, reachable as `deploy` with the key; they are removed whatever happens."""
    machines = [Machine(release, port) for release, port in RELEASES.items()]
    try:
        lines = [f"[127.0.0.1]:{machine.port} {key}\n" for machine in machines for key in _boot(machine, public_key)]
        known_hosts.write_text("".join(lines), encoding="utf-8")
        yield {machine.name: machine for machine in machines}
    finally:
        podman("rm", "-f", "-t", "0", "--ignore", *(machine.container for machine in machines))


def _boot(machine: Machine, public_key: str) -> list[str]:
    """Boot a host and let the key in; returns its public host keys."""
    base = _base(machine.release)
    _base("12")
    image = f"localhost/mycoops-release:{machine.release}"
    _build(image, HERE, "Containerfile.host", "--build-arg", f"BASE={base}")
    runtime, run = boot_options(image)
    podman("rm", "-f", "-t", "0", "--ignore", machine.container)
    options = ["--name", machine.container, "--hostname", machine.name, "--systemd=always", "--cap-add", "SYS_PTRACE"]
    podman(*runtime, "run", "-d", *options, "--publish", f"127.0.0.1:{machine.port}:22", *run, image)
    assert systemd_is_up(machine.container, seconds=60), f"{machine.name} did not boot"
    keys_to = "cat > /home/deploy/.ssh/authorized_keys"
    admit = f"set -e; ssh-keygen -A >/dev/null; {keys_to}; systemctl restart ssh.service; cat /etc/ssh/ssh_host_*_key.pub"
    keys = podman("exec", "-i", machine.container, "sh", "-c", admit, stdin=f"{public_key.strip()}\n").stdout
    return [" ".join(line.split()[:2]) for line in keys.splitlines()]


def _base(release: str) -> str:
    subprocess.run(
        ["/bin/sh", str(REPOSITORY / "lab" / "base.sh"), release], check=True, capture_output=True, timeout=BUILD_SECONDS
    )
    return f"docker.io/library/debian:{release}"


def _build(image: str, context: Path, file: str, *options: str) -> None:
    told = ["--quiet", "--network", "host", *limits(), *options, "--tag", image, "--file", str(context / file)]
    podman(*builder(), "build", *told, str(context), timeout=BUILD_SECONDS)


@dataclass
class Control:
    """Where mycoops runs: on this machine, or in a container with the newest core; both see the same directories."""

    place: Path
    image: str = ""
    said: list[str] = field(default_factory=list)

    def mycoops(self, *arguments: str, stdin: str = "") -> str:
        """What mycoops answers, its home and state below `place`; its status is asserted."""
        return self.run("mycoops", *arguments, stdin=stdin)

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """What a program of the control node answers."""
        own = {"HOME": str(self.place), "MYCOOPS_FLEET": str(self.place / "fleet"), "MYCOOPS_STATE": str(self.place / "state")}
        argv, path = [str(Path(sys.executable).parent / program)], {"PATH": os.environ["PATH"]}
        if self.image:
            told = [word for name, value in own.items() for word in ("--env", f"{name}={value}")]
            container = ["podman", *builder(), "run", "--rm", "-i", "--network", "host", *limits(), *told]
            argv = [*container, "--volume", f"{self.place}:{self.place}", self.image, program]
        done = subprocess.run(
            [*argv, *arguments], env={**path, **own} if not self.image else None,
            input=stdin, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        self.said.append(f"$ {program} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        assert done.returncode == 0, self.said[-1]
        return done.stdout


def newest() -> str:
    """Build the control node of Debian 13 with the newest of every dependency; returns the image's name."""
    _base("13")
    image = "localhost/mycoops-control:13"
    with tempfile.TemporaryDirectory(prefix="control-") as place:
        wheels = Path(place) / "wheels"
        python, quiet = sys.executable, {"check": True, "capture_output": True, "timeout": BUILD_SECONDS}
        build = [python, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(REPOSITORY)]
        subprocess.run(build, **quiet)  # type: ignore[call-overload]
        (wheel,) = wheels.glob("*.whl")
        download = [
            python,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--only-binary=:all:",
            "--python-version",
            "3.13",
            "--dest",
            str(wheels),
        ]
        download += [word for platform in PLATFORMS for word in ("--platform", platform)]
        subprocess.run([*download, str(wheel)], **quiet)  # type: ignore[call-overload]
        shutil.copy(HERE / "Containerfile.control", place)
        _build(image, Path(place), "Containerfile.control")
    return image
