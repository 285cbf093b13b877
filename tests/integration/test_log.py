"""`log verify` tells a journal that was edited from one whose last write was cut off."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.lab import Lab


@pytest.fixture
def copy(lab: Lab, tmp_path: Path) -> Path:
    """The fleet directory once more, with at least one journal in it."""
    if not list((lab.fleet / "journal").glob("*.jsonl")):
        lab.run("rotate", "redis_mindex", "--yes")
    return shutil.copytree(lab.fleet, tmp_path / lab.fleet.name)


def longest(copy: Path) -> Path:
    """The journal with the most to say."""
    return max((copy / "journal").glob("*.jsonl"), key=lambda path: path.stat().st_size)


def verdict(lab: Lab, copy: Path, status: int) -> dict[str, str]:
    """What `log verify` says of each journal."""
    done = lab.run("log", "verify", "--json", fleet=copy, status=status)
    return {Path(one["path"]).name: one["state"] for one in done.json()}


def test_what_mycoops_wrote_is_intact(lab: Lab, copy: Path) -> None:
    assert set(verdict(lab, copy, 0).values()) == {"intact"}


def test_a_byte_changed_in_the_middle_is_tampering(lab: Lab, copy: Path) -> None:
    path = longest(copy)
    lines = path.read_bytes().split(b"\n")
    middle = len(lines) // 2
    place = lines[middle].index(b'"time": "2') + len(b'"time": "2')
    lines[middle] = lines[middle][:place] + b"9" + lines[middle][place + 1 :]
    path.write_bytes(b"\n".join(lines))
    assert verdict(lab, copy, 8)[path.name] == "tampered"


def test_a_record_taken_out_is_tampering(lab: Lab, copy: Path) -> None:
    path = longest(copy)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2] + lines[len(lines) // 2 + 1 :]))
    assert verdict(lab, copy, 8)[path.name] == "tampered"


def test_a_tail_cut_off_is_told_from_what_the_log_and_this_control_node_vouch_for(lab: Lab, copy: Path) -> None:
    path = longest(copy)
    path.write_bytes(path.read_bytes()[:-25])
    assert verdict(lab, copy, 8)[path.name] == "shortened"
    (copy / "docs" / "SECRET_ROTATION_LOG.md").unlink()
    for later in (copy / "journal").glob("*.jsonl"):
        if later.name > path.name:
            later.unlink()
    assert verdict(lab, copy, 8)[path.name] == "shortened"
    memory, elsewhere = lab.state / "journals.json", copy / "journals.json"
    shutil.move(memory, elsewhere)
    try:
        assert verdict(lab, copy, 0)[path.name] == "torn"
    finally:
        shutil.move(elsewhere, memory)
