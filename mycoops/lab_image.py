"""Builds the one image of the lab, named after what it is made from, so that a change of that builds another."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from mycoops import content
from mycoops.errors import LabError
from mycoops.lab_podman import limits, podman, runtimes

BUILD_SECONDS = 1800.0
BESIDE = ("load", "install.sh")
"""What lies in lab/ and is no part of the image."""
LIBRARY = content.PACKAGE_ROOT / "mycoops" / "dual.py"
"""What services of the lab import of the package; it lies beside them in the image."""


def ensure(progress: Callable[[str], None]) -> str:
    """The name of the image for the present content of lab/ and the library, built when it is not there yet."""
    folder = content.path("lab")
    image = f"localhost/mycoops-lab:{_digest(folder)}"
    if _exists(image):
        return image
    lock = Path(tempfile.gettempdir()) / "mycoops-lab-image.lock"
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not _exists(image):
            progress("building the image of the lab (some minutes, once)")
            _base(folder)
            _build(folder, image)
            _remove_others(image)
    return image


def _digest(folder: Path) -> str:
    digest = hashlib.sha256(LIBRARY.read_bytes())
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        if set(file.relative_to(folder).parts) & set(BESIDE):
            continue
        digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _exists(image: str) -> bool:
    return podman("image", "exists", image, check=False).returncode == 0


def _remove_others(image: str) -> None:
    """Remove what an earlier content of lab/ was built into; podman keeps an image that a container uses."""
    names = podman("image", "ls", "--filter", "reference=localhost/mycoops-lab", "--format", "{{.Repository}}:{{.Tag}}").stdout
    for name in names.split():
        if name != image and not name.endswith(":<none>"):
            podman("image", "rm", name, check=False)


def _base(folder: Path) -> None:
    done = subprocess.run(["/bin/sh", str(folder / "base.sh")], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise LabError(f"the base image cannot be made: {last}", hint="no registry and no Debian archive could be reached")


def _build(folder: Path, image: str) -> None:
    options = ["--quiet", "--network", "host", *limits(), "--tag", image, "--file", str(folder / "Containerfile")]
    options += ["--build-context", f"library={LIBRARY.parent}"]
    podman(*builder(), "build", *options, str(folder), timeout=BUILD_SECONDS)


def builder() -> list[str]:
    """The options of the first runtime that can run a container here; the base image has to be there."""
    for runtime in runtimes():
        if _runs(runtime):
            return runtime
    raise LabError("podman cannot run a container on this machine", hint="install runc; see lab/install.sh")


def _runs(runtime: list[str]) -> bool:
    base = "docker.io/library/debian:12"
    return podman(*runtime, "run", "--rm", "--network", "none", *limits(), base, "/bin/true", check=False).returncode == 0
