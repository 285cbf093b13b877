"""The command line turns every ending into a message without a value, a next step, and the status that the help promises."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mycoops import cli
from mycoops.errors import ConfigurationError, Exit, Leaked, StepFailed
from mycoops.leaks.heard import HEARD
from tests.unit import fleets


def mycoops(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nobody at its terminal."""
    command = [sys.executable, "-m", "mycoops.cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The status with which `main` ends when the application raises this."""

    def application() -> None:
        raise error

    monkeypatch.setattr(cli, "app", application)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


def test_an_expected_failure_tells_the_next_step(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, StepFailed("it failed [here]", hint="do that")) == Exit.FAILED_OLD_INTACT
    told = capsys.readouterr()
    assert told.out == ""
    assert "it failed [here]" in told.err
    assert "→ do that" in told.err


def test_a_bug_is_placed_and_its_message_is_not_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    message = "what a library was given"
    assert ended(monkeypatch, ValueError(message)) == Exit.BUG
    told = capsys.readouterr()
    assert message not in told.out + told.err
    assert "ValueError" in told.err
    assert "test_cli.py:" in told.err


def test_a_file_the_system_does_not_give_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, PermissionError(13, "Permission denied", "/x/run.jsonl")) == Exit.CONFIGURATION
    assert "/x/run.jsonl: Permission denied" in capsys.readouterr().err


def test_a_value_among_the_last_lines_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def application() -> None:
        HEARD.last = lambda: Leaked("a value was printed", hint="replace it") if b"the value" in HEARD.data() else None
        print("this is the value")

    monkeypatch.setattr(cli, "app", application)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == Exit.LEAK
    assert "a value was printed" in capsys.readouterr().err
    assert ended(monkeypatch, StepFailed("something else")) == Exit.FAILED_OLD_INTACT, "the next command begins anew"


@pytest.mark.parametrize("arguments", [("rotate",), ("rotate", "db", "--quarter", "Q2")])
def test_rotate_wants_either_names_or_a_quarter(arguments: tuple[str, ...]) -> None:
    done = mycoops(*arguments)
    assert done.returncode == Exit.USAGE
    assert "either which credentials or which quarter" in done.stderr


@pytest.mark.parametrize("more", [("--only", "token"), ("--year", "2031")])
def test_rotate_refuses_what_chooses_of_a_quarter_beside_names(more: tuple[str, ...]) -> None:
    done = mycoops("rotate", "db", *more)
    assert done.returncode == Exit.USAGE
    assert "--only and --year choose of a quarter" in done.stderr


@pytest.mark.parametrize("command", ["plan", "rotate"])
@pytest.mark.parametrize("year", ["-5", "0", "1999", "3000"])
def test_a_year_is_one_of_this_millennium(command: str, year: str) -> None:
    done = mycoops(command, "--quarter", "Q2", "--year", year)
    assert done.returncode == Exit.USAGE
    assert "--year" in done.stderr
    assert mycoops(command, "--quarter", "Q2", "--year", "2031", "--fleet", "/nonexistent").returncode == Exit.CONFIGURATION


def test_a_usage_error_has_its_own_status() -> None:
    assert mycoops("plan").returncode == Exit.USAGE
    assert mycoops("nothing").returncode == Exit.USAGE


@pytest.mark.parametrize("numbers", [("--every", "0"), ("--every", "-1"), ("--offset", "-1"), ("--most", "-1")])
def test_a_drill_of_no_points_is_a_usage_error_on_a_lab_too(tmp_path: Path, numbers: tuple[str, str]) -> None:
    fleet = fleets.write(tmp_path / "tale")
    for arguments in (("drill", "--lab", "db", *numbers), ("drill", *numbers))[: 1 if "--most" in numbers else 2]:
        done = mycoops(*arguments, "--fleet", str(fleet))
        assert done.returncode == Exit.USAGE, done.stderr
        assert "`mycoops drill --help`" in done.stderr


def test_a_directory_that_is_no_fleet_is_named(tmp_path: Path) -> None:
    done = mycoops("check", "--fleet", str(tmp_path / "gone"))
    assert done.returncode == Exit.CONFIGURATION
    assert f"{tmp_path / 'gone'} is not a fleet directory" in done.stderr


def test_the_version_is_that_of_the_package() -> None:
    done = mycoops("--version")
    assert (done.returncode, done.stdout) == (0, f"mycoops {metadata.version('mycoops')}\n")


def test_the_help_lists_every_exit_status() -> None:
    text = mycoops("--help").stdout
    missing = [str(int(status)) for status in Exit if f"{int(status)} " not in text]
    assert missing == []


def test_a_failure_of_the_last_search_is_told_like_any_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise ConfigurationError("the journal cannot be read", hint="mend it")

    def application() -> None:
        HEARD.last = fails

    monkeypatch.setattr(cli, "app", application)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == Exit.CONFIGURATION
    assert "the journal cannot be read" in capsys.readouterr().err
