"""One round trip: constant argv, values on standard input only, one masked reply, and no echo of anything else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fake_host import REPOSITORY, fresh

from mycoops import bridge
from mycoops.secret import Secret

MODULES = REPOSITORY / "plugins" / "module_utils"


class FakeStore:
    """Holds one value."""

    def __init__(self, value: str) -> None:
        self.value = value

    def secret(self, credential: str, generation: int) -> Secret:
        return Secret(self.value)


class Here:
    """Runs the command on this machine, as an action does on a host, and keeps what it was given."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def __call__(self, command: str, data: bytes) -> tuple[int, str]:
        self.commands.append(command)
        done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
        return done.returncode, done.stdout.decode()


def call(tmp_path: Path, source: str, request: dict[str, Any], value: str, send: Any = None) -> dict[str, Any]:
    program = tmp_path / f"probe_{abs(hash(source))}.py"
    program.write_text(source)
    return bridge.call(program, MODULES, request, lambda: FakeStore(value), send or Here(), bridge.python("/usr/bin/python3"))


REFERENCE = {"$form": "redis://<value>@host", "credential": "redis", "generation": 1}


def test_values_arrive_and_replies_come_back_masked(tmp_path: Path) -> None:
    value = fresh()
    source = "def run(request):\n    url = request['url']\n    return {'outcome': url, 'hex': url.encode().hex(), 'n': len(url)}\n"
    send = Here()
    reply = call(tmp_path, source, {"url": REFERENCE}, value, send)
    assert reply["n"] == len(value) + len("redis://@host")
    assert value not in str(reply)
    assert value.encode().hex() not in str(reply)
    assert value not in send.commands[0]
    other = call(tmp_path, source, {"url": REFERENCE}, fresh(), send)
    assert other["n"] == reply["n"]
    assert send.commands[0] == send.commands[1]


def test_the_generations_of_references_go_along_unless_others_are_said() -> None:
    first = {"name": "A", "credential": "redis", "value": {**REFERENCE, "generation": 3}}
    other = {"name": "B", "credential": "redis", "value": REFERENCE}
    accepted = {
        "name": "C",
        "credential": "token",
        "value": {"$form": "<accepted|csv>", "credential": "token", "generations": [4, 5]},
    }
    plain = {"name": "D", "credential": "plain", "value": "info"}
    files = [
        {"path": "/a", "entries": [first, other]},
        {"path": "/b", "entries": [accepted, plain, {"name": "E", "value": REFERENCE}]},
    ]
    assert bridge.numbered({"files": files})["generations"] == {"redis": 3, "token": 5}
    assert bridge.numbered({"files": files, "generations": {"redis": 9}})["generations"] == {"redis": 9, "token": 5}
    for request in ({"argv": ["x"]}, {"files": [{"path": "/a", "entries": [plain]}]}):
        assert bridge.numbered(request) == request


def test_shared_modules_are_bundled_with_what_they_import(tmp_path: Path) -> None:
    source = "import mycoops_envfile\ndef run(request):\n    return {'names': sorted(mycoops_envfile.READERS)}\n"
    assert "systemd" in call(tmp_path, source, {}, fresh())["names"]
    program = tmp_path / "small.py"
    program.write_text("import mycoops_reply\n")
    assert sorted(bridge.bundle(program, MODULES)) == ["mycoops_loader", "mycoops_program_small", "mycoops_reply"]


@pytest.mark.parametrize(
    "fault", ["raise ValueError(request['v'])", "import no_such_module", "return {'x': object()}", "return 7", "1/0"]
)
def test_a_crash_is_named_by_type_and_line_only(tmp_path: Path, fault: str) -> None:
    value = fresh()
    source = f"def run(request):\n    {fault}\n"
    reply = call(tmp_path, source, {"v": {**REFERENCE, "$form": "<value>"}}, value)
    assert reply["error"]["code"] == "crash"
    assert value not in str(reply)
    assert "no_such_module" not in str(reply)


def test_a_refusal_keeps_its_facts(tmp_path: Path) -> None:
    source = "from mycoops_reply import Refusal\ndef run(request):\n    raise Refusal('malformed', 'line 3', line=3)\n"
    assert call(tmp_path, source, {}, fresh()) == {"error": {"code": "malformed", "message": "line 3", "line": 3}}


def test_noise_is_dropped_and_no_reply_is_not_echoed(tmp_path: Path) -> None:
    value = fresh()
    noisy = "def run(request):\n    print('banner ' + request['v'])\n    return {'ok': True}\n"
    assert call(tmp_path, noisy, {"v": {**REFERENCE, "$form": "<value>"}}, value) == {"ok": True}
    for status, text in ((1, value), (127, "sh: python3: not found"), (0, f"{bridge.MARK}{{{value}"), (0, f"{bridge.MARK}7")):
        reply = bridge.read_reply(status, text)
        assert reply["error"]["code"] == "no_reply"
        assert value not in str(reply)


def test_an_incomplete_reference_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    send = Here()
    reply = call(tmp_path, "def run(request): return {}\n", {"v": {"$form": "<value>"}}, fresh(), send)
    assert reply["error"]["code"] == "unresolved"
    assert send.commands == []


def test_interpreters_are_plain_paths() -> None:
    assert bridge.python("/usr/bin/python3.11") == "/usr/bin/python3.11"
    for odd in ("auto", None, "/usr/bin/python3; id", "/usr/bin/env python3"):
        assert bridge.python(odd) == "python3"


def test_results_fail_only_where_nobody_judges() -> None:
    reply = {"error": {"code": "x", "message": "y"}}
    assert bridge.result(reply, "probe/1", "mas", fail=False) == {
        "changed": False,
        "failed": False,
        "mycoops": {"error": reply["error"], "item": "probe/1", "host": "mas"},
    }
    assert bridge.result(reply, "", "mas", fail=True)["msg"] == "x: y"


def test_host_code_keeps_to_the_oldest_python_it_promises() -> None:
    """No syntax, and no runtime annotation, newer than Python 3.9."""
    import ast

    for path in [*MODULES.glob("mycoops_*.py"), *(REPOSITORY / "plugins" / "host_programs").glob("*.py")]:
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]
        assert "from __future__ import annotations" in path.read_text()


def test_the_payload_is_json_without_surprises(tmp_path: Path) -> None:
    seen: list[bytes] = []
    value = "quote' \" \\ ü " + fresh()

    def send(command: str, data: bytes) -> tuple[int, str]:
        seen.append(data)
        return 0, f'{bridge.MARK}{{"ok": 1}}'

    call(tmp_path, "def run(request): return {}\n", {"v": {**REFERENCE, "$form": "<value>"}}, value, send)
    assert json.loads(seen[0])["request"] == {"v": value}
    assert seen[0].isascii()


def test_an_order_of_an_older_lease_changes_nothing(tmp_path: Path) -> None:
    state, done = tmp_path / "state", tmp_path / "done"
    program = tmp_path / "effect.py"
    program.write_text(f"def run(request):\n    open({str(done)!r}, 'a').write(request['who'])\n    return {{'done': True}}\n")

    def order(who: str, token: int) -> dict[str, Any]:
        fence = {"token": token, "state": str(state)}
        return bridge.call(program, MODULES, {"who": who}, lambda: FakeStore(""), Here(), bridge.python("/usr/bin/python3"), fence)

    assert order("a", 4) == {"done": True}
    assert order("b", 5) == {"done": True}
    assert order("c", 4)["error"]["code"] == "stale_token"
    assert order("d", 5) == {"done": True}
    assert done.read_text() == "abd"


def test_an_order_waits_for_the_one_before_it(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    program = tmp_path / "slow.py"
    program.write_text("import time\ndef run(request):\n    time.sleep(1)\n    return {'at': time.time()}\n")

    def order(token: int) -> dict[str, Any]:
        fence = {"token": token, "state": state}
        return bridge.call(program, MODULES, {}, lambda: FakeStore(""), Here(), bridge.python("/usr/bin/python3"), fence)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(order, (1, 1))
    assert abs(first["at"] - second["at"]) >= 1


def test_only_what_changes_something_is_fenced() -> None:
    item = {"id": "x", "token": 7, "entry": "revoke"}
    assert bridge.fence_of({"mycoops_item": item}) == {"token": 7, "state": "/var/lib/mycoops"}
    assert bridge.fence_of({"mycoops_item": {**item, "entry": "probe"}}) is None
    assert bridge.fence_of({"mycoops_item": {**item, "token": 0}}) is None
    assert bridge.fence_of({}) is None


def test_a_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import os, time; from mycoops import children; children.end_with_parent(os.getppid()); open({str(alive)!r}, 'w')"
    child += "; time.sleep(60)"
    parent = (
        f"import subprocess, sys, time; print(subprocess.Popen([sys.executable, '-c', {child!r}]).pid, flush=True); time.sleep(60)"
    )
    started = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert started.stdout
    pid = int(started.stdout.readline())
    wait_until(alive.exists)
    started.kill()
    started.wait()
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:3])


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
