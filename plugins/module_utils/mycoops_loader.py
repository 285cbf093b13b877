"""Runs a host program from a bundle in memory and prints one reply line, whatever happens."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import json
import os
import resource
import sys
import traceback
import types
import typing

MARK = "MYCOOPS-REPLY "


class Bundle(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the bundle by name."""

    def __init__(self, sources: typing.Mapping[str, str]) -> None:
        self.sources = sources

    def find_spec(self, name: str, *_: typing.Any) -> typing.Any:
        return importlib.util.spec_from_loader(name, self) if name in self.sources else None

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        exec(compile(self.sources[name], f"{name}.py", "exec"), module.__dict__)  # noqa: S102


def perform(bundle: typing.Mapping[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    """Import the program and call its `run`; every exception becomes an error without its text."""
    sys.meta_path.insert(0, Bundle(bundle["modules"]))
    try:
        program = importlib.import_module(bundle["program"])
        with fenced(bundle.get("fence")):
            return dict(program.run(bundle["request"]))
    except Exception as error:
        refused = getattr(error, "error", None)
        if type(error).__name__ == "Refusal" and callable(refused):
            return {"error": refused()}
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename[:-3] in bundle["modules"]]
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "the loader"
        return {"error": {"code": "crash", "message": f"{type(error).__name__} at {place}"}}


def fenced(fence: typing.Optional[typing.Mapping[str, typing.Any]]) -> typing.ContextManager[None]:
    """Hold the host's lock, under no older lease than it has seen; only root keeps one."""
    if not fence or os.geteuid() != 0:
        return contextlib.nullcontext()
    ordered: typing.ContextManager[None] = importlib.import_module("mycoops_fence").ordered(fence["state"], fence["token"])
    return ordered


def main(bundle: typing.Mapping[str, typing.Any]) -> None:
    """Perform and reply on standard output, alone on its line."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        line = json.dumps(perform(bundle))
    except (TypeError, ValueError) as error:
        line = json.dumps({"error": {"code": "crash", "message": f"{type(error).__name__} in the reply"}})
    sys.stdout.write(f"\n{MARK}{line}\n")
    sys.stdout.flush()
