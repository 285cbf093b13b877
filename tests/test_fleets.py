"""The fleets in inventory/ pass `check` as they are, cover the whole checklist, and hold names only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from mycoops.catalogue import load
from mycoops.checklist import ITEMS

ROOT = Path(__file__).resolve().parent.parent
FLEETS = sorted(path for path in (ROOT / "inventory").iterdir() if path.is_dir())
DOCUMENTATION = [ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
REAL = ROOT / "inventory" / "mycosoft"


def tracked(*places: str) -> list[str]:
    """Files of the repository, also those not added yet but not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *places]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def mycoops(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with a state directory of its own."""
    command = [sys.executable, "-m", "mycoops.cli", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(state), "MYCOOPS_STATE": str(state)}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


def test_both_fleets_are_there() -> None:
    assert [path.name for path in FLEETS] == ["lab", "mycosoft"]


@pytest.mark.parametrize("fleet", FLEETS, ids=lambda path: path.name)
def test_every_item_of_the_checklist_is_declared_or_has_its_reason(fleet: Path) -> None:
    declared, _ = load(fleet)
    answered = {credential.item for credential in declared.credentials.values()}
    absent = declared.mycoops_not_applicable
    assert {item for item in ITEMS if item not in answered} == absent.keys()
    assert all(len(reason.split()) > 3 for reason in absent.values())


def test_the_real_fleet_passes_check_and_says_that_it_has_no_values(tmp_path: Path) -> None:
    done = mycoops(tmp_path, "check", "--fleet", str(REAL), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "22 without a value so far" in done.stderr
    assert "mycoops provide postgresql_mindex" in done.stderr


def test_the_real_fleet_is_planned_in_the_order_that_works(tmp_path: Path) -> None:
    done = mycoops(tmp_path, "plan", "--fleet", str(REAL), "--quarter", "Q2", "--year", "2031", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    switched = [host for move in plan["moves"] if move["verb"] == "switch" for host in move["hosts"]]
    order = ["mindex", "mas", "sandbox", "myca", "mqtt", "jetson-gateway", "jetson-operator"]
    assert switched == [*order, "mindex", "mas"], "who uses a value of one slot is switched after its cut"
    last = [rotation["credential"] for rotation in plan["rotations"]][-6:]
    assert last == ["ssh_key_rotator", *(f"ssh_password_{host}" for host in ("mindex", "mas", "sandbox", "myca", "mqtt"))]
    assert {entry["item"] for entry in plan["not_applicable"]} == {ITEMS[item][1] for item in load(REAL)[0].mycoops_not_applicable}


def test_a_fleet_without_values_is_not_rotated(tmp_path: Path) -> None:
    done = mycoops(tmp_path, "rotate", "--fleet", str(REAL), "--quarter", "Q2", "--yes")
    assert done.returncode == 3
    assert "no credential has a value yet" in done.stderr
    assert "mycoops provide" in done.stderr


def test_addresses_are_those_for_documentation() -> None:
    groups = yaml.safe_load((REAL / "hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
    addresses = [host["ansible_host"] for group in groups.values() for host in group["hosts"].values()]
    assert len(addresses) == len(set(addresses)) == 9
    assert all(any(ip_address(address) in block for block in DOCUMENTATION) for address in addresses)


def test_nothing_but_declarations_is_kept_of_a_fleet() -> None:
    kept = {name.removeprefix(f"inventory/{fleet.name}/") for fleet in FLEETS for name in tracked(f"inventory/{fleet.name}")}
    assert kept == {"hosts.yml", "group_vars/all/catalogue.yml"}


@pytest.mark.parametrize("fleet", FLEETS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "name", ["group_vars/all/vault.yml", "pending/a.g2.vault", "journal/a.jsonl", "docs/SECRET_ROTATION_LOG.md"]
)
def test_git_ignores_what_a_run_leaves(fleet: Path, name: str) -> None:
    command = ["git", "check-ignore", "--no-index", "-q"]
    assert subprocess.run([*command, str(fleet / name)], cwd=ROOT, check=False).returncode == 0
    assert subprocess.run([*command, str(fleet / "hosts.yml")], cwd=ROOT, check=False).returncode == 1
