"""A short run of the fuzzer, the same each time; `make fuzz` is the long one. And a control that it finds what is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mycoops_envfile as envfile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mycoops_reply import Refusal

from tests.codec import properties

ROOT = Path(__file__).resolve().parents[2]
PLAIN = "from tests.codec import fuzz; fuzz.main()"
SPOILED = """
from tests.codec import fuzz
from mycoops_envfile import EnvFile
right = EnvFile.raw.fget
EnvFile.raw = property(lambda self: right(self).replace(b"==", b"="))
fuzz.main()
"""
TALKATIVE = """
from tests.codec import fuzz
import mycoops_envfile
right = mycoops_envfile._check
def check(line, readers):
    if b"~" in line.value:
        raise mycoops_envfile._refused(line.number, line.value.decode("latin-1"))
    right(line, readers)
mycoops_envfile._check = check
fuzz.main()
"""
READERS = st.lists(st.sampled_from(properties.READERS), max_size=3, unique=True)
PIECES = ("'", '"', "`", "\\", "$", "${", "#", "=", " ", "\n", "\r\n", "\r", "export ", "A", "B=", "x", "\ufeff", "\0", "é")
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(blacklist_categories=["Cs"]), max_size=40).map("".join)


def fuzz(script: str, runs: int) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, which it ends."""
    argv = [sys.executable, "-c", script, f"-runs={runs}", "-seed=1"]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_a_short_run_finds_nothing() -> None:
    done = fuzz(PLAIN, 15_000)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Done 15000 runs" in done.stderr


@pytest.mark.parametrize("script", [SPOILED, TALKATIVE], ids=["loses a byte", "says something of the input"])
def test_a_fault_is_found(script: str) -> None:
    done = fuzz(script, 15_000)
    assert done.returncode != 0
    assert "AssertionError" in done.stdout + done.stderr


@given(text=TEXTS, readers=READERS)
@settings(max_examples=300, deadline=None)
def test_no_file_and_no_error_gives_anything_away(text: str, readers: list[str]) -> None:
    properties.parses(text.encode(), readers)


@given(value=TEXTS, readers=READERS)
@settings(max_examples=300, deadline=None)
def test_no_value_is_in_an_error(value: str, readers: list[str]) -> None:
    properties.encodes(value, readers)


@given(lines=st.lists(TEXTS, max_size=4), value=TEXTS, readers=READERS.filter(bool))
@settings(max_examples=150, deadline=None)
def test_an_update_of_any_file_is_exact_or_refused(lines: list[str], value: str, readers: list[str]) -> None:
    properties.merges("".join(f"N{number}={line}\n" for number, line in enumerate(lines)).encode(), "PROBE", value, readers)


@pytest.mark.parametrize("message", ["line 3: {x}", "bash cannot read it back: {x}", "{x}", "line {x}: a NUL byte"])
def test_an_error_that_holds_input_is_noticed(message: str) -> None:
    assert properties.says_nothing(Refusal("malformed_env_file", "line 3: a NUL byte", line=3))
    assert not properties.says_nothing(Refusal("malformed_env_file", message.format(x="hunter2hunter2"), line=3))
    assert not properties.says_nothing(Refusal("malformed_env_file", "line 3: a NUL byte", line=3, was="hunter2hunter2"))
    assert not envfile.NAME.match("hunter2 hunter2")
