"""A file on the host is the old one or the new one after any crash, and never wider than asked."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pathlib
import pwd
import stat
import typing

from mycoops_reply import Refusal

RESIDUE = ".mycoops-new"


class Owner(typing.NamedTuple):
    """Numeric owner, group and mode of a file."""

    uid: int
    gid: int
    mode: int


class Found(typing.NamedTuple):
    """A file as it is: None for both if there is none."""

    raw: typing.Optional[bytes]
    owner: typing.Optional[Owner]


@contextlib.contextmanager
def directory(path: str, *, anywhere: bool = False) -> typing.Iterator[int]:
    """Open the parent of `path`. Raises Refusal `missing_directory`, and unless `anywhere` is enough `unsafe_directory`."""
    parent = str(pathlib.PurePath(path).parent)
    try:
        descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise Refusal("missing_directory", f"{parent} is not a directory", path=path) from None
    try:
        if not anywhere and shared(os.fstat(descriptor)):
            raise Refusal("unsafe_directory", f"others may write to {parent}", path=path)
        yield descriptor
    finally:
        os.close(descriptor)


def shared(status: os.stat_result) -> bool:
    """Whether others than its owner may write to a directory; a group that is the owner's own is nobody else."""
    own_group = False
    if status.st_mode & stat.S_IWGRP:
        with contextlib.suppress(KeyError):
            own_group = status.st_gid == 0 or pwd.getpwuid(status.st_uid).pw_gid == status.st_gid
    return bool(status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not own_group))


def read(path: str, *, anywhere: bool = False) -> Found:
    """Read a regular file without following a link. Raises Refusal `unsafe_path` or `unreadable`, and what `directory` raises."""
    with directory(path, anywhere=anywhere) as parent:
        try:
            descriptor = os.open(
                pathlib.PurePath(path).name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent
            )
        except FileNotFoundError:
            return Found(None, None)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Refusal("unsafe_path", f"{path} is a symbolic link", path=path) from None
            raise Refusal("unreadable", f"{path}: {_name(error)}", path=path) from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Refusal("unsafe_path", f"{path} is not a regular file", path=path)
            raw = b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
        finally:
            os.close(descriptor)
        return Found(raw, Owner(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)))


def owner(path: str, user: typing.Optional[str], group: typing.Optional[str], mode: str, now: typing.Optional[Owner]) -> Owner:
    """Resolve names; what is not given stays as it is, root for a new file. Raises Refusal `unknown_owner` or `unsafe_mode`."""
    try:
        uid = pwd.getpwnam(user).pw_uid if user else now.uid if now else os.geteuid()
        gid = grp.getgrnam(group).gr_gid if group else now.gid if now else os.getegid()
    except KeyError:
        raise Refusal("unknown_owner", f"{path}: no such user or group on this host", path=path) from None
    bits = int(mode, 8)
    if bits & 0o7137:
        raise Refusal("unsafe_mode", f"{path}: mode {mode} is wider than 0640", path=path)
    return Owner(uid, gid, bits)


@contextlib.contextmanager
def telling(path: str) -> typing.Iterator[None]:
    """Within the block, what the system refuses is a Refusal `write_failed` that names `path` and the cause."""
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {os.strerror(error.errno or 0)} ({_name(error)})"
        raise Refusal("write_failed", message, path=path) from None


def write(path: str, raw: bytes, wanted: Owner) -> None:
    """Replace `path` in one step, durably. Raises Refusal `write_failed`; the old file is then intact."""
    with directory(path) as parent, telling(path):
        name = pathlib.PurePath(path).name
        temporary = f".{name}{RESIDUE}"
        try:
            _sweep(parent, temporary)
            _fill(parent, temporary, raw, wanted)
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)
        except OSError:
            with contextlib.suppress(OSError):
                _sweep(parent, temporary)
            raise


def remove(path: str) -> None:
    """Remove a file that this run created. Raises Refusal `write_failed`."""
    with directory(path) as parent, telling(path):
        _sweep(parent, pathlib.PurePath(path).name)
        os.fsync(parent)


def room(path: str, size: int) -> None:
    """See, without writing, that a file of `size` bytes can be put at `path`. Raises Refusal `write_failed`.

    A file system that tells no numbers is believed to have room."""
    place = pathlib.Path(path).parent
    while not place.exists():
        place = place.parent
    with telling(path):
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, "")
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "")
        found = os.statvfs(place)
        if (found.f_blocks and found.f_bfree * found.f_frsize < size) or (found.f_files and not found.f_ffree):
            raise OSError(errno.ENOSPC, "")


def _sweep(parent: int, name: str) -> None:
    """Remove the residue of a writer that was killed; the caller holds the host's lock."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _fill(parent: int, name: str, raw: bytes, wanted: Owner) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=parent)
    try:
        rest = memoryview(raw)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fchown(descriptor, wanted.uid, wanted.gid)
        os.fchmod(descriptor, wanted.mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "OSError")
