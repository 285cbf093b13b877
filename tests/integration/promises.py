"""What a finished rotation promises, asked from outside: who accepts what, and what the running processes hold."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.integration import authorities
from tests.integration.authorities import ACCEPTED, DATABASES, ONE_ROLE, REFUSED
from tests.integration.hosts import SERVICES
from tests.integration.lab import Lab
from tests.integration.values import Value

Values = Mapping[str, Value]


def catalogue(lab: Lab) -> dict[str, Any]:
    """The declarations, read here."""
    return dict(yaml.safe_load((lab.fleet / "group_vars/all/catalogue.yml").read_text()))


def expected(lab: Lab, values: Values) -> dict[str, dict[str, str]]:
    """What the process of every service must have in its environment."""
    found: dict[str, dict[str, str]] = {name: {} for name in SERVICES}
    for name, declared in catalogue(lab)["mycoops_credentials"].items():
        for consumer in declared.get("consumers", []):
            for variable, form in consumer.get("env", {}).items():
                text = str(form).replace("<principal>", values[name].principal).replace("<value>", values[name].text)
                found[consumer["service"]][variable] = text
            found.get(consumer.get("service", ""), {}).update(dict.fromkeys(consumer.get("next", {}), ""))
    keys = values["jwt_mas"].text
    found["mas-orchestrator"]["JWT_VERIFY_KEYS"] = f'["{keys}"]'
    return found


def processes_hold(lab: Lab, values: Values) -> None:
    """Every running process was started with these values; the container's own environment says so too."""
    wrong: list[str] = []
    for service, wanted in expected(lab, values).items():
        host = lab.hosts[SERVICES[service][0]]
        held = host.environ(host.pid_of(service))
        wrong += [f"{service}: {name}" for name, text in wanted.items() if held.get(name) != text]
        if not SERVICES[service][1]:
            inside = host.text("podman", "exec", service, "env").splitlines()
            wrong += [f"{service}: {name} in the container" for name, text in wanted.items() if f"{name}={text}" not in inside]
    assert not wrong, f"not the present value: {', '.join(wrong)}"


def processes_hold_accepted(lab: Lab) -> None:
    """Whatever moment this is: each service does its work with a new login of its own."""
    healthy(lab)


def accepted(lab: Lab, values: Iterable[Value]) -> None:
    """The authorities accept these."""
    said = {repr(value): authorities.ask(lab, value) for value in values}
    wrong = {name: answers for name, answers in said.items() if set(answers) != {ACCEPTED}}
    assert not wrong, f"must be accepted: {wrong}"


def refused(lab: Lab, values: Iterable[Value], *, random: bool = False) -> None:
    """The authorities refuse these (or random ones in their place), each with its own word for a wrong credential."""
    wrong = {}
    for value in values:
        answers = authorities.ask(lab, value, authorities.random_for(value) if random else "")
        if set(answers) != {REFUSED[value.credential]}:
            wrong[repr(value)] = answers
    assert not wrong, f"{'a random value' if random else 'it'} must be refused: {wrong}"


def no_session_of(lab: Lab, values: Iterable[Value]) -> None:
    """No session of these PostgreSQL roles is left at the server; a role that stays has those of its new password."""
    names = ", ".join(f"'{value.principal}'" for value in values if value.credential in DATABASES and value.credential != ONE_ROLE)
    if names:
        left = lab.hosts["mindex"].sql(f"SELECT usename, count(*) FROM pg_stat_activity WHERE usename IN ({names}) GROUP BY 1")
        assert left == "", left


def healthy(lab: Lab, seconds: float = 15) -> None:
    """Every service does its work with new connections."""
    ports = {"mas-orchestrator": (8001, "/items?fresh=1"), "mas-agent": (8002, "/work?fresh=1")}
    ports |= {"website": (8080, "/api/items?fresh=1"), "mycorrhizae-api": (8003, "/items?fresh=1")}
    ports |= {"website-reports": (8080, "/api/reports?fresh=1")}
    deadline = time.monotonic() + seconds
    while wrong := {n: s for n, (port, path) in ports.items() if (s := authorities.status(lab.port(port), path, {})) != ACCEPTED}:
        assert time.monotonic() < deadline, wrong
        time.sleep(0.2)


def rotated(lab: Lab, old: Values, new: Values, names: Iterable[str]) -> None:
    """All of it, for the credentials named."""
    names = list(names)
    for name in names:
        assert new[name].generation > old[name].generation
        assert new[name].text != old[name].text
    processes_hold(lab, new)
    accepted(lab, new.values())
    refused(lab, [old[name] for name in names])
    no_session_of(lab, [old[name] for name in names])
    healthy(lab)


def unmanaged(lab: Lab, host: str, path: str, content: bytes) -> list[bytes]:
    """The lines of an env file that are none of mycoops' business, each with its own line end."""
    managed: set[str] = set()
    declared = catalogue(lab)
    for name, service in declared["mycoops_services"].items():
        files = [service["env_file"], *service.get("extra_env_files", [])]
        if service["host"] == host and any(file["path"] == path for file in files):
            for credential in declared["mycoops_credentials"].values():
                mine = [consumer for consumer in credential.get("consumers", []) if consumer.get("service") == name]
                managed |= {v for c in mine for v in (*c.get("env", {}), *c.get("next", {}))}
                managed |= (
                    set(credential["authority"].get("accepts", {}))
                    if name in credential["authority"].get("services", [])
                    else set()
                )
    pattern = re.compile(rb"\s*(export\s+)?(" + "|".join(sorted(managed)).encode() + rb")\s*=")
    return [line for line in content.splitlines(keepends=True) if not pattern.match(line)]


def source_of(path: str) -> Path:
    """What an env file of the lab held before mycoops first saw it."""
    names = {
        "/home/mycosoft/mindex/.env": "mindex.env",
        "/etc/mycosoft/mindex-tokens.env": "mindex-tokens.env",
        "/home/mycosoft/mycosoft/mas/.env": "mas.env",
        "/etc/mycosoft/mas-agent.env": "mas-agent.env",
        "/opt/mycosoft/website/.env": "website.env",
        "/opt/mycosoft/.env": "mycorrhizae.env",
    }
    return Path(__file__).resolve().parents[2] / "lab" / "env" / names[path]
