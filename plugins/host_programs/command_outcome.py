"""Run a command and match its end against the declared outcomes, in their order."""

from __future__ import annotations

import re
import subprocess
import typing

from mycoops_reply import Refusal

FIELDS = {"rc", "stdout", "stderr", "changed"}


def run(request: typing.Mapping[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    """Return {"outcome", "evidence": {"rc"}}. Raises Refusal `missing_program`, `timeout`, `unexpected_outcome`."""
    rules = request["outcomes"]
    for name, rule in rules.items():
        if not isinstance(rule, dict) or not rule or set(rule) - FIELDS:
            raise Refusal("invalid_request", f"outcome {name}: conditions are rc, stdout and stderr")
    if request.get("check") and any(rule.get("changed") for rule in rules.values()):
        return {"outcome": "", "changed": True, "evidence": {"check": "not run"}}
    done = _execute(request)
    for name, rule in rules.items():
        if _matches(rule, done):
            return {
                "outcome": name,
                "done": name == "done",
                "changed": bool(rule.get("changed")),
                "evidence": {"rc": str(done.returncode)},
            }
    raise Refusal("unexpected_outcome", f"status {done.returncode} is none of the declared outcomes", rc=done.returncode)


def _execute(request: typing.Mapping[str, typing.Any]) -> "subprocess.CompletedProcess[bytes]":
    argv, seconds = [str(word) for word in request["argv"]], float(request.get("timeout") or 30)
    try:
        return subprocess.run(
            argv, input=str(request.get("stdin") or "").encode(), capture_output=True, timeout=seconds, check=False
        )
    except FileNotFoundError:
        raise Refusal("missing_program", f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Refusal("timeout", f"{argv[0]} did not end within {seconds:.0f} s") from None


def _matches(rule: typing.Mapping[str, typing.Any], done: "subprocess.CompletedProcess[bytes]") -> bool:
    wanted = rule.get("rc", done.returncode)
    if done.returncode not in (wanted if isinstance(wanted, list) else [wanted]):
        return False
    texts = {"stdout": done.stdout, "stderr": done.stderr}
    return all(re.search(rule[name], text.decode("utf-8", "replace")) for name, text in texts.items() if name in rule)
