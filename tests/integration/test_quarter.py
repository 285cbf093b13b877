"""A whole quarter under load, with a person at the terminal: every old value dies, every process runs on the new one, and nobody
notices."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from outages import Sample, outages, unexplained

from tests.integration import authorities, promises, timeline
from tests.integration.hosts import ENV_FILES, SERVICES
from tests.integration.lab import Done, Lab
from tests.integration.values import Value

RATE = 20
TWO_INSTANCES = ("website", "website-reports")
"""What two instances answer: over a credential with two values valid, and over one that is cut."""
MOST = {"mas-orchestrator": 3, "website-blue": 2, "website-green": 2}
"""Starts in a quarter, where one is not enough: to accept, switch and drop; to hold a next value, and to switch."""
NEEDS = ("mas-orchestrator", "mas-agent", "mycorrhizae-api")
"""The services whose answers need mindex-api's."""


@dataclass
class Quarter:
    """One run of `rotate --quarter`, and what was there before it."""

    lab: Lab
    before: dict[str, Value]
    plan: dict[str, Any]
    began: float
    done: Done
    other: Done
    after: dict[str, Value]
    report: dict[str, Any]
    files: dict[tuple[str, str], bytes] = field(repr=False)

    @property
    def ended(self) -> float:
        """When it was over, in seconds since 1970: tests restart services too."""
        return self.began + self.done.seconds

    def failures(self, service: str) -> list[Any]:
        """The requests to a service that failed, as the traffic generator knows them."""
        return [Sample(**one) for one in self.report["failures"] if one["service"] == service]

    def planned(self, service: str) -> dict[str, Any]:
        """What the plan said of a service."""
        return next(one for one in self.plan["restarts"] if one["service"] == service)


@pytest.fixture(scope="module")
def quarter(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    """Rotate everything while every service is asked, and while a second operator tries to deploy."""
    report = tmp_path_factory.mktemp("traffic") / "report.json"
    before = lab.current()
    plan = lab.run("plan", "--quarter", "Q2", "--json").json()
    files = {(host, path): lab.hosts[host].read(path) for host, paths in ENV_FILES.items() for path in paths}
    began = time.time()
    with lab.sampler.sampling():
        running = lab.begin_under_traffic(report, "rotate", "--quarter", "Q2", "--yes")
        running.until("verify")
        other = lab.run("deploy", status=None)
        done = running.end(900)
    return Quarter(lab, before, plan, began, done, other, lab.current(), json.loads(report.read_text()), files)


def test_every_credential_is_closed(quarter: Quarter) -> None:
    assert quarter.done.status == 0, quarter.done.told
    assert f"{len(quarter.before)} of {len(quarter.before)} closed" in quarter.done.stdout, quarter.done.told
    assert {one["state"] for one in quarter.lab.run("status", "--json").json()} == {"CLOSED"}


def test_every_running_process_holds_the_new_value(quarter: Quarter) -> None:
    promises.processes_hold(quarter.lab, quarter.after)


@pytest.mark.parametrize("credential", sorted(authorities.REFUSED))
def test_new_is_accepted_random_and_old_are_refused(quarter: Quarter, credential: str) -> None:
    old, new = quarter.before[credential], quarter.after[credential]
    assert (new.generation, new.text != old.text) == (old.generation + 1, True)
    promises.refused(quarter.lab, [new], random=True)
    promises.accepted(quarter.lab, [new])
    promises.refused(quarter.lab, [old])


def test_a_token_without_signature_is_refused(quarter: Quarter) -> None:
    unsigned = authorities.token(quarter.after["jwt_mas"].text, algorithm="none")
    assert authorities.status(quarter.lab.port(8001), "/whoami", {"Authorization": f"Bearer {unsigned}"}) == "401"


def test_no_session_of_an_old_role_is_left(quarter: Quarter) -> None:
    promises.no_session_of(quarter.lab, quarter.before.values())


def test_the_old_redis_passwords_stay_dead_when_redis_restarts(quarter: Quarter) -> None:
    names = [name for name in quarter.after if name.startswith("redis_")]
    quarter.lab.hosts["mindex"].systemctl("restart", "redis-server.service")
    promises.accepted(quarter.lab, [quarter.after[name] for name in names])
    promises.refused(quarter.lab, [quarter.before[name] for name in names])
    promises.healthy(quarter.lab)


def test_the_old_tokens_and_keys_stay_dead_when_the_services_that_list_them_restart(quarter: Quarter) -> None:
    quarter.lab.hosts["mindex"].systemctl("restart", "mindex-api.service")
    quarter.lab.hosts["mas"].systemctl("restart", "mas-orchestrator.service")
    promises.healthy(quarter.lab)
    promises.accepted(quarter.lab, [quarter.after[name] for name in ("mindex_service_token", "jwt_mas")])
    promises.refused(quarter.lab, [quarter.before[name] for name in ("mindex_service_token", "jwt_mas")])


@pytest.mark.parametrize("service", TWO_INSTANCES)
def test_what_has_two_instances_answers_every_request(quarter: Quarter, service: str) -> None:
    asked, fresh = quarter.report["requests"][service], quarter.report["fresh"][service]
    assert asked > RATE * quarter.done.seconds * 0.9
    assert 0.4 < fresh / asked < 0.6, "not half of them over new logins and half over pooled connections"
    assert quarter.failures(service) == []


@pytest.mark.parametrize("service", ["mindex-api", *NEEDS])
def test_a_single_instance_fails_only_while_it_restarts(quarter: Quarter, service: str) -> None:
    assert quarter.report["requests"][service] > RATE * quarter.done.seconds * 0.9
    windows = timeline.restarts(quarter.lab, service, quarter.began)
    if service in NEEDS:
        windows += timeline.restarts(quarter.lab, "mindex-api", quarter.began)
    windows = [window for window in windows if window.begun < quarter.ended]
    outside = unexplained(quarter.failures(service), windows)
    assert outside == [], windows
    seen = list(outages(quarter.failures(service)))
    assert len(seen) <= len(windows)
    assert all(outage.seconds < 3 for outage in seen), seen
    assert all(window.ended - window.begun < 3 for window in windows), windows


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_as_often_as_the_plan_said(quarter: Quarter, service: str) -> None:
    planned, most = quarter.planned(service), MOST.get(service, 1)
    assert planned["count"] <= most
    assert timeline.starts(quarter.lab, service, quarter.began, quarter.ended) == planned["count"]
    assert timeline.reloads(quarter.lab, service, quarter.began, quarter.ended) == planned["reloads"]


def test_a_second_operator_is_told_who_holds_the_fleet_since_when(quarter: Quarter) -> None:
    assert quarter.other.status == 7, quarter.other.told
    assert "`mycoops rotate`, since 20" in quarter.other.stderr, quarter.other.told
    assert "process" in quarter.other.stderr, quarter.other.told


@pytest.mark.parametrize(("host", "path"), [(host, path) for host, paths in ENV_FILES.items() for path in paths])
def test_what_mycoops_does_not_manage_survives_byte_for_byte(quarter: Quarter, host: str, path: str) -> None:
    now = quarter.lab.hosts[host].read(path)
    was = quarter.files[host, path]
    assert promises.unmanaged(quarter.lab, host, path, now) == promises.unmanaged(quarter.lab, host, path, was)
    first = promises.unmanaged(quarter.lab, host, path, promises.source_of(path).read_bytes())
    left = iter(line.rstrip(b"\r\n") for line in now.splitlines())
    assert [line for line in first if line.rstrip(b"\r\n") not in left] == []


def test_the_rotation_log_names_every_credential_and_every_item_that_does_not_apply(quarter: Quarter) -> None:
    text = (quarter.lab.fleet / "docs" / "SECRET_ROTATION_LOG.md").read_text()
    reasons = promises.catalogue(quarter.lab)["mycoops_not_applicable"].values()
    assert [words for words in [*quarter.before, *reasons] if words not in text] == [], text
