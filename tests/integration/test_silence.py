"""No value, in clear or encoded, is anywhere but where it is meant to be: looked for after everything else has run."""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration import canary
from tests.integration.canary import Canary
from tests.integration.lab import Lab

CLEAR = "in clear"
ENCODED = {
    CLEAR: lambda text: text,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 behind one byte": lambda text: base64.b64encode(f":{text}".encode()).decode(),
    "in base64 behind two bytes": lambda text: base64.b64encode(f"u:{text}:w".encode()).decode(),
    "URL-escaped": lambda text: quote(text, safe=""),
}


@pytest.fixture(scope="module")
def values(lab: Lab) -> Canary:
    """Every value there was in this session, and the vault's password; at least one rotation has been watched."""
    if not lab.values.seen or not lab.sampler.seen or len({number for _, number in lab.values.seen}) < 2:
        lab.run("rotate", "redis_mas", "mindex_service_token", "--yes")
    texts = [value.text for label, value in lab.values.seen.items() if label not in lab.spoilt]
    assert len(texts) > len(lab.current())
    return Canary([*texts, lab.values.password])


def test_no_command_has_said_a_value(lab: Lab, values: Canary) -> None:
    loud = [" ".join(done.arguments) for done in lab.said if values.in_bytes(done.told.encode())]
    assert loud == []


def test_no_process_has_shown_a_value_in_its_arguments_or_its_environment(lab: Lab, values: Canary) -> None:
    assert lab.sampler.looks > 100
    seen = [look.partition(b": ")[0].replace(b"\0", b" ").decode() for look in lab.sampler.seen if values.in_bytes(look)]
    assert seen == []


def test_the_control_node_holds_a_value_only_encrypted(lab: Lab, values: Canary) -> None:
    password = str(lab.state / "vault-password")
    found = values.in_files(lab.home, lab.state_root, lab.fleet, *map(Path, canary.CONTROLLER))
    assert [path for path in found if path != password] == []


@pytest.mark.parametrize("host", ["mindex", "mas", "sandbox"])
def test_a_host_holds_a_value_only_where_it_is_read(lab: Lab, values: Canary, host: str) -> None:
    assert canary.where_it_must_not_be(values, host, lab.hosts[host]) == []
    assert not values.in_journal(lab.hosts[host])


@pytest.mark.parametrize("form", ENCODED)
def test_the_search_finds_a_planted_value(lab: Lab, tmp_path: Path, form: str) -> None:
    text = f"{secrets.token_urlsafe(24)}+/{secrets.token_urlsafe(8)}"
    planted, looking, mas = ENCODED[form](text), Canary([text]), lab.hosts["mas"]
    (tmp_path / "artifact.json").write_text(f'{{"stdout": "postgresql://u:{planted}@h"}}')
    assert looking.in_files(tmp_path) == [str(tmp_path / "artifact.json")]
    for path in ("/var/log/planted.log", "/tmp/planted", "/run/planted", "/etc/mycosoft/planted.bak"):
        mas.write(path, f"x={planted}\n".encode())
        assert canary.where_it_must_not_be(looking, "mas", mas) == [path]
        mas.call("rm", path)
    mas.call("logger", "--", f"planted {planted}")
    mas.call("journalctl", "--sync")
    assert looking.in_journal(mas)


@pytest.mark.parametrize("place", ["arguments", "environment"])
def test_the_search_finds_a_value_a_process_shows(lab: Lab, place: str) -> None:
    text = secrets.token_urlsafe(24)
    command = [sys.executable, "-c", "import time; time.sleep(0.5)", *([text] if place == "arguments" else [])]
    with lab.sampler.sampling():
        subprocess.run(command, env={"PLANTED": text if place == "environment" else ""}, check=True)
        time.sleep(0.1)
    looks = [look for look in lab.sampler.seen if Canary([text]).in_bytes(look)]
    assert looks
    lab.sampler.seen -= set(looks)


def test_the_search_finds_a_private_key_by_any_part_of_its_private_half() -> None:
    from tests.integration.authorities import random_for
    from tests.integration.values import Value

    key = random_for(Value("ssh_key_rotator", 1, "deploy", ""))
    looking = Canary([key])
    assert looking.in_bytes(key.encode())
    assert looking.in_bytes(canary.seed_of(key).hex().encode())
    assert looking.in_bytes(base64.b64encode(b"seed: " + canary.seed_of(key)))
    assert not looking.in_bytes(random_for(Value("ssh_key_rotator", 1, "deploy", "")).encode())
