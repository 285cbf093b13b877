"""A value that was put where it must not be is found by the next command, on every channel of real hosts, until it is dead."""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration import promises
from tests.integration.lab import MYCOOPS, Done, Lab
from tests.integration.values import Value

LEAK = 9
SLEEP = "import time; time.sleep(300)"
Planted = dict[tuple[str, str], str]
"""Where a value was put, by host and place: whose value it is."""


def found(lab: Lab) -> Planted:
    """What the newest journal says was found."""
    newest = max((lab.fleet / "journal").glob("*.jsonl"))
    records = [json.loads(line) for line in newest.read_text().splitlines()]
    return {(one["host"], one["place"]): one["credential"] for one in records if one["event"] == "leak"}


def told_without(values: list[Value], lab: Lab, done: Done) -> None:
    """Neither the command nor its journal says a value."""
    text = done.told + max((lab.fleet / "journal").glob("*.jsonl")).read_text()
    assert [str(value) for value in values if value.text in text] == []


def spoil(lab: Lab, *values: Value) -> None:
    """From now on nobody may expect these to be nowhere."""
    lab.spoilt |= {(value.credential, value.generation) for value in values}


@contextmanager
def process(**environment: str) -> Iterator[None]:
    """A process of the control node that shows something."""
    running = subprocess.Popen([sys.executable, "-c", SLEEP, *environment.pop("argv", "").split()], env=environment)
    try:
        yield
    finally:
        running.kill()
        running.wait()


def on_mas(lab: Lab, value: Value, other: str) -> Planted:
    """Every channel of a consumer's host; beside each of them a value that nobody knows."""
    mas, planted = lab.hosts["mas"], {}
    encodings: dict[str, Callable[[str], str]] = {
        "/tmp/planted": str,
        "/tmp/deep/planted": lambda text: base64.b64encode(f"mas:{text}".encode()).decode(),
        "/var/tmp/planted": lambda text: quote(f"redis://{text}", safe=""),
        "/root/.ansible/tmp/planted": json.dumps,
        "/home/deploy/.ansible/tmp/ansible-tmp-1/planted": lambda text: text.encode().hex(),
    }
    for path, encode in encodings.items():
        mas.put(path, f"x={encode(value.text)}\n".encode())
        mas.put(f"{path}-other", f"x={encode(other)}\n".encode())
        planted["mas", path] = value.credential
    for text in (value.text, other):
        detached = f"read v; setsid python3 -c '{SLEEP}' --password=$v >/dev/null 2>&1 </dev/null & echo $!"
        mas.call("sh", "-c", detached, stdin=f"{text}\n".encode())
    pid = mas.text("sh", "-c", "pgrep -f 'time.sleep.300. --password=' | head -1")
    planted["mas", f"the arguments of python3 (process {pid})"] = value.credential
    return planted


def while_it_runs(lab: Lab, value: Value, other: str) -> Planted:
    """What counts only if it was written since the run began: logs and the system's journal."""
    mas = lab.hosts["mas"]
    for name, text in (("planted.log", value.text), ("planted-other.log", other)):
        mas.put(f"/var/log/{name}", f"x={text}\n".encode())
        mas.call("logger", "--tag", "planted", stdin=f"a line with {text}\n".encode())
    return {("mas", "/var/log/planted.log"): value.credential}


def on_mindex(lab: Lab, password: Value, other: str) -> Planted:
    """The server logs of the authorities' host: PostgreSQL writes a statement down as it came."""
    mindex = lab.hosts["mindex"]
    for text in (password.text, other):
        mindex.sql(f"CREATE ROLE planted; ALTER ROLE planted PASSWORD '{text}'; DROP ROLE planted;")
    mindex.call("sh", "-c", "cat >> /var/log/redis/redis-server.log", stdin=f"# {password.text}\n# {other}\n".encode())
    logs = mindex.text("sh", "-c", "ls /var/log/postgresql/*.log").split()
    return {("mindex", path): password.credential for path in [*logs, "/var/log/redis/redis-server.log"]}


def on_the_control_node(lab: Lab, value: Value, other: str, temporary: Path) -> Planted:
    """Where a run on this machine could have left something; one was killed."""
    killed = Path("/dev/shm/mycoops-planted/run001/artifacts/x")
    places = [temporary / "planted", lab.home / ".ansible" / "tmp" / "planted", killed / "stdout"]
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x={value.text}\n")
        path.with_name("other").write_text(f"x={other}\n")
    log = lab.fleet / "docs" / "SECRET_ROTATION_LOG.md"
    log.parent.mkdir(exist_ok=True)
    log.write_text(f"{log.read_text() if log.exists() else ''}\n{value.text}\n{other}\n")
    program = Path(sys.executable).name
    left = "the directory of this run/left-by-mycoops-planted/run001/artifacts/x/stdout"
    told = [*map(str, places[:2]), left, str(log), f"the arguments of {program}", f"the environment of {program}"]
    return {("", place): value.credential for place in told}


def clean(lab: Lab, temporary: Path) -> None:
    """Somebody has looked, and removed it everywhere."""
    mas, mindex = lab.hosts["mas"], lab.hosts["mindex"]
    mas.call("pkill", "-f", "time.sleep.300. --password=", check=False)
    mas.call("sh", "-c", "rm -rf /tmp/planted* /tmp/deep /var/tmp/planted* /root/.ansible /home/deploy/.ansible /var/log/planted*")
    mindex.call("sh", "-c", "for log in /var/log/postgresql/*.log /var/log/redis/*.log; do : > $log; done")
    for host in (mas, mindex):
        host.call("journalctl", "--sync")
        host.call("journalctl", "--rotate")
        host.call("journalctl", "--vacuum-time=1s")
    for place in (temporary, lab.home / ".ansible", Path("/dev/shm/mycoops-planted")):
        shutil.rmtree(place, ignore_errors=True)


@dataclass
class Found:
    """How the command ended that came after the planting, and what was planted where."""

    done: Done
    planted: Planted
    values: list[Value]
    temporary: Path


@pytest.fixture(scope="module")
def leaked(lab: Lab) -> Iterator[Found]:
    """Two values were put on every channel, beside ones that nobody knows, and the next command is an ordinary deploy."""
    value, password, other = lab.current()["redis_mas"], lab.current()["postgresql_mas"], secrets.token_urlsafe(32)
    spoil(lab, value, password)
    temporary = Path(tempfile.mkdtemp(dir="/tmp", prefix="planted-"))
    try:
        planted = {**on_mas(lab, value, other), **on_mindex(lab, password, other)}
        planted |= on_the_control_node(lab, value, other, temporary)
        with process(argv=f"--password={value.text}"), process(PLANTED=value.text), process(OTHER=other, argv=other):
            running = lab.begin("deploy")
            with running.held():
                planted |= while_it_runs(lab, value, other)
            done = running.end()
        assert done.status == LEAK, done.told
        yield Found(done, planted, [value, password], temporary)
    finally:
        clean(lab, temporary)


def test_every_channel_is_found_and_named_and_nothing_else(lab: Lab, leaked: Found) -> None:
    seen = found(lab)
    journald = {place for host, place in seen if host == "mas" and place.startswith("journald: ")}
    assert len(journald) == 1
    assert {key: name for key, name in seen.items() if key[1] not in journald} == leaked.planted
    told_without(leaked.values, lab, leaked.done)
    for words in ("redis_mas: generation", "postgresql_mas: generation", "EMERGENCY", "`mycoops rotate "):
        assert words in leaked.done.stderr, leaked.done.told


def test_the_emergency_stands_until_the_value_is_replaced_and_its_length_is_told(lab: Lab, leaked: Found) -> None:
    names = ["redis_mas", "postgresql_mas"]
    standing = {one["credential"]: one for one in lab.run("status", "--json").json()}
    assert [standing[name]["state"] for name in names] == ["EMERGENCY", "EMERGENCY"]
    assert [standing[name]["next"] for name in names] == [f"mycoops rotate {name}" for name in names]
    assert all(standing[name]["emergency_since"] for name in names)
    clean(lab, leaked.temporary)
    before = lab.current()
    done = lab.run("rotate", *names, "--yes")
    assert [f"exposure of {name} generation" in done.stdout for name in names] == [True, True], done.told
    assert re.search(r"^leak scan: .*mas.*mindex.*: nothing found", done.stdout, re.MULTILINE), done.told
    promises.rotated(lab, before, lab.current(), names)
    assert [lab.state_of(name) for name in names] == ["CLOSED", "CLOSED"]
    log = (lab.fleet / "docs" / "SECRET_ROTATION_LOG.md").read_text()
    assert re.search(r"- exposure of redis_mas generation \d+: .* to PROVEN_DEAD at ", log)
    assert re.search(r"- reason: .*emergency: redis_mas generation \d+ leaked", log)
    assert not [value for value in leaked.values if value.text in log]


def test_what_a_run_says_of_itself_is_searched_too(lab: Lab) -> None:
    """A person gives a value as the reason: it is then in the arguments of mycoops, in its journal and in its log."""
    value = lab.current()["jwt_mas"]
    spoil(lab, value)
    command = [str(MYCOOPS), "rotate", "jwt_mas", "--yes", "--reason", f"replaces {value.text}"]
    with lab.sampler.sampling():
        done = subprocess.run(command, env=lab.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == LEAK, done.stderr
    journal = max((lab.fleet / "journal").glob("*.jsonl"))
    log = lab.fleet / "docs" / "SECRET_ROTATION_LOG.md"
    assert {("", str(journal)), ("", str(log)), ("", "the arguments of mycoops")} <= found(lab).keys()
    assert value.text not in done.stdout + done.stderr
    lab.run("resume", status=LEAK)
    assert lab.state_of("jwt_mas") == "CLOSED"


def test_the_slow_log_of_redis_holds_no_password(lab: Lab) -> None:
    """It is not searched: the server leaves the arguments of a login out of it."""
    mindex, admin = lab.hosts["mindex"], lab.current()["redis_admin"]
    ask = 'read v; export REDISCLI_AUTH=$v; printf "%b" "$0" | redis-cli --user admin'

    def redis(commands: str) -> str:
        return mindex.call("sh", "-c", ask, commands, stdin=f"{admin.text}\n".encode()).stdout.decode().lower()

    assert "ok" in redis("CONFIG SET slowlog-log-slower-than 0\nCONFIG SET slowlog-max-len 4096\n")
    try:
        lab.run("rotate", "redis_mindex", "--yes")
        text = redis("SLOWLOG GET 4096\n")
        raw = mindex.call("sh", "-c", ask, "SLOWLOG GET 4096\n", stdin=f"{admin.text}\n".encode()).stdout.decode()
    finally:
        redis("CONFIG SET slowlog-log-slower-than 10000\nSLOWLOG RESET\n")
    assert "auth" in text, "no login was seen"
    assert "(redacted)" in text
    assert [value for value in lab.values.seen.values() if value.text in raw] == []
