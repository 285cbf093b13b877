"""The lab: boots, is the same after a second `up`, checks host keys, stands beside another one, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mycoops import lab
from mycoops.errors import LabError

REPOSITORY = Path(__file__).resolve().parents[2]
PORT_OFFSET = 1000


def other_lab(folder: Path) -> Path:
    """The shipped inventory under another name and on other ports."""
    document = yaml.safe_load((REPOSITORY / "inventory/lab/hosts.yml").read_text(encoding="utf-8"))
    document["all"]["vars"]["lab_name"] = "boot-test"
    for host in document["all"]["hosts"].values():
        host["ansible_port"] += PORT_OFFSET
        host["lab_publish"] = {inside: outside + PORT_OFFSET for inside, outside in host["lab_publish"].items()}
    (folder / "hosts.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = other_lab(tmp_path_factory.mktemp("fleet"))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    try:
        boot(folder)
        yield folder
    finally:
        lab.down(folder, progress=quiet)


def boot(folder: Path) -> lab.LabReport:
    key = (folder / "key.pub").read_text(encoding="utf-8")
    return lab.up(folder, progress=quiet, deploy_public_key=key, known_hosts=folder / "known_hosts")


def ssh(folder: Path, host: str, *command: str, known_hosts: str = "known_hosts") -> subprocess.CompletedProcess[str]:
    argv = lab.ssh_argv(folder, host, known_hosts=folder / known_hosts, identity=folder / "key")
    return subprocess.run([*argv, *command], capture_output=True, text=True, check=False, timeout=30)


def test_every_host_is_running_without_a_failed_unit(fleet: Path) -> None:
    assert {host.state for host in lab.status(fleet)} == {"running"}
    for host in ("mindex", "mas", "sandbox"):
        assert ssh(fleet, host, "systemctl", "is-system-running").stdout.strip() == "running"


def test_a_second_up_starts_nothing(fleet: Path) -> None:
    report = boot(fleet)
    assert report.started == ()


def test_deploy_becomes_root_by_its_key(fleet: Path) -> None:
    assert ssh(fleet, "mas", "sudo", "-n", "id", "-un").stdout.strip() == "root"


def test_an_unknown_host_key_is_refused(fleet: Path) -> None:
    (fleet / "nobody").write_text("", encoding="utf-8")
    assert "Host key verification failed" in ssh(fleet, "mas", "true", known_hosts="nobody").stderr


def test_hosts_know_each_other_by_name(fleet: Path) -> None:
    for host in ("mas", "sandbox"):
        assert ssh(fleet, host, "getent", "hosts", "mindex").returncode == 0


def test_services_are_enabled_but_wait_for_their_environment(fleet: Path) -> None:
    for host, unit in (("mindex", "mindex-api"), ("mas", "mas-orchestrator"), ("mas", "mas-agent"), ("sandbox", "website@blue")):
        assert ssh(fleet, host, "systemctl", "is-enabled", unit).stdout.strip() == "enabled"
        assert ssh(fleet, host, "systemctl", "is-active", unit).stdout.strip() == "inactive"


def test_redis_takes_the_admin_hash_once_and_refuses_anything_else(fleet: Path) -> None:
    digest = "ab" * 32
    assert lab.set_redis_admin_hash(fleet, digest) is True
    assert lab.set_redis_admin_hash(fleet, digest) is False
    with pytest.raises(LabError):
        lab.set_redis_admin_hash(fleet, "not a hash")


def test_the_website_front_answers_before_any_instance_runs(fleet: Path) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{28080 + PORT_OFFSET}/api/health", timeout=5)
    assert refused.value.code == 502


def test_hosts_of_another_checkout_are_made_anew(fleet: Path, tmp_path: Path) -> None:
    """They know the values of that checkout's vault, which this one cannot even read."""
    for name in ("key", "key.pub"):
        (tmp_path / name).write_bytes((fleet / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    assert set(boot(other_lab(tmp_path)).started) == {"mindex", "mas", "sandbox"}
    assert set(boot(fleet).started) == {"mindex", "mas", "sandbox"}


def test_down_removes_its_own_containers_only(fleet: Path) -> None:
    image = boot(fleet).image
    bystander = [
        "podman",
        "create",
        "--name",
        "mycoops-boot-test-2",
        "--label",
        "mycoops.lab=boot-test-2",
        "--network",
        "none",
        image,
    ]
    subprocess.run(bystander, capture_output=True, check=True)
    try:
        lab.down(fleet, progress=quiet)
        assert {host.state for host in lab.status(fleet)} == {"missing"}
        assert subprocess.run(["podman", "network", "exists", "mycoops-boot-test"], check=False).returncode == 1
        assert subprocess.run(["podman", "container", "exists", "mycoops-boot-test-2"], check=False).returncode == 0
    finally:
        subprocess.run(["podman", "rm", "-f", "mycoops-boot-test-2"], capture_output=True, check=False)
