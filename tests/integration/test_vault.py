"""The vault is given another password in the middle of a rotation, and values by hand, and the hosts never notice."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from mycoops.values import scram_verifier
from tests.integration import promises
from tests.integration.lab import Lab

ONE, OTHER = "redis_mas", "postgresql_mas"


@pytest.fixture
def editor(lab: Lab) -> Iterator[Path]:
    """A program that writes what lies beside it into the file it is given."""
    program = lab.home / "editor"
    program.write_text('#!/bin/sh\ncat "$(dirname "$0")/typed" > "$1"\n')
    program.chmod(0o700)
    yield program
    for name in ("editor", "typed"):
        (lab.home / name).unlink(missing_ok=True)


def test_a_rotation_goes_on_under_another_password(lab: Lab) -> None:
    before, old = lab.current(), lab.values.password
    running = lab.begin("rotate", ONE, "--yes")
    running.until("soak:")
    lab.run("vault", "rekey", "--generate", status=7)
    running.kill()
    done = lab.run("vault", "rekey", "--generate", "--json").json()
    assert (done["changed"], done["source"], done["left"]) == (True, "file", [])
    assert lab.values.password != old
    assert {name: value.text for name, value in lab.current().items()} == {name: value.text for name, value in before.items()}
    lab.run("resume")
    promises.rotated(lab, before, lab.current(), [ONE])
    kept = {one["credential"]: one for one in lab.run("vault", "list", "--json").json()}
    assert (kept[ONE]["generation"], kept[ONE]["candidates"], kept[ONE]["old"]) == (lab.current()[ONE].generation, [], [])
    listed = lab.run("deploy", "--json").json()
    assert not [file for host in listed for file in host["files"] if file["changed"]], "the hosts have what they had"


def test_a_value_that_was_changed_without_mycoops_is_edited_and_comes_to_its_consumers(lab: Lab, editor: Path) -> None:
    before, new = lab.current()[OTHER], secrets.token_urlsafe(32)
    change = f"ALTER ROLE {before.principal} PASSWORD '{scram_verifier(new)}';"
    lab.hosts["mindex"].call("runuser", "-u", "postgres", "--", "psql", "-q", stdin=change.encode())
    (editor.parent / "typed").write_text(new)
    done = lab.begin("vault", "edit", OTHER, "--reason", "changed on the server", EDITOR=str(editor)).end()
    assert done.status == 0, done.told
    after = lab.current()[OTHER]
    assert (after.text, after.generation, after.principal) == (new, before.generation + 1, before.principal)
    assert after.text not in done.told
    lab.run("redeploy", OTHER)
    promises.accepted(lab, [after])
    lab.run("rotate", OTHER, "--yes")
    promises.rotated(lab, {OTHER: after}, lab.current(), [OTHER])
    kept = {one["credential"]: one for one in lab.run("vault", "list", "--json").json()}
    assert kept[OTHER]["old"] == [], "what was kept is forgotten with the rotation after it"
