"""One server for all tests of a process, empty at the beginning of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.server import Providers


@pytest.fixture(scope="session")
def running() -> Iterator[Providers]:
    server = Providers()
    try:
        yield server
    finally:
        said = server.stop()
    assert said == "", "a server that says something about requests may say a value"


@pytest.fixture
def providers(running: Providers) -> Providers:
    running.ask("POST", "/reset")
    return running
