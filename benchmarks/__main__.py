"""`python -m benchmarks`: boots the hosts, lets the contenders play, writes the table, removes the hosts whatever happens."""

from __future__ import annotations

import argparse
import fcntl
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import figures, machine, table
from benchmarks.contenders import Ansible, Contender, Mycoops, ParallelSsh
from benchmarks.fleet import NAME, Fleet
from benchmarks.rounds import Figure, play
from benchmarks.verify import NotDone
from mycoops import lab, rundir
from mycoops.secret import generate

README = Path(__file__).resolve().parent / "README.md"


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--hosts", type=_numbers, default=[1, 10, 25], help="how many hosts, as 1,10,25 (default)")
    parser.add_argument("--runs", type=int, default=3, help="rounds per number of hosts (default 3)")
    parser.add_argument("--forks", type=int, default=10, help="hosts at once, for every contender (default 10, as in a catalogue)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure there")
    parser.add_argument("--keep-readme", action="store_true", help="print the table only; for a try")
    return parser.parse_args(words)


def _numbers(text: str) -> list[int]:
    found = sorted({int(word) for word in text.split(",")})
    if not found or found[0] < 1 or found[-1] > 99:
        raise argparse.ArgumentTypeError("between 1 and 99 hosts")
    return found


@contextmanager
def alone() -> Iterator[None]:
    """Hold the hosts' names and ports; a second benchmark ends at once."""
    with (Path(tempfile.gettempdir()) / "mycoops-bench.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("another benchmark is running on this machine") from None
        yield


def measure(asked: argparse.Namespace, root: Path) -> list[Figure]:
    """Boot the most hosts that are needed, play every round on them, and remove them."""
    state, key = root / "state" / NAME, generate("ed25519").reveal()
    fleets = [Fleet(root / f"fleet{count}", state, count, asked.forks, key) for count in asked.hosts]
    for fleet in fleets:
        fleet.make()
    contenders: list[Contender] = [ParallelSsh(root / "ssh"), Mycoops(), Ansible(root / "ansible")]
    found: list[Figure] = []
    try:
        machine.boot(fleets[-1], state / "known_hosts")
        for fleet in fleets:
            for number in range(asked.runs):
                found += play(fleet, contenders, number, root / "log", print)
    finally:
        lab.down(fleets[-1].directory, progress=lambda _: None)
    return found


def main() -> None:
    """Run, tell, write."""
    asked = arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    described = machine.description()
    try:
        with alone(), rundir.private() as root:
            found = measure(asked, root)
    except NotDone as error:
        raise SystemExit(f"no figures: {error}") from None
    text = table.render(figures.rows(found), figures.verdicts(found), described, asked.forks)
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps({"machine": described, "figures": [one.as_dict() for one in found]}, indent=1))
    if not asked.keep_readme:
        README.write_text(table.splice(README.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
