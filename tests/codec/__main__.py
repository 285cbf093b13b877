"""Prints what each parser makes of the corpus: `python -m tests.codec`, with `--soak 100000` of as many random values."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Iterable, Iterator

from tests.codec import corpus, trial
from tests.codec.parsers import PARSERS, Parser

HEAD = "| parser | version | declared as | values | written | refused | misread | naive, misread |\n" + "|---" * 8 + "|"


def handfuls(number: int, seed: int) -> Iterator[list[str]]:
    """The corpus, or so many random values."""
    yield from trial.chunks(corpus.soak(number, seed) if number else corpus.corpus())


def row(parser: Parser, parts: Iterable[list[str]]) -> trial.Outcome:
    """One line of the table."""
    total: trial.Outcome | None = None
    for part in parts:
        total = trial.added(total, trial.alone(parser, part))
    assert total is not None
    people = corpus.secrets_of_people()
    share = len(trial.naive(parser, people).wrong) / len(people)
    cells = [parser.name, parser.version(), f"`{parser.reader}`", total.written + total.refused, total.written, total.refused]
    print("|", " | ".join(map(str, [*cells, len(total.wrong), f"{share:.0%}"])), "|", flush=True)
    return total


def together(number: int, seed: int) -> int:
    """One file for several readers, another set of them for each handful; how many values one of them misreads."""
    misread = written = 0
    for part in handfuls(number, seed):
        for group in trial.TOGETHER:
            outcomes = trial.shared(group, part)
            written += outcomes[0].written
            misread += len({value for outcome in outcomes for value in outcome.wrong})
    print(f"\n{len(trial.TOGETHER)} sets of readers of one file: {written} values written, {misread} misread by one of them")
    return misread


def main() -> int:
    """Print the table; 1 where a parser misreads anything."""
    asked = argparse.ArgumentParser(prog="python -m tests.codec", description=__doc__)
    asked.add_argument("--soak", type=int, default=0, metavar="N", help="random values instead of the corpus")
    asked.add_argument("--seed", type=int, default=None, help="of an earlier run, to repeat it")
    told = asked.parse_args()
    seed = secrets.randbits(32) if told.seed is None else told.seed
    began = time.monotonic()
    print(HEAD)
    misread = sum(len(row(parser, handfuls(told.soak, seed)).wrong) for parser in PARSERS) + together(told.soak, seed)
    print(f"{misread} misread; {time.monotonic() - began:.0f} s" + (f"; seed {seed}" if told.soak else ""))
    return 1 if misread else 0


if __name__ == "__main__":
    sys.exit(main())
