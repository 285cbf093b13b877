"""Lets a service hold the present and the next value of one credential, and log in with whichever its authority accepts.

For credentials of which the authority accepts one value only. mycoops brings the next value beside the present one before the
cut, so there is no instant in which the service holds none that works:

    password = Dual("DATABASE_PASSWORD")  # and DATABASE_PASSWORD_NEXT, which is empty most of the time

    def connect():
        return password.attempt(
            lambda value: psycopg.connect(host="db", user="app", password=value),
            refused=lambda error: "password authentication failed" in str(error),
        )

This module needs the standard library only, of Python 3.9 or later, and imports nothing else of mycoops: install the package
without its dependencies, or copy this one file.
"""

from __future__ import annotations

import os
import pathlib
import threading
import typing

__all__ = ["Dual", "NotSet"]

Result = typing.TypeVar("Result")
Refused = typing.Callable[[Exception], bool]
SUFFIX = "_NEXT"
"""What the name of the next value's variable has more than that of the present one, unless told otherwise."""
TRIES = 4
"""How many different values one attempt tries at most: two, and two again where the env file changed meanwhile."""


class NotSet(LookupError):
    """Neither variable holds a value, in the environment or in the env file."""


class _Value:
    """Keeps a value out of `repr`, and so out of tracebacks that show variables."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<a value>"


class Dual:
    """The present and the next value of one credential; safe to share between threads, one for each credential and process.

    `name` is the variable of the present value and `next_name` that of the next one, by default `name` with `_NEXT`. An empty
    variable counts as absent. Both are read anew by every attempt: from `env_file`, where one is given and names the variable,
    else from the environment. The file is read as python-decouple reads it (declare `readers: [decouple]`): a line is
    `NAME=value`, one pair of quotes around the value is dropped. A file that cannot be read at the moment counts as it was
    last read.

    No value is ever in the text of an exception or in the `repr` of an object of this module. What `connect` raises passes as
    it is: keep values out of it as you would without this class."""

    def __init__(self, name: str, *, next_name: str = "", env_file: str | os.PathLike[str] = "") -> None:
        self._names = (name, next_name or name + SUFFIX)
        self._path = os.fspath(env_file)
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._file: dict[str, _Value] = {}
        self._worked: _Value | None = None

    def __repr__(self) -> str:
        return f"Dual({self._names[0]!r}, next_name={self._names[1]!r}, env_file={self._path!r})"

    def attempt(self, connect: typing.Callable[[str], Result], *, refused: Refused) -> Result:
        """Return what `connect(value)` returns, called with the value that worked last, and if that is refused with the other.

        `refused(error)` says whether an exception of `connect` is the authentication refusal itself. Only then is the other
        value tried, and it is remembered if it works. Every other exception (an overload, a time-out, a missing permission)
        passes at once and changes nothing. Where every value is refused, the last refusal is raised. Raises NotSet where
        there is no value at all.

        No lock is held while `connect` runs, so threads connect side by side."""
        tried = [self._first()]
        while True:
            try:
                found = connect(tried[-1].text)
            except Exception as error:
                if not (refused(error) and self._one_more(tried)):
                    raise
            else:
                self._worked = tried[-1]
                return found

    async def attempt_async(self, connect: typing.Callable[[str], typing.Awaitable[Result]], *, refused: Refused) -> Result:
        """The same for a `connect` that is awaited."""
        tried = [self._first()]
        while True:
            try:
                found = await connect(tried[-1].text)
            except Exception as error:
                if not (refused(error) and self._one_more(tried)):
                    raise
            else:
                self._worked = tried[-1]
                return found

    def connector(self, connect: typing.Callable[[str], Result], *, refused: Refused) -> typing.Callable[[], Result]:
        """`attempt` as a function without arguments, for a connection pool that takes one (SQLAlchemy calls it `creator`).

        A pool that keeps a password of its own opens its next connection with the old one after the cut. With this one a
        connection that is opened after the cut works at once, and those that are open stay as they are."""
        return lambda: self.attempt(connect, refused=refused)

    def _first(self) -> _Value:
        """The value to begin with."""
        values = self._values()
        if not values:
            where = f" or {self._path}" if self._path else ""
            raise NotSet(f"neither {self._names[0]} nor {self._names[1]} is set in the environment{where}")
        return values[0]

    def _one_more(self, tried: list[_Value]) -> bool:
        """Append a value that was not tried yet; False where there is none."""
        seen = {one.text for one in tried}
        untried = [one for one in self._values(anew=True) if one.text not in seen]
        tried += untried[:1]
        return bool(untried) and len(tried) <= TRIES

    def _values(self, *, anew: bool = False) -> list[_Value]:
        """The values there are now, the one that worked last first."""
        with self._lock:
            self._reread(anew)
            known = [self._file.get(name) or _Value(os.environ.get(name, "")) for name in self._names]
            worked = self._worked
        if worked and known[1].text == worked.text:
            known.reverse()
        return [one for one in known if one.text]

    def _reread(self, anew: bool) -> None:
        """Read the env file, if it is another one than last time or `anew`."""
        if not self._path:
            return
        try:
            with pathlib.Path(self._path).open("rb") as stream:
                status = os.fstat(stream.fileno())
                stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
                if anew or stamp != self._stamp:
                    self._file, self._stamp = _parsed(stream.read()), stamp
        except OSError:
            return


def _parsed(raw: bytes) -> dict[str, _Value]:
    """The variables of an env file; of several lines with one name the last counts."""
    found: dict[str, _Value] = {}
    text = raw.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    for line in map(str.strip, text.split("\n")):
        name, sign, value = (part.strip() for part in line.partition("="))
        if sign and not line.startswith("#"):
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            found[name] = _Value(value[1:-1] if quoted else value)
    return found
