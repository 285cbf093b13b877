"""A kill between what a provider made and its writing, on the lab: whatever was made, nothing is left there that nobody holds."""

from __future__ import annotations

import time

from tests.integration import promises
from tests.integration.lab import Lab
from tests.integration.providers import Console

NAME = "cloudflare"


def test_a_kill_between_what_a_provider_made_and_its_writing_leaves_no_orphan(lab: Lab) -> None:
    console, before = Console(lab), lab.current()
    count = len(console.names(NAME))
    console.ask("POST", f"/{NAME}/switches", switch="lost_reply", method="POST", seconds=60)
    running = lab.begin("rotate", NAME, "--yes")
    deadline = time.monotonic() + 120
    while len(console.names(NAME)) == count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.kill()
    console.ask("DELETE", f"/{NAME}/switches")
    assert lab.values.candidates(NAME) == [], "what was made is known to nobody"
    done = lab.run("resume")
    assert lab.state_of(NAME) == "CLOSED", done.told
    assert len(console.names(NAME)) == count
    promises.rotated(lab, before, lab.current(), [NAME])
