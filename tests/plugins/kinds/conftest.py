"""Real servers on loopback with throw-away data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kind_servers import Postgres, Redis, WebServer

from tests.providers.conftest import providers, running

__all__ = ["postgres", "providers", "redis_server", "running", "web"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    server = Redis()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    try:
        yield server
    finally:
        server.stop()
