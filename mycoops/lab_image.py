"""Builds the one image of the lab, named after what it is made from, so that a change of that builds another."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
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
            build(image, folder, folder / "Containerfile", "--build-context", f"library={LIBRARY.parent}")
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


def base(release: str = "12") -> str:
    """Have the base image of a release of Debian; returns its name."""
    script = ["/bin/sh", str(content.path("lab") / "base.sh"), release]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise LabError(f"the base image cannot be made: {last}", hint="no registry and no Debian archive could be reached")
    return f"docker.io/library/debian:{release}"


def build(image: str, context: Path, containerfile: Path, *options: str) -> None:
    """Build an image with what runs a container here; the name of its base is up to the containerfile."""
    told = ["--quiet", "--network", "host", *limits(), *options, "--tag", image, "--file", str(containerfile)]
    podman(*runtime(), "build", *told, str(context), timeout=BUILD_SECONDS)


@cache
def runtime() -> list[str]:
    """The options of the first runtime that can run a container here, found out once per process."""
    image = base()
    for options in runtimes():
        argv = [*options, "run", "--rm", "--network", "none", *limits(), image, "/bin/true"]
        if podman(*argv, check=False).returncode == 0:
            return options
    raise LabError("podman cannot run a container on this machine", hint="install runc; see lab/install.sh")
