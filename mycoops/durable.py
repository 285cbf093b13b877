"""Files that are complete-old or complete-new after any crash and any fault of the disk, never wider than 0600."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mycoops.errors import NotWritten

RESIDUE = re.compile(r"\..+\.(\d+)-[^.]+\.new")
"""The name of a file on its way to its place: hidden, with the number of the process that writes it."""
HINTS = {
    errno.ENOSPC: "Free some space on its file system",
    errno.EDQUOT: "Raise the quota, or free some space",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "Mount its file system writable; `dmesg` says whether the kernel made it read-only",
    errno.EIO: "The disk reports an error: `dmesg` says which",
    errno.EACCES: "Make it writable for the account that runs mycoops",
    errno.EPERM: "Make it writable for the account that runs mycoops",
}
"""What mends it, by what the system says."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within the block, what the system refuses is a NotWritten that names `path`, the cause and what mends it."""
    try:
        yield
    except OSError as error:
        cause = f"{error.strerror} ({errno.errorcode.get(error.errno or 0, 'OSError')})"
        raise NotWritten(f"{path} cannot be written: {cause}", mend=HINTS.get(error.errno or 0, "Mend that")) from None


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def directory(path: Path, mode: int = 0o777) -> None:
    """Make a directory and what leads to it. Raises NotWritten."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True, mode=mode)


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `path` by `content` in one step: temporary beside it, fsync, rename, fsync of the directory. Raises NotWritten."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.{os.getpid()}-", suffix=".new", dir=path.parent)
        try:
            try:
                _fill(descriptor, content)
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        sync_directory(path.parent)


def move(path: Path, target: Path) -> None:
    """Rename `path` over `target` in its directory, durably; nothing happens where it has been done. Raises NotWritten."""
    with writing(target):
        with contextlib.suppress(FileNotFoundError):
            path.replace(target)
        sync_directory(target.parent)


def _sweep(parent: Path) -> None:
    """Remove what writers left behind that were killed."""
    for left in parent.glob(".*.new"):
        writer = RESIDUE.fullmatch(left.name)
        if writer and not Path(f"/proc/{writer[1]}").exists():
            left.unlink(missing_ok=True)


def append(path: Path, line: bytes) -> None:
    """Append one line and fsync it, or leave the file as it was; a new file's name is made durable too. Raises NotWritten.

    Where even the way back fails, a part of the line may stay at the end of the file, and nothing after it."""
    with writing(path):
        new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            length = os.fstat(descriptor).st_size
            try:
                _fill(descriptor, line)
                os.fsync(descriptor)
                if new:
                    sync_directory(path.parent)
            except OSError:
                with contextlib.suppress(OSError):
                    _take_back(path, descriptor, length, new=new)
                raise
        finally:
            os.close(descriptor)


def _fill(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _take_back(path: Path, descriptor: int, length: int, *, new: bool) -> None:
    os.ftruncate(descriptor, length)
    os.fsync(descriptor)
    if new:
        path.unlink()


def remove(path: Path) -> None:
    """Remove a file if it is there, durably. Raises NotWritten."""
    with writing(path), contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)
