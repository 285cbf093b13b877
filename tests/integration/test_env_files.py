"""A file that does not read as an env file is refused by its line, and stops nobody but its own credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration import promises
from tests.integration.lab import Lab

PATH = "/opt/mycosoft/.env"
TOKEN = b"a-bare-token-on-a-line-of-its-own"
CREDENTIALS = ("postgresql_website", "postgresql_mindex_api")


@pytest.fixture
def malformed(lab: Lab) -> Iterator[bytes]:
    """A bare token on a line of its own, which `source .env` would run as a command."""
    right = lab.hosts["sandbox"].read(PATH)
    lines = right.splitlines(keepends=True)
    wrong = b"".join([*lines[:2], TOKEN + b"\n", *lines[2:]])
    lab.hosts["sandbox"].write(PATH, wrong)
    yield wrong
    lab.hosts["sandbox"].write(PATH, lab.hosts["sandbox"].read(PATH).replace(TOKEN + b"\n", b""))


def test_a_malformed_file_is_named_by_its_line_and_the_others_close(lab: Lab, malformed: bytes) -> None:
    before = lab.current()
    done = lab.run("rotate", *CREDENTIALS, "--yes", status=4)
    assert f"{PATH}:3" in done.stderr, done.told
    assert TOKEN.decode() not in done.told
    assert lab.hosts["sandbox"].read(PATH) == malformed
    assert lab.state_of("postgresql_mindex_api") == "CLOSED", done.told
    promises.refused(lab, [before["postgresql_mindex_api"]])
    promises.accepted(lab, [before["postgresql_website"]])

    lab.hosts["sandbox"].write(PATH, malformed.replace(TOKEN + b"\n", b""))
    lab.run("resume")
    assert lab.state_of("postgresql_website") == "CLOSED"
    promises.rotated(lab, before, lab.current(), CREDENTIALS)


def test_deploy_refuses_it_too_and_names_the_line(lab: Lab, malformed: bytes) -> None:
    done = lab.run("deploy", status=4)
    assert f"{PATH}:3" in done.stdout.replace("\n", ""), done.told
    assert TOKEN.decode() not in done.told
    assert lab.hosts["sandbox"].read(PATH) == malformed
