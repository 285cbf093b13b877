"""What is built holds the content and no fleet, and works installed, far from any checkout."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email import message_from_string
from pathlib import Path

import pytest

from mycoops import durable
from mycoops.secret import generate

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CONTENT = ("ansible.cfg", "playbooks", "roles", "plugins", "lab")
FOREIGN = (
    "inventory/lab/group_vars/all/vault.yml",
    "inventory/lab/pending/db.g2.vault",
    "inventory/lab/journal/2031.jsonl",
    "inventory/own/hosts.yml",
    "vault-password",
    ".env",
    "roles/kind_redis/files/__pycache__/redis_acl.cpython-311.pyc",
    "plugins/module_utils/__pycache__/mycoops_reply.cpython-311.pyc",
    "mycoops/__pycache__/cli.cpython-311.pyc",
    "dist/older.whl",
    ".venv/lib/site.py",
)
"""What lies about in a checkout that is worked in, and belongs to nobody else."""
Command = Callable[..., subprocess.CompletedProcess[str]]


def files_of_the_repository() -> list[str]:
    """What is in git, or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


def build(checkout: Path, place: Path, *what: str) -> Path:
    """Build from a checkout with the pinned tools; returns the directory of the artefacts."""
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", str(place), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture(scope="module")
def canary() -> str:
    """What no artefact may hold."""
    return generate("token").reveal()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, canary: str) -> Path:
    """A copy of the repository in which somebody has worked."""
    place = tmp_path_factory.mktemp("checkout") / "mycoops"
    for name in files_of_the_repository():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    for name in FOREIGN:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(canary)
    return place


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    """An sdist, and the wheel made from it."""
    return build(checkout, tmp_path_factory.mktemp("built") / "dist")


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel made from the sdist."""
    return next(built.glob("*.whl"))


def wheel_files(path: Path) -> dict[str, bytes]:
    """The files of a wheel."""
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def sdist_files(path: Path) -> dict[str, bytes]:
    """The files of an sdist, without its top directory."""
    with tarfile.open(path) as opened:
        members = [member for member in opened.getmembers() if member.isfile()]
        found = {member.name.partition("/")[2]: opened.extractfile(member) for member in members}
        return {name: file.read() for name, file in found.items() if file}


def strangers(names: set[str]) -> set[str]:
    """Names that have no place in what is published."""
    parts = {"inventory", "group_vars", "pending", "journal", "__pycache__", ".venv", "dist", "vault.yml", "vault-password", ".env"}
    return {name for name in names if parts & set(Path(name).parts)}


def test_a_stranger_is_seen() -> None:
    assert strangers(set(FOREIGN)) == set(FOREIGN)
    assert strangers({"mycoops/inventory.py", "mycoops/vault.py", "lab/env/mas.env", ".env.example"}) == set()


def test_the_wheel_holds_the_content_and_nothing_foreign(wheel: Path, canary: str) -> None:
    found = wheel_files(wheel)
    assert strangers(set(found)) == set()
    assert not any(name.startswith(("tests/", "mycoops/tests/", "docs/")) for name in found)
    assert not any(canary.encode() in data for data in found.values())
    kept = [name for name in files_of_the_repository() if name.split("/")[0] in CONTENT]
    assert {f"mycoops/_content/{name}" for name in kept} == {name for name in found if name.startswith("mycoops/_content/")}
    assert all(found[f"mycoops/_content/{name}"] == (ROOT / name).read_bytes() for name in kept)


def test_a_wheel_built_in_a_checkout_is_the_same(checkout: Path, wheel: Path, tmp_path: Path) -> None:
    direct = next(build(checkout, tmp_path / "dist", "--wheel").glob("*.whl"))
    assert wheel_files(direct).keys() == wheel_files(wheel).keys()


def test_scripts_stay_executable_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        modes = {info.filename: info.external_attr >> 16 for info in opened.infolist() if info.filename.endswith(".sh")}
    for name, mode in modes.items():
        here = (ROOT / name.removeprefix("mycoops/_content/")).stat().st_mode
        assert bool(mode & stat.S_IXUSR) == bool(here & stat.S_IXUSR), name


def test_the_sdist_can_be_built_from_and_holds_no_fleet(built: Path, canary: str) -> None:
    found = sdist_files(next(built.glob("*.tar.gz")))
    assert strangers(set(found)) == set()
    assert not any(canary.encode() in data for data in found.values())
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "requirements.lock", "docs/catalogue.schema.json"} <= found.keys()
    assert not any(name.startswith((".github/", ".ci/")) for name in found)


def test_the_metadata_says_what_it_is(wheel: Path) -> None:
    found = wheel_files(wheel)
    described = message_from_string(next(data for name, data in found.items() if name.endswith("/METADATA")).decode())
    assert (described["Name"], described["License-Expression"], described["Requires-Python"]) == ("mycoops", "MIT", ">=3.11")
    assert any(name.endswith("/licenses/LICENSE") for name in found)
    assert found["mycoops/__init__.py"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Command:
    """The command as `uv tool install` leaves it, in a home of its own."""
    home = tmp_path_factory.mktemp("home")
    environment = {"PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "MYCOOPS_STATE": f"{home}/state"}
    places = {"UV_TOOL_DIR": f"{home}/tools", "UV_TOOL_BIN_DIR": f"{home}/bin", "UV_PYTHON_DOWNLOADS": "never"}
    kept = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_", "XDG_CACHE"))}
    kept |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    caller = {"HOME": os.environ.get("HOME", "/root"), "PATH": os.environ["PATH"], **kept, **places}
    limits = ["--constraints", str(ROOT / "requirements.lock")]
    command = [str(BIN / "uv"), "tool", "install", "-q", "--python", sys.executable, *limits, str(wheel)]
    done = subprocess.run(command, cwd=home, env=caller, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [f"{home}/bin/mycoops", *arguments]
        return subprocess.run(command, cwd=home, env=environment, input=stdin, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def fleet(installed: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet that the installed command made, with a vault password."""
    place = tmp_path_factory.mktemp("fleets") / "ours"
    done = installed("init", str(place))
    assert done.returncode == 0, done.stderr
    state = Path(installed("--version").args[0]).parents[1] / "state" / "ours"
    state.mkdir(parents=True)
    durable.replace(state / "vault-password", generate("token").reveal().encode())
    return place


def test_the_installed_command_knows_its_version(installed: Command) -> None:
    declared = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version"))
    done = installed("--version")
    assert (done.returncode, done.stdout) == (0, f"mycoops {declared.split(chr(34))[1]}\n")


def test_the_installed_command_is_not_the_checkout(installed: Command) -> None:
    python = Path(installed("--version").args[0]).resolve().parent / "python"
    code = "import mycoops.content as c; print(c.path('roles')); print(c.path('ansible.cfg'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert str(ROOT) not in done.stdout
    assert done.stdout.splitlines()[0].endswith("/mycoops/_content/roles")


def test_a_new_fleet_is_checked_planned_and_given_its_value(installed: Command, fleet: Path) -> None:
    checked = installed("check", "--fleet", str(fleet))
    assert (checked.returncode, "nothing wrong" in checked.stdout) == (0, True), checked.stderr
    assert "1 without a value so far: postgresql_example" in checked.stderr
    planned = installed("plan", "--fleet", str(fleet), "--quarter", "Q2", "--year", "2031", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["point_of_no_return"].endswith("revoke")
    given = installed("provide", "postgresql_example", "--slot", "a", "--fleet", str(fleet), stdin=generate("token").reveal())
    assert given.returncode == 0, given.stderr
    after = installed("check", "--fleet", str(fleet))
    assert (after.returncode, after.stderr) == (0, "")
    again = installed("plan", "--fleet", str(fleet), "--quarter", "Q2", "--year", "2031", "--json")
    assert json.loads(again.stdout)["digest"] == json.loads(planned.stdout)["digest"]
    assert again.stderr == ""


def test_playbooks_roles_and_plugins_of_the_installed_command_run(installed: Command, fleet: Path, tmp_path: Path) -> None:
    hosts, catalogue = fleet / "hosts.yml", fleet / "group_vars" / "all" / "catalogue.yml"
    here = hosts.read_text().replace("ansible_host: 192.0.2.10", "ansible_connection: local")
    hosts.write_text(here.replace("ansible_become: true", "ansible_become: false").replace("/usr/bin/python3", sys.executable))
    catalogue.write_text(catalogue.read_text().replace("/etc/example/api.env", f"{tmp_path}/none/api.env"))
    installed("provide", "postgresql_example", "--slot", "a", "--fleet", str(fleet), stdin=generate("token").reveal())
    done = installed("deploy", "--check", "--json", "--fleet", str(fleet))
    assert done.returncode == 4, done.stderr
    (host,) = json.loads(done.stdout)
    assert host["host"] == "example-host"
    assert host["error"].endswith(f"{tmp_path}/none is not a directory"), "the program for hosts did not run"
    assert list(tmp_path.iterdir()) == []


def test_a_fleet_that_is_no_lab_is_told_apart(installed: Command, fleet: Path) -> None:
    done = installed("lab", "status", "--fleet", str(fleet))
    assert done.returncode == 3
    assert "is not the inventory of a lab" in done.stderr
