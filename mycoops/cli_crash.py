"""Tells of a bug by its place and type: a message, a local variable or a line of an interpreter's traceback may hold a value."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from rich.console import Console

errors = Console(stderr=True)


def report(kind: type[BaseException], trace: TracebackType | None) -> None:
    """Say where a bug is; never its message nor its locals."""
    for frame in traceback.extract_tb(trace):
        errors.print(f"  {frame.filename}:{frame.lineno} {frame.name}", markup=False, highlight=False, soft_wrap=True)
    errors.print(f"[red]a bug in mycoops: {kind.__name__}[/]; its message is not shown, it may hold a value", highlight=False)
    errors.print("→ `mycoops status` says where everything stands; please report the lines above.", highlight=False)


def install() -> None:
    """Let the interpreter report like that whatever nobody catches: in the main thread, in another one, in a finalizer."""
    sys.excepthook = lambda kind, error, trace: report(kind, trace)
    threading.excepthook = lambda told: report(told.exc_type, told.exc_traceback)
    sys.unraisablehook = _unraisable


def _unraisable(told: Any) -> None:
    report(told.exc_type or BaseException, told.exc_traceback)
