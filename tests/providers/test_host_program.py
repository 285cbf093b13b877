"""What a kind will use to ask a provider, the program behind `mycoops_http`, over https with the authority's certificate."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.probes import BY_NAME, PROBES, VERSIONS, Probe
from tests.providers.server import ROOT, Providers

sys.path.insert(0, str(ROOT / "plugins" / "host_programs"))

import http_outcome


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("providers") / "ca.pem"


@pytest.fixture(scope="module")
def secured(ca_file: Path) -> Iterator[Providers]:
    server = Providers(ca_file=ca_file)
    try:
        yield server
    finally:
        assert server.stop() == ""


def outcome(server: Providers, probe: Probe, value: str, **more: Any) -> str:
    """The outcome by the rules that such a kind would declare."""
    place = f"/{probe.place}" if probe.place else ""
    request = {
        "url": f"{server.url}/{probe.provider}{place}{probe.path.format(value=value)}",
        "method": probe.method,
        "headers": {**VERSIONS, **probe.headers(value)},
        "body": "&".join(f"{name}={text.format(value=value)}" for name, text in probe.form.items()) or None,
        "outcomes": {"accepted": {"status": 200}, "refused": {"status": probe.refused}, "forbidden": {"status": 403}},
        **more,
    }
    return str(http_outcome.run(request)["outcome"])


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.provider)
def test_each_provider_gives_every_outcome_of_a_probe(secured: Providers, ca_file: Path, probe: Probe) -> None:
    secured.ask("POST", "/reset")
    value, trusted = probe.make(secured), {"ca_file": str(ca_file)}
    assert outcome(secured, probe, value, **trusted) == "accepted"
    assert outcome(secured, probe, probe.other(value), **trusted) == "refused"
    secured.switch(probe.provider, "forbid")
    assert outcome(secured, probe, value, **trusted) == "forbidden"
    secured.switch(probe.provider, "throttle")
    assert outcome(secured, probe, value, **trusted) == "throttled"
    secured.switch(probe.provider, "lost_reply")
    assert outcome(secured, probe, value, **trusted) == "unreachable"


def test_without_the_authority_nothing_is_sent(secured: Providers) -> None:
    secured.ask("POST", "/reset")
    probe = BY_NAME["github"]
    value = probe.make(secured)
    assert outcome(secured, probe, value) == "unreachable"
    assert secured.calls("github") == []
