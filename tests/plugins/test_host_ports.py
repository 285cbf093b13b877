"""Who serves a port is told before a container or a unit is put in its place; asked of the real kernel."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import mycoops_ports as ports
import pytest
from fake_host import Host, fresh
from mycoops_reply import Refusal

PATH = "/etc/relay/.env"
LISTEN = (
    "import socket,time;s=socket.socket(socket.AF_INET{six});s.bind(('{address}',0));s.listen();"
    "print(s.getsockname()[1],flush=True);time.sleep(600)"
)


@pytest.fixture(params=[("127.0.0.1", ""), ("::1", "6")], ids=["IPv4", "IPv6"])
def listener(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A real process that listens: its pid and its port."""
    address, six = request.param
    server = subprocess.Popen([sys.executable, "-c", LISTEN.format(address=address, six=six)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield server.pid, int(server.stdout.readline())
    server.kill()
    server.wait()


def test_who_listens_is_found_and_who_does_not_is_not(listener: tuple[int, int]) -> None:
    pid, port = listener
    found = ports.holder(port)
    assert found is not None
    assert (found.pid, found.engine) == (pid, False)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening
        assert ports.holder(bound.getsockname()[1]) is None


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["-p", "8080:80"], [8080]),
        (["-p8080:80", "--publish=127.0.0.1:9090:90/tcp"], [8080, 9090]),
        (["--publish", "[::1]:7000-7002:7000-7002"], [7000, 7002]),
        (["-p", "53:53/udp", "-p", "80", "--network", "host", "--pull", "never", "-p"], []),
    ],
)
def test_published_ports(words: list[str], wanted: list[int]) -> None:
    assert ports.published(words) == wanted


@pytest.mark.parametrize(("url", "wanted"), [("http://127.0.0.1:8003/h", 8003), ("http://db:8003/", 0), ("http://localhost/", 0)])
def test_port_of_a_url(url: str, wanted: int) -> None:
    assert ports.of_url(url) == wanted


@pytest.mark.parametrize(
    ("group", "host", "wanted"),
    [
        ("0::/system.slice/api.service", "0::/init.scope", False),
        ("0::/machine.slice/libpod-1a.scope/container", "0::/init.scope", True),
        ("4:pids:/docker/1a", "4:pids:/", True),
        ("0::/kubelet.slice/cri-containerd-1a.scope", "0::/init.scope", True),
        ("0::/libpod_parent/libpod-1a/system.slice/api.service", "0::/libpod_parent/libpod-1a/init.scope", False),
        ("0::/libpod-1a/machine.slice/libpod-2b.scope", "0::/libpod-1a/init.scope", True),
        ("", "", False),
    ],
)
def test_a_container_of_the_host_is_told_from_a_host_that_is_one(group: str, host: str, wanted: bool) -> None:
    assert ports.in_container(group, host) is wanted


def request(host: Host, **service: Any) -> dict[str, Any]:
    entry = {"name": "TOKEN", "credential": "relay", "value": fresh()}
    file = {"path": PATH, "mode": "0600", "readers": ["podman", "systemd"], "entries": [entry]}
    spec = {"name": "relay", "holds": [{"file": PATH, "name": "TOKEN"}], "env_file": PATH, "steady_seconds": 0.05}
    return {"root": str(host.root), "generations": {"relay": 1}, "files": [file], "services": [{**spec, **service}]}


def container(port: int) -> dict[str, Any]:
    publishing = {"name": "relay", "image": "localhost/relay:1", "env_files": [PATH], "arguments": ["-p", f"{port}:80"]}
    return {"container": publishing, "apply": "recreate"}


def test_a_container_is_not_put_where_another_program_serves(host: Host, listener: tuple[int, int]) -> None:
    host.put(PATH, "TOKEN=\n")
    with pytest.raises(Refusal) as caught:
        deliver.run(request(host, **container(listener[1])))
    assert caught.value.code == "port_taken"
    assert str(listener[1]) in caught.value.message
    assert host.at(PATH).read_text() == "TOKEN=\n"
    assert host.verbs() == []


def test_a_container_that_serves_its_port_itself_is_recreated(host: Host, listener: tuple[int, int]) -> None:
    host.put(PATH, "TOKEN=old\n")
    host.engine(["run", "--name", "relay", "--env-file", str(host.at(PATH))])
    reply = deliver.run(request(host, **container(listener[1])))
    assert "error" not in reply
    assert reply["services"][0]["restarted"] is True


def test_a_unit_is_not_put_where_a_container_serves(host: Host, tmp_path: Path) -> None:
    conmon = shutil.copy(Path(sys.executable).resolve(), tmp_path / "conmon")  # known by its name, as the kernel tells it
    code = LISTEN.format(address="127.0.0.1", six="")
    server = subprocess.Popen([conmon, "-c", code], stdout=subprocess.PIPE, text=True, env={"PYTHONHOME": sys.base_prefix})
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        host.put(PATH, "TOKEN=old\n")
        unit = host.unit("relay.service", PATH)
        asked = request(host, unit="relay.service", health={"url": f"http://127.0.0.1:{port}/", "timeout_seconds": 1})
        with pytest.raises(Refusal) as caught:
            deliver.run(asked)
        assert (caught.value.code, unit.starts) == ("port_taken", 0)
        assert "a container" in caught.value.message
    finally:
        server.kill()
        server.wait()


def test_a_proxy_in_front_of_a_stopped_unit_is_no_rival(host: Host, listener: tuple[int, int]) -> None:
    host.put(PATH, "TOKEN=old\n")
    unit = host.unit("relay.service", PATH)
    start = time.monotonic()
    asked = request(host, unit="relay.service", health={"url": f"http://127.0.0.1:{listener[1]}/", "timeout_seconds": 1})
    deliver.run(asked)
    assert unit.starts
    assert time.monotonic() - start < 60
