"""Which leaked generations are alive, and for how long each one was exposed: a fold over all runs of a fleet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mycoops.ledger import Run, Standing
from mycoops.model import State


@dataclass(frozen=True, slots=True)
class Exposure:
    """One generation that was found where it must not be while it was valid: since when, where, and until when.

    `until` is when it was proven dead; empty while it is not, and that is an emergency."""

    credential: str
    generation: int
    since: str
    places: tuple[str, ...]
    until: str = ""

    @property
    def alive(self) -> bool:
        """Whether somebody could use it still."""
        return not self.until

    def seconds(self, now: datetime | None = None) -> float:
        """The exposure clock: from its declaration to the proof of its death, else until now."""
        end = datetime.fromisoformat(self.until) if self.until else now or datetime.now(UTC)
        return (end - datetime.fromisoformat(self.since)).total_seconds()

    def __str__(self) -> str:
        return f"generation {self.generation} leaked, found at {minute(self.since)} ({', '.join(self.places)})"


def exposures(runs: Iterable[Run]) -> list[Exposure]:
    """Every generation that leaked while it was alive, in the order of the leaks; one that was dead already is exposed no more."""
    runs = list(runs)
    found: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for run in runs:
        for leak in run.leaks:
            if leak.credential:
                found.setdefault((leak.credential, leak.generation), []).append((leak.time, str(leak)))
    known = []
    for (credential, generation), told in found.items():
        until = _death(runs, credential, generation)
        alive = [(time, place) for time, place in told if not until or time < until]
        if alive:
            places = tuple(dict.fromkeys(place for _, place in alive))
            known.append(Exposure(credential, generation, min(time for time, _ in alive), places, until))
    return known


def emergencies(runs: Iterable[Run]) -> dict[str, Exposure]:
    """The credentials of which a generation leaked that is not proven dead, each with the newest of them."""
    alive = [exposure for exposure in exposures(runs) if exposure.alive]
    return {exposure.credential: exposure for exposure in sorted(alive, key=lambda one: one.generation)}


def _death(runs: list[Run], credential: str, generation: int) -> str:
    """When a generation was proven dead, by the journals; empty where it was not."""
    standings = [run.rotations[credential] for run in runs if credential in run.rotations]
    return next(filter(None, (_died_in(standing, generation) for standing in standings)), "")


def _died_in(standing: Standing, generation: int) -> str:
    """When a rotation saw a generation refused: its old one, or a candidate that was taken back or rejected.

    One that came before its old one was dead when it began."""
    if generation == standing.from_generation:
        return standing.proven if standing.reached(State.PROVEN_DEAD) else ""
    if generation == standing.to_generation:
        return standing.ended if standing.state in (State.ABORTED, State.ROLLED_BACK) else ""
    return standing.opened if generation < standing.to_generation else ""


def is_past(time: str, now: datetime) -> bool:
    """Whether a time of a journal is over; none never is, and a day without an hour is over when the next one begins."""
    if len(time) == len("2031-02-28"):
        return time < now.date().isoformat()
    return bool(time) and datetime.fromisoformat(time) < now


def minute(time: str) -> str:
    """A time of a journal as people read it."""
    return f"{time[:16].replace('T', ' ')} UTC" if "T" in time else time


def clock(seconds: float) -> str:
    """A length of time as people read it: days, hours, minutes and seconds, of these the two greatest."""
    words: list[str] = []
    left = int(seconds)
    for name, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= length or (name == "s" and not words):
            words.append(f"{left // length} {name}")
            left %= length
    return " ".join(words[:2])
