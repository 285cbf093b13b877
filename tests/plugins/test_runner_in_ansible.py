"""What the runner does while a real ansible-playbook says nothing."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from mycoops import content
from mycoops.masking import Masker
from mycoops.runner import Environment, Run, Runner

SILENT_SECONDS = 6
SILENT = f"""
- hosts: all
  gather_facts: false
  tasks:
    - name: Say nothing for a while
      ansible.builtin.command: sleep {SILENT_SECONDS}
"""


def test_whether_it_is_to_end_is_asked_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "silent.yml").write_text(SILENT)
    (tmp_path / "hosts.yml").write_text("all: {hosts: {here: {ansible_connection: local}}}\n")
    (tmp_path / "password").write_text("no value is read with it")
    monkeypatch.setattr(content, "path", lambda name, there=content.path: tmp_path if name == "playbooks" else there(name))
    files = (tmp_path / "hosts.yml", tmp_path / "known", tmp_path / "password")
    runner = Runner(Environment(tmp_path, tmp_path, *files, None, 1, ()), lambda: Masker([]), lambda *_: None, lambda _: ())
    asked: list[float] = []
    runner.hurry = lambda: bool(asked.append(time.monotonic()))
    outcome = runner.perform(Run("silent", ("here",), {}))
    assert outcome.seconds > SILENT_SECONDS, outcome
    assert max(later - earlier for earlier, later in itertools.pairwise(asked)) < 2
