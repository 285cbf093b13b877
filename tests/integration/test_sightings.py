"""Who still tries a retired login is seen, by its host; who mistypes the one in force is not, nor are mycoops's own probes."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from hashlib import sha256
from typing import Any

import pytest
import redis
import yaml

from tests.integration.lab import MYCOOPS, Lab

POSTGRESQL, REDIS, VARIABLE = "postgresql_mas", "redis_probe", "PROBE_URL"
ADDRESS = {"host": "mindex", "admin": "redis_admin"}
OPTIONS = {"address": "mindex", "port": 6379, "aclfile": "/etc/redis/users.acl"}
RULES = ("resetpass", "~probe:*", "-@all", "+@connection", "+@read")
CLIENTS = {
    POSTGRESQL: """
import psycopg2
try:
    psycopg2.connect(host="mindex", dbname="mas", user=user, password=password, sslmode="disable").close()
    print("accepted")
except psycopg2.OperationalError:
    print("refused")
""",
    REDIS: """
import redis
try:
    redis.Redis(host="mindex", username=user, password=password).ping()
    print("accepted")
except redis.exceptions.ResponseError as error:
    print("refused" if "WRONGPASS" in str(error) else "something else")
""",
}
"""Clients of a host of the lab, with its own libraries; user and password come by standard input."""


def try_from(lab: Lab, host: str, credential: str, user: str, password: str) -> str:
    """One login from a host."""
    program = "import json, sys\nuser, password = json.load(sys.stdin)\n" + CLIENTS[credential]
    done = lab.hosts[host].call("python3", "-c", program, stdin=json.dumps([user, password]).encode())
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def pair(lab: Lab) -> Lab:
    """The lab's fleet with one more credential: a Redis login as two users, probe_a and probe_b. It stays, as its value does."""
    path = lab.fleet / "group_vars" / "all" / "catalogue.yml"
    declared = yaml.safe_load(path.read_text())
    declared["mycoops_services"]["mas-agent"]["reads"].append(VARIABLE)
    declared["mycoops_credentials"][REDIS] = {
        "kind": "redis",
        "category": "database_passwords",
        "principal": "probe",
        "authority": {**ADDRESS, "options": OPTIONS},
        "consumers": [{"service": "mas-agent", "env": {VARIABLE: "redis://<principal>:<value>@mindex:6379/0"}}],
    }
    path.write_text(yaml.safe_dump(declared, sort_keys=False))
    first = secrets.token_urlsafe(32)
    admin = lab.current()["redis_admin"]
    with redis.Redis(port=lab.port(6379), username="admin", password=admin.text) as server:
        server.execute_command("ACL", "SETUSER", "probe_a", "on", *RULES, f"#{sha256(first.encode()).hexdigest()}")
        server.execute_command("ACL", "SETUSER", "probe_b", "off", *RULES)
        server.execute_command("ACL", "SAVE")
    words = [str(MYCOOPS), "provide", REDIS, "--slot", "a"]
    subprocess.run(words, input=first, text=True, env=lab.environment(), check=True, capture_output=True)
    lab.remember()
    lab.run("deploy")
    return lab


def seen(lab: Lab, *words: str) -> dict[str, dict[str, Any]]:
    """What `status` says of the old logins of the two."""
    found = {one["credential"]: one["retired"] for one in lab.run("status", "--json", *words).json()}
    return {name: found[name] for name in (POSTGRESQL, REDIS)}


def test_a_login_with_an_old_value_is_seen_with_the_host_it_came_from(pair: Lab) -> None:
    lab, before = pair, pair.current()
    lab.run("rotate", POSTGRESQL, REDIS, "--yes")
    now = lab.current()
    assert {name: (before[name].principal, now[name].principal) for name in (REDIS,)} == {REDIS: ("probe_a", "probe_b")}
    found = seen(lab, "--ask")
    assert {name: one["sightings"] for name, one in found.items()} == {POSTGRESQL: [], REDIS: []}, "mycoops's own probes"

    time.sleep(2)
    for name in (POSTGRESQL, REDIS):
        assert try_from(lab, "sandbox", name, now[name].principal, now[name].text) == "accepted"
        assert try_from(lab, "sandbox", name, now[name].principal, secrets.token_urlsafe(32)) == "refused"
        assert try_from(lab, "mas", name, now[name].principal, before[name].text) == "refused"
    assert {name: one["sightings"] for name, one in seen(lab, "--ask").items()} == {POSTGRESQL: [], REDIS: []}, "the control"

    began = time.time()
    for name in (POSTGRESQL, REDIS):
        assert try_from(lab, "sandbox", name, before[name].principal, before[name].text) == "refused"
    done = lab.run("status", "--ask")
    found = seen(lab)
    for name in (POSTGRESQL, REDIS):
        assert (found[name]["generation"], found[name]["principal"]) == (before[name].generation, before[name].principal)
        (one,) = found[name]["sightings"]
        assert one["host"] == "sandbox", done.told
        assert one["count"] >= 1
        assert one["last"] >= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
        text = (
            f"{name}: old generation {before[name].generation} ({before[name].principal}) still tried from {one['address']}/sandbox"
        )
        assert text in done.stdout, done.told
        assert text in lab.run("status").stdout


def test_an_authority_that_cannot_be_asked_is_told_and_what_was_seen_stays(pair: Lab) -> None:
    lab, before = pair, seen(pair)[POSTGRESQL]
    host = lab.hosts["mindex"]
    host.sql("ALTER SYSTEM SET log_line_prefix = '%m [%p] '")
    host.sql("SELECT pg_reload_conf()")
    time.sleep(1)
    try:
        done = lab.run("status", "--ask", status=4)
    finally:
        host.sql("ALTER SYSTEM RESET log_line_prefix")
        host.sql("SELECT pg_reload_conf()")
    assert "log_line_prefix" in done.stderr, done.told
    assert before["sightings"]
    assert seen(lab)[POSTGRESQL] == before
