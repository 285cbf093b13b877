"""Boots one host for each release of Debian, and a control node of the newest, all of them containers of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mycoops import lab_image
from mycoops.lab_podman import boot_options, limits, podman, systemd_is_up
from tests.integration.hosts import Host

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
    def host(self) -> Host:
        """Its container."""
        return Host(f"release-{self.name}")

    def environ(self, unit: str) -> dict[str, str]:
        """The environment of the process a unit runs now."""
        return self.host.environ(self.host.show(unit, "MainPID"))


@contextmanager
def booted(public_key: str, known_hosts: Path) -> Iterator[dict[str, Machine]]:
    """The hosts by name, reachable as `deploy` with the key; they are removed whatever happens."""
    machines = [Machine(release, port) for release, port in RELEASES.items()]
    try:
        lines = [f"[127.0.0.1]:{machine.port} {key}\n" for machine in machines for key in _boot(machine, public_key)]
        known_hosts.write_text("".join(lines), encoding="utf-8")
        yield {machine.name: machine for machine in machines}
    finally:
        podman("rm", "-f", "-t", "0", "--ignore", *(machine.host.container for machine in machines))


def _boot(machine: Machine, public_key: str) -> list[str]:
    """Boot a host and let the key in; returns its public host keys."""
    image, container = f"localhost/mycoops-release:{machine.release}", machine.host.container
    lab_image.build(image, HERE, HERE / "Containerfile.host", "--build-arg", f"BASE={lab_image.base(machine.release)}")
    runtime, run = boot_options(image)
    podman("rm", "-f", "-t", "0", "--ignore", container)
    options = ["--name", container, "--hostname", machine.name, "--systemd=always", "--cap-add", "SYS_PTRACE"]
    podman(*runtime, "run", "-d", *options, "--publish", f"127.0.0.1:{machine.port}:22", *run, image)
    assert systemd_is_up(container, seconds=60), f"{machine.name} did not boot"
    keys_to = "cat > /home/deploy/.ssh/authorized_keys"
    admit = f"set -e; ssh-keygen -A >/dev/null; {keys_to}; systemctl restart ssh.service; cat /etc/ssh/ssh_host_*_key.pub"
    keys = podman("exec", "-i", container, "sh", "-c", admit, stdin=f"{public_key.strip()}\n").stdout
    return [" ".join(line.split()[:2]) for line in keys.splitlines()]


@dataclass
class Control:
    """Where mycoops runs: on this machine, or in a container with the newest core; both see the same directories."""

    place: Path
    image: str = ""

    def mycoops(self, *arguments: str, stdin: str = "") -> str:
        """What mycoops answers, its home and state below `place`; its status is asserted."""
        return self.run("mycoops", *arguments, stdin=stdin)

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """What a program of the control node answers."""
        own = {"HOME": str(self.place), "MYCOOPS_FLEET": str(self.place / "fleet"), "MYCOOPS_STATE": str(self.place / "state")}
        argv, path = [str(Path(sys.executable).parent / program)], {"PATH": os.environ["PATH"]}
        if self.image:
            told = [word for name, value in own.items() for word in ("--env", f"{name}={value}")]
            container = ["podman", *lab_image.runtime(), "run", "--rm", "-i", "--network", "host", *limits(), *told]
            argv = [*container, "--volume", f"{self.place}:{self.place}", self.image, program]
        done = subprocess.run(
            [*argv, *arguments], env={**path, **own} if not self.image else None,
            input=stdin, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"$ {program} {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout


def newest() -> str:
    """Build the control node of Debian 13 with the newest of every dependency; returns the image's name."""
    lab_image.base("13")
    image = "localhost/mycoops-control:13"
    with tempfile.TemporaryDirectory(prefix="control-") as place:
        wheels = Path(place) / "wheels"
        python, quiet = sys.executable, {"check": True, "capture_output": True, "timeout": BUILD_SECONDS}
        build = [python, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(REPOSITORY)]
        subprocess.run(build, **quiet)  # type: ignore[call-overload]
        (wheel,) = wheels.glob("*.whl")
        wanted = ["--quiet", "--only-binary=:all:", "--python-version", "3.13", "--dest", str(wheels)]
        download = [python, "-m", "pip", "download", *wanted]
        download += [word for platform in PLATFORMS for word in ("--platform", platform)]
        subprocess.run([*download, str(wheel)], **quiet)  # type: ignore[call-overload]
        shutil.copy(HERE / "Containerfile.control", place)
        lab_image.build(image, Path(place), Path(place) / "Containerfile.control")
    return image
