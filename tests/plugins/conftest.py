"""Fixtures of the host side: a host in a temporary directory and a health endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_host import Health, Host, process


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host whose processes end with the test."""
    made = Host(tmp_path)
    monkeypatch.setattr(process, "command", made.command)
    yield made
    for unit in [*made.units.values(), *made.containers.values()]:
        unit.stop()


@pytest.fixture
def health() -> Iterator[Health]:
    """A health endpoint for one test."""
    made = Health()
    yield made
    made.server.shutdown()
    made.server.server_close()
