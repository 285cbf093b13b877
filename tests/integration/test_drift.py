"""Whatever was changed by hand on a host is found and told apart, nothing is touched by that, and no value travels."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import promises
from tests.integration.hosts import Host
from tests.integration.lab import Lab
from tests.integration.test_crash import kill_in
from tests.integration.test_deploy import files, pids

AGENT, ORCHESTRATOR = "/etc/mycosoft/mas-agent.env", "/home/mycosoft/mycosoft/mas/.env"
INDEX, TOKENS = "/home/mycosoft/mindex/.env", "/etc/mycosoft/mindex-tokens.env"
WEBSITE, SHARED = "/opt/mycosoft/website/.env", "/opt/mycosoft/.env"
DROP_IN = "/etc/systemd/system/mas-orchestrator.service.d/50-mycoops.conf"
FENCE = "/var/lib/mycoops/fence.json"
CONTAINER = "mycorrhizae-api"
WIRE, KEEPER = "/run/wire", "/usr/local/bin/keeping-python"
Told = set[tuple[str, str, str, tuple[str, ...]]]


def told(lab: Lab, status: int = 8) -> Told:
    """What `drift --json` says: host, what, place and variables."""
    hosts = lab.run("drift", "--json", status=status).json()
    return {(one["host"], f["what"], f["place"], tuple(f["names"])) for one in hosts for f in one["findings"]}


def untouched(lab: Lab) -> dict[str, Any]:
    """Everything that a look could change: env files, processes, units, the state of the hosts and of this machine."""
    places = "etc/systemd/system var/lib/mycoops run/mycoops home opt/mycosoft etc/mycosoft"
    looks = f"cd / && find {places} -printf '%p %m %T@ %C@ %s\\n' | sort"
    state = {name: host.text("sh", "-c", f"({looks}) 2>/dev/null") for name, host in lab.hosts.items()}
    here = {str(path): path.read_bytes() for top in (lab.fleet, lab.state) for path in top.rglob("*") if path.is_file()}
    here.pop(str(lab.state / "drift.json"), None)  # the answer itself, kept for `metrics` and `remind`
    return {"processes": pids(lab), "files": files(lab), **state, **here}


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """What is not as it was."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_a_lab_as_it_was_deployed_has_no_drift_and_is_not_touched(lab: Lab) -> None:
    before = untouched(lab)
    done = lab.run("drift")
    assert done.stdout == "mindex, mas, sandbox: nothing differs\n", done.told
    assert told(lab, status=0) == set()
    assert changed(before, untouched(lab)) == set()


def edit(host: Host, path: str, change: Callable[[bytes], bytes]) -> None:
    """Edit a file as a person would; owner and mode stay."""
    before = host.read(path)
    after = change(before)
    assert after != before
    host.write(path, after)


def stale(name: bytes) -> Callable[[bytes], bytes]:
    """Puts something else in front of a value."""
    return lambda raw: raw.replace(b"\n" + name + b"=", b"\n" + name + b"=stale-")


def on_other_values(host: Host, unit: str, path: str, name: bytes) -> None:
    """Have a unit's process killed, started again by systemd on another file, and the file put back."""
    right, pid = host.read(path), host.show(unit, "MainPID")
    edit(host, path, stale(name))
    host.systemctl("kill", "--kill-whom=main", "--signal=KILL", unit)
    deadline = time.monotonic() + 30
    while host.show(unit, "MainPID") in ("0", pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert host.show(unit, "MainPID") not in ("0", pid)
    host.write(path, right)


def spoil(lab: Lab) -> Told:
    """What a deploy mends, each in its own way; returns what is to be found."""
    mindex, mas, sandbox = (lab.hosts[name] for name in ("mindex", "mas", "sandbox"))
    edit(mas, AGENT, stale(b"MINDEX_TOKEN"))
    mas.call("chmod", "0644", ORCHESTRATOR)
    edit(mas, DROP_IN, lambda raw: raw.replace(b"LimitCORE=0", b"LimitCORE=infinity"))
    edit(mindex, TOKENS, stale(b"MINDEX_API_TOKENS"))
    on_other_values(sandbox, "website@blue.service", WEBSITE, b"DATABASE_URL")
    other = ("--env", "DATABASE_URL=postgresql://nobody@mindex:5432/website", "--env", "MINDEX_TOKEN=stale")
    sandbox.call("podman", "rm", "-f", CONTAINER)
    run = ("podman", "run", "--detach", "--name", CONTAINER, "--network", "host", *other)
    sandbox.call(*run, "localhost/mycorrhizae-api:lab", "python3", "/opt/lab/services/mycorrhizae_api.py")
    return {
        ("mas", "value-differs", AGENT, ("MINDEX_TOKEN",)),
        ("mas", "process", "mas-agent.service", ("MINDEX_TOKEN",)),
        ("mas", "access", ORCHESTRATOR, ()),
        ("mas", "drop-in", DROP_IN, ()),
        ("mas", "daemon-reload", "mas-orchestrator.service", ()),
        ("mindex", "value-differs", TOKENS, ("MINDEX_API_TOKENS",)),
        ("mindex", "process", "mindex-api.service", ("MINDEX_API_TOKENS",)),
        ("sandbox", "process", "website@blue.service", ("DATABASE_URL",)),
        ("sandbox", "process", f"container {CONTAINER}", ("DATABASE_URL", "MINDEX_TOKEN")),
    }


def leave(lab: Lab) -> Told:
    """What no deploy takes away: a copy, another name, a value in a comment, a directory for all, a newer fence."""
    mindex, mas, sandbox = (lab.hosts[name] for name in ("mindex", "mas", "sandbox"))
    mas.call("cp", "-p", ORCHESTRATOR, f"{ORCHESTRATOR}.bak")
    token = lab.current()["mindex_service_token"].text.encode()
    edit(mindex, INDEX, lambda raw: raw.rstrip(b"\n") + b"\nLEGACY_TOKEN=" + token + b"\n")
    sandbox.call("chmod", "o+w", "/opt/mycosoft/website")
    edit(sandbox, FENCE, lambda raw: json.dumps(_lifted(json.loads(raw), "postgresql_website", 1)).encode())
    names = (
        "MAS_DATABASE_URL",
        "POSTGRES_USER",
        "POSTGRES_PASSWORD",
        "REDIS_URL",
        "MINDEX_TOKEN",
        "JWT_VERIFY_KEYS",
        "JWT_SIGNING_KEY",
    )
    return {
        ("mas", "copy", f"{ORCHESTRATOR}.bak", tuple(sorted(names))),
        ("mindex", "alias", INDEX, ("LEGACY_TOKEN",)),
        ("sandbox", "directory", "/opt/mycosoft/website", ()),
        ("sandbox", "fence-ahead", "postgresql_website", ()),
    }


def _lifted(fence: dict[str, Any], credential: str, by: int) -> dict[str, Any]:
    return {**fence, "generations": {**fence["generations"], credential: fence["generations"][credential] + by}}


def clear(lab: Lab) -> None:
    """Do what the findings say a person has to do."""
    lab.hosts["mas"].call("rm", "-f", f"{ORCHESTRATOR}.bak")
    mindex, sandbox = lab.hosts["mindex"], lab.hosts["sandbox"]
    mindex.write(INDEX, re.sub(rb"\nLEGACY_TOKEN=.*", b"", mindex.read(INDEX)))
    sandbox.call("chmod", "o-w", "/opt/mycosoft/website")


def test_everything_changed_by_hand_is_found_and_gone_after_a_deploy(lab: Lab) -> None:
    fence = lab.hosts["sandbox"].read(FENCE)
    try:
        expected = spoil(lab) | leave(lab)
        before = untouched(lab)
        found = {(host, what, place, tuple(sorted(names)) if what == "copy" else names) for host, what, place, names in told(lab)}
        assert found == expected
        table = lab.run("drift", status=8)
        assert changed(before, untouched(lab)) == set()
        assert "mycoops deploy --host mas" in re.sub(r"\s+", " ", table.stdout)
        assert [str(value) for value in lab.values.seen.values() if value.text in table.told] == []
    finally:
        clear(lab)
        lab.hosts["sandbox"].write(FENCE, fence)
    lab.run("deploy")
    assert told(lab, status=0) == set()
    promises.processes_hold(lab, lab.current())


def test_one_host_is_asked_alone_and_a_silent_one_is_told_beside_the_rest(lab: Lab, tmp_path: Path) -> None:
    edit(lab.hosts["mas"], AGENT, stale(b"REDIS_URL"))
    try:
        assert [one["host"] for one in lab.run("drift", "--host", "sandbox", "--json").json()] == ["sandbox"]
        fleet = tmp_path / lab.name
        shutil.copytree(lab.fleet, fleet)
        hosts = fleet / "hosts.yml"
        hosts.write_text(hosts.read_text().replace(f"ansible_port: {lab.ssh_port('mindex')}", "ansible_port: 9"))
        done = lab.run("drift", "--json", status=4, fleet=fleet)
        errors = {one["host"]: (one["error"], len(one["findings"])) for one in done.json()}
        assert errors["mindex"] == ("mindex cannot be reached over ssh: nobody listens there", 0)
        assert (errors["mas"], errors["sandbox"]) == (("", 2), ("", 0))
    finally:
        lab.run("deploy")


@pytest.fixture
def wire(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """The same fleet, with an interpreter on every host that keeps what it is sent, in memory."""
    fleet = tmp_path / lab.name
    shutil.copytree(lab.fleet, fleet)
    hosts = fleet / "hosts.yml"
    hosts.write_text(
        hosts.read_text().replace("ansible_python_interpreter: /usr/bin/python3", f"ansible_python_interpreter: {KEEPER}")
    )
    keeper = f'#!/bin/sh\numask 077\ntee -a {WIRE} | exec /usr/bin/python3 "$@"\n'
    for host in lab.hosts.values():
        host.put(KEEPER, keeper.encode(), mode="0755")
    yield fleet
    for host in lab.hosts.values():
        host.call("rm", "-f", WIRE, KEEPER)


def test_no_value_goes_to_a_host_but_with_a_delivery(lab: Lab, wire: Path) -> None:
    def sent() -> str:
        return "".join(host.read(WIRE).decode() for host in lab.hosts.values())

    values = list(lab.current().values())
    assert lab.run("drift", fleet=wire).stdout.endswith("nothing differs\n")
    assert '"digest"' in sent()
    assert [str(value) for value in lab.values.seen.values() if value.text in sent()] == []
    lab.run("deploy", "--check", fleet=wire)
    assert [str(value) for value in values if value.credential == "redis_mas" and value.text in sent()], "the control"


@pytest.mark.parametrize("move", ["stage", "soak", "prove"])
def test_in_the_middle_of_a_rotation_nobody_is_called_adrift(lab: Lab, move: str) -> None:
    kill_in(lab, move, 0.2, "rotate", "redis_mas", "postgresql_website", "--yes")
    try:
        done = lab.run("drift")
        assert "in rotation: " in done.stderr, done.told
        assert done.stdout == "mindex, mas, sandbox: nothing differs\n", done.told
    finally:
        lab.run("resume")
    assert told(lab, status=0) == set()
