"""`deploy` brings a host to what the vault says and touches nothing that is there already."""

from __future__ import annotations

import time

import pytest

from tests.integration import promises, timeline
from tests.integration.hosts import ENV_FILES, SERVICES
from tests.integration.lab import Lab


def pids(lab: Lab) -> dict[str, str]:
    """The main process of every service."""
    return {service: lab.hosts[host].pid_of(service) for service, (host, _) in SERVICES.items()}


def files(lab: Lab) -> dict[str, bytes]:
    """Every env file, byte for byte, with its owner, mode and time of change."""
    found: dict[str, bytes] = {}
    for host, paths in ENV_FILES.items():
        for path in paths:
            found[f"{host}:{path}"] = lab.hosts[host].read(path) + lab.hosts[host].text("stat", "-c", "%U %a %Y", path).encode()
    return found


def test_a_second_deploy_changes_and_restarts_nothing(lab: Lab) -> None:
    promises.processes_hold(lab, lab.current())
    before = (pids(lab), files(lab))
    told = lab.run("deploy", "--json").json()
    assert [one["changed"] for one in told] == [False, False, False]
    assert (pids(lab), files(lab)) == before


def test_a_check_says_what_would_change_and_changes_nothing(lab: Lab) -> None:
    path = "/etc/mycosoft/mas-agent.env"
    right = lab.hosts["mas"].read(path)
    lab.hosts["mas"].write(path, right.replace(b"\nMINDEX_TOKEN=", b"\nMINDEX_TOKEN=stale-"))
    try:
        before = (pids(lab), files(lab))
        done = lab.run("deploy", "--check", "--json")
        changed = {one["host"]: [file["path"] for file in one["files"] if file["changed"]] for one in done.json()}
        assert changed == {"mindex": [], "mas": [path], "sandbox": []}, done.told
        assert (pids(lab), files(lab)) == before
    finally:
        lab.run("deploy")
    assert lab.hosts["mas"].read(path) == right


def test_redeploy_restarts_the_consumers_of_one_credential_and_no_other(lab: Lab) -> None:
    before, started = pids(lab), float(lab.hosts["mas"].text("date", "+%s.%N"))
    lab.run("redeploy", "postgresql_mas")
    changed = {service for service, pid in pids(lab).items() if pid != before[service]}
    assert changed == {"mas-orchestrator"}
    assert timeline.starts(lab, "mas-orchestrator", started, time.time()) == 1
    promises.processes_hold(lab, lab.current())


@pytest.mark.parametrize(("host", "path", "unterminated"), [("mas", "/etc/mycosoft/mas-agent.env", b"LAST=1")])
def test_a_variable_added_after_a_line_without_an_end_does_not_glue_to_it(
    lab: Lab, host: str, path: str, unterminated: bytes
) -> None:
    lines = [line for line in lab.hosts[host].read(path).splitlines(keepends=True) if not line.startswith(b"MINDEX_TOKEN=")]
    lab.hosts[host].write(path, b"".join(lines) + unterminated)
    lab.run("deploy")
    after = lab.hosts[host].read(path).splitlines(keepends=True)
    assert after[: len(lines) + 1] == [*lines, unterminated + b"\n"]
    assert after[-1].startswith(b"MINDEX_TOKEN=")
    promises.processes_hold(lab, lab.current())
    promises.healthy(lab)


def test_a_container_that_somebody_restarted_with_an_old_environment_is_made_anew(lab: Lab) -> None:
    sandbox = lab.hosts["sandbox"]
    sandbox.call("podman", "rm", "-f", "mycorrhizae-api")
    stale = ("--env", "DATABASE_URL=postgresql://nobody@mindex:5432/website", "--env", "MINDEX_TOKEN=stale")
    run = ("--detach", "--name", "mycorrhizae-api", "--network", "host")
    sandbox.call("podman", "run", *run, *stale, "localhost/mycorrhizae-api:lab", "python3", "/opt/lab/services/mycorrhizae_api.py")
    done = lab.run("deploy", "--json")
    restarted = [service["name"] for one in done.json() for service in one["services"] if service["restarted"]]
    assert restarted == ["mycorrhizae-api"], done.told
    promises.processes_hold(lab, lab.current())
