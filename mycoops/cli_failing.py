"""Turns whatever ends a command into its message, its next step and its exit status; for programs also into JSON."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from typing import Any

from rich.markup import escape

from mycoops import cli_crash, cli_hints, cli_print
from mycoops.cli_options import errors
from mycoops.errors import ConfigurationError, Exit, Invalid, MycoopsError
from mycoops.leaks.heard import HEARD, listen

Status = int | str | None


def main(app: Callable[[], object]) -> Status:
    """Run the application, and search its last lines; what is printed is listened to."""
    HEARD.begin()
    cli_print.begin()
    cli_hints.begin()
    with redirect_stdout(listen(sys.stdout, HEARD)), redirect_stderr(listen(sys.stderr, HEARD)):
        status = _run(app)
        status = _run(_last_lines) or status
        sys.stdout.flush()
        lost = _run(_written)
    return status or lost


def _last_lines() -> None:
    if error := HEARD.last():
        raise error


def _written() -> None:
    """Raise ConfigurationError where the answer did not come to whom it was for."""
    if error := HEARD.failed:
        cause = f"{error.strerror} ({errno.errorcode.get(error.errno or 0, 'OSError')})"
        hint = "What the command did is done: `mycoops status` says where everything stands."
        raise ConfigurationError(f"the output cannot be written: {cause}", hint=hint)


def _run(act: Callable[[], object]) -> Status:
    """Run it; typer puts a hook of its own where the interpreter reports what nobody catches, and it is taken out."""
    cli_crash.install()
    try:
        act()
    except MycoopsError as error:
        return _fail(error)
    except SystemExit as ended:
        return _ended(ended)
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            hint = "Mend that, then run the command again."
            return _fail(ConfigurationError(f"{error.filename}: {error.strerror}", hint=hint))
        cli_crash.report(type(error), error.__traceback__)
        _for_programs(Exit.BUG, f"a bug in mycoops: {type(error).__name__}", "`mycoops status` says where everything stands.")
        return int(Exit.BUG)
    finally:
        cli_crash.install()
    return 0


def _ended(ended: SystemExit) -> Status:
    """What typer has told already: words it does not take, and a question that was broken off."""
    cause = ended.__context__
    if type(cause).__name__ == "Abort":
        _for_programs(Exit.INTERRUPTED, "interrupted", "Run the command again.")
        return int(Exit.INTERRUPTED)
    if ended.code == Exit.USAGE and (words := getattr(cause, "format_message", None)):
        _for_programs(Exit.USAGE, str(words()), "See `mycoops --help`.")
    return ended.code


def _fail(error: MycoopsError) -> int:
    errors.print(f"[red]{escape(error.message)}[/]", highlight=False, soft_wrap=True)
    hint = cli_hints.runnable(error.hint)
    if hint:
        errors.print(f"→ {escape(hint)}", highlight=False, soft_wrap=True)
    more = {"findings": [asdict(finding) for finding in error.findings]} if isinstance(error, Invalid) else {}
    _for_programs(error.exit_status, error.message, hint, **more)
    return int(error.exit_status)


def _for_programs(status: Exit, message: str, hint: str, **more: Any) -> None:
    """With --json: the failure in place of an answer. After an answer there is none: standard output is one document."""
    words = sys.argv[1 : sys.argv.index("--") if "--" in sys.argv else None]
    if "--json" in words and not cli_print.answered():
        cli_print.print_json({"error": {"exit": int(status), "name": status.name, "message": message, "hint": hint, **more}})
