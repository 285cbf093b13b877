"""What a run costs is measured on the whole tree, on what it leaves behind too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.measure import descendants, is_playbook, run

ENVIRONMENT = {"PATH": os.environ["PATH"]}
BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def python(code: str, tmp_path: Path) -> tuple[list[str], dict[str, str], Path]:
    """A run of some Python."""
    return [sys.executable, "-I", "-S", "-c", code], ENVIRONMENT, tmp_path / "log"


def test_time_status_and_output_are_those_of_the_command(tmp_path: Path) -> None:
    sample = run(*python("import time, sys; time.sleep(0.3); print('said'); sys.exit(3)", tmp_path))
    assert 0.3 <= sample.seconds < 3
    assert sample.status == 3
    assert (tmp_path / "log").read_text() == "said\n"


def test_a_sleeper_costs_no_processor_time_and_a_worker_does(tmp_path: Path) -> None:
    assert run(*python("import time; time.sleep(0.3)", tmp_path)).cpu_seconds < 0.2
    assert 0.3 <= run(*python(BURN, tmp_path)).cpu_seconds < 2


def test_the_time_of_a_process_left_behind_counts_and_it_is_ended(tmp_path: Path) -> None:
    left = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)\n" + BURN + "time.sleep(60)\n"
    code = f"import os, time\nif os.fork() == 0:\n    os.setsid()\n    exec({left!r})\ntime.sleep(1)\n"
    before = set(descendants(os.getpid()))
    assert run(*python(code, tmp_path)).cpu_seconds > 0.2
    assert set(descendants(os.getpid())) <= before


def test_the_memory_of_children_is_summed(tmp_path: Path) -> None:
    grow = "data = bytearray(40_000_000)"
    alone = run(*python(f"import time\n{grow}\ntime.sleep(0.5)", tmp_path)).peak_mb
    two = run(*python(f"import os, time\nos.fork()\n{grow}\ntime.sleep(0.5)", tmp_path)).peak_mb
    assert 40 <= alone < 80 <= two


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """A program by that name, which forks a worker as the real one does."""
    program = tmp_path / "ansible-playbook"
    program.write_text(
        f"#!{sys.executable}\nimport os, time\nif os.fork() == 0:\n    time.sleep(0.4)\n    os._exit(0)\nos.wait()\n"
    )
    program.chmod(0o755)
    return program


def test_starts_of_a_playbook_are_counted_and_its_workers_are_not(tmp_path: Path, playbook: Path) -> None:
    assert run([str(playbook)], ENVIRONMENT, tmp_path / "log").playbook_starts == 1
    assert run(["sh", "-c", f"{playbook}; {playbook}"], ENVIRONMENT, tmp_path / "log").playbook_starts == 2
    assert run(["sleep", "0.3"], ENVIRONMENT, tmp_path / "log").playbook_starts == 0


def test_a_mere_mention_is_no_playbook() -> None:
    assert not is_playbook(os.getpid())
