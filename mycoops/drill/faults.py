"""What goes wrong in a scripted world, and what must never be."""

from __future__ import annotations

from dataclasses import dataclass


class Violation(AssertionError):
    """An invariant of the protocol does not hold at this instant; `sort` is the column of the drill's table it counts in."""

    def __init__(self, what: str, sort: str = "broken") -> None:
        super().__init__(what)
        self.sort = sort


@dataclass
class Fault:
    """Goes wrong `times` times, after going well `skip` times: `lost` (done, but no reply), `error` (not done), `unreachable`."""

    what: str
    entry: str = ""
    host: str = ""
    credential: str = ""
    times: int = 1
    skip: int = 0
    code: str = "broken"
    check: bool | None = None

    def takes(self, entry: str, host: str, credential: str, check: bool = False) -> bool:
        """Whether it strikes here; it is used up by that."""
        fits = self.times and self.entry in ("", entry) and self.host in ("", host) and self.credential in ("", credential)
        if not fits or (self.check is not None and self.check is not check):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


def require(holds: bool, what: str, sort: str = "broken") -> None:
    """Raise Violation, saying what, unless it holds."""
    if not holds:
        raise Violation(what, sort)
