"""Searches files within bounds, and says what it left out; it follows no link and opens nothing but plain files."""

from __future__ import annotations

import bz2
import collections
import gzip
import itertools
import lzma
import os
import pathlib
import stat
import typing
import zlib

from mycoops_needles import Label, Needles

NAME_LENGTH = 300
COMPRESSED: typing.Dict[str, typing.Callable[[typing.BinaryIO], typing.IO[bytes]]] = {
    ".gz": lambda stream: typing.cast(typing.IO[bytes], gzip.GzipFile(fileobj=stream)),
    ".xz": lambda stream: typing.cast(typing.IO[bytes], lzma.LZMAFile(stream)),  # noqa: SIM115
    ".bz2": lambda stream: typing.cast(typing.IO[bytes], bz2.BZ2File(stream)),
}


class Limits(typing.NamedTuple):
    """How much is looked at below one directory: names, bytes of one file, bytes of all."""

    names: int = 20_000
    each: int = 16 << 20
    total: int = 64 << 20


def shown(path: typing.Union[str, bytes]) -> str:
    """A name of somebody else's choosing as text that can be printed and stored."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:NAME_LENGTH]


class Haystack:
    """What is searched: collects where which label was found, and what was not looked at."""

    def __init__(self, needles: Needles, excluded: typing.Iterable[str] = (), limits: Limits = Limits()) -> None:
        self.needles, self.limits = needles, limits
        self.found: typing.Dict[typing.Tuple[Label, str], None] = {}
        self.skipped: typing.List[str] = []
        self._excluded = tuple(excluded)

    def data(self, place: str, data: bytes) -> None:
        """Search bytes that lie at `place`; a place whose name is a value is told by what it lies in."""
        for label in self.needles.labels(data):
            self.found[label, self.told(place)] = None

    def told(self, place: str) -> str:
        """Return a place as it can be shown."""
        clean = place
        while self.needles.labels(os.fsencode(clean)):
            clean = clean[: max(clean.rfind("/"), clean.rfind(" "), 0)]
        return shown(clean if clean == place else f"{clean} …")

    def tree(self, root: str, since: float = 0.0, show: typing.Optional[str] = None, *, changed: bool = False) -> None:
        """Search the names and the files below a directory, the newest first, within the bounds.

        Of a long file its end is searched if it has changed `since` then (seconds since 1970), and nothing if it has not. With
        `changed` only files that have changed are looked at. `show` is told in place of the root."""
        if not pathlib.Path(root).is_dir():
            return
        told = root if show is None else show
        left, closed, partly = self.limits.total, 0, False
        for when, size, path in sorted(self._files(root, since if changed else 0.0, told), reverse=True):
            if left <= 0 or (when < since and size > self.limits.each):
                partly = True
                continue
            left -= min(size, self.limits.each)
            closed += not self.file(path, told + path[len(root) :])
        if partly:
            self.skipped.append(f"{self.told(told)}: long files that have not changed, and all beyond {self.limits.total >> 20} MB")
        if closed:
            self.skipped.append(f"{self.told(told)}: {closed} files that may not be read")

    def _files(self, root: str, since: float, told: str) -> typing.List[typing.Tuple[float, int, str]]:
        """Look at every name, the ones nearest to the root first; return change, size and path of each plain file in question."""
        waiting, seen, kept = collections.deque([root]), 0, []
        while waiting:
            entries = self._entries(waiting.popleft())
            names = b"\0".join(os.fsencode(entry.name) for entry in entries)
            if self.needles.labels(names):
                for entry in entries:
                    self.data("the name of " + told + entry.path[len(root) :], os.fsencode(entry.name))
            for entry in entries:
                seen += 1
                if seen > self.limits.names:
                    self.skipped.append(f"{self.told(told)}: all but {self.limits.names} names of it")
                    return kept
                if entry.path in self._excluded:
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(facts.st_mode):
                    waiting.append(entry.path)
                elif stat.S_ISREG(facts.st_mode) and max(facts.st_mtime, facts.st_ctime) >= since:
                    kept.append((facts.st_ctime, facts.st_size, entry.path))
        return kept

    def _entries(self, directory: str) -> typing.List["os.DirEntry[str]"]:
        try:
            with os.scandir(directory) as found:
                return list(itertools.islice(found, self.limits.names + 1))
        except OSError:
            return []

    def file(self, path: str, show: typing.Optional[str] = None) -> bool:
        """Search one plain file; of a long one its end. Whether it could be read, or is gone."""
        told = path if show is None else show
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        with os.fdopen(descriptor, "rb") as stream:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return True
            try:
                self._stream(stream, facts.st_size, told)
            except OSError:
                return False
        return True

    def _stream(self, stream: typing.BinaryIO, size: int, told: str) -> None:
        parts = [(0, size)] if size <= self.limits.each else list(_parts(stream.fileno(), size))
        if sum(end - start for start, end in parts) > self.limits.each:
            self.skipped.append(f"{self.told(told)}: all but its last {self.limits.each >> 20} MB")
            parts = [(size - self.limits.each, size)]
        for start, end in parts:
            stream.seek(start)
            self.data(told, stream.read(end - start))
        unpack = COMPRESSED.get(pathlib.Path(told).suffix)
        if unpack and parts == [(0, size)]:
            stream.seek(0)
            self._unpacked(unpack(stream), told)

    def _unpacked(self, stream: typing.IO[bytes], told: str) -> None:
        try:
            data = stream.read(self.limits.each + 1)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            self.skipped.append(f"{self.told(told)}: it does not unpack")
            return
        self.data(told, data)
        if len(data) > self.limits.each:
            self.skipped.append(f"{self.told(told)}: all but its first {self.limits.each >> 20} MB")


def _parts(descriptor: int, size: int) -> typing.Iterator[typing.Tuple[int, int]]:
    """Yield where a file holds data: some are nearly all holes."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
