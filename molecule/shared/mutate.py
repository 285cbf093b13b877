"""Breaks one promise of a role in a copy of the checkout, and sees its scenario fail; arguments are roles, default all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MUTATIONS = ROOT / "molecule" / "mutations.yml"
SIGNS = ("AssertionError", "Error: ", "FAILED", "fatal: ", "ERROR ")
"""How a line begins, or what stands in one, that says what failed."""


def mutations() -> dict[str, dict[str, str]]:
    """Role → `promise`, `file` below the role, and what is replaced in it: `old` by `new`."""
    return dict(yaml.safe_load(MUTATIONS.read_text(encoding="utf-8")))


def mutate(root: Path, role: str, change: dict[str, str]) -> None:
    """Make the change below `root`. Raises ValueError if the text is not there exactly once."""
    path = root / "roles" / role / change["file"]
    text = path.read_text(encoding="utf-8")
    if text.count(change["old"]) != 1 or change["old"] == change["new"]:
        raise ValueError(f"{path.relative_to(root)}: the text to replace stands there {text.count(change['old'])} times, not once")
    path.write_text(text.replace(change["old"], change["new"]), encoding="utf-8")


def play(role: str, change: dict[str, str] | None) -> tuple[int, str]:
    """The status and the output of a role's scenario in a copy of the checkout, with the change or as it is."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory(prefix="mutation-") as place:
        copy = Path(place)
        for name in filter(None, listed.split("\0")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
        if change:
            mutate(copy, role, change)
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": place}
        environment |= {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
        argv, both = ["molecule/run.sh", role], subprocess.STDOUT
        done = subprocess.run(argv, cwd=copy, env=environment, check=False, text=True, stdout=subprocess.PIPE, stderr=both)
    return done.returncode, done.stdout


def main(roles: list[str]) -> int:
    """Play each role's scenario with its change, and the first one unchanged, which has to pass."""
    known = mutations()
    if unknown := set(roles) - set(known):
        print(f"no mutation for {', '.join(sorted(unknown))}; there is one for {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = roles or list(known)
    status, output = play(chosen[0], None)
    if status:
        print(output, f"{chosen[0]}: its scenario fails without a change: nothing can be shown", sep="\n", file=sys.stderr)
        return 1
    survived = 0
    for role in chosen:
        status, output = play(role, known[role])
        survived += status == 0
        said = [line.strip() for line in output.splitlines() if any(sign in line for sign in SIGNS)]
        verdict = "SURVIVED" if status == 0 else "failed, as it must"
        print(f"{role}: {known[role]['promise']}: {verdict}: {said[-1][:160] if said else ''}", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
