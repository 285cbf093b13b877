"""Writes every reply of a mycoops action to a file of the run, one JSON line each, for the tests to read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from mycoops import told

DOCUMENTATION = """
name: molecule_replies
type: aggregate
short_description: keeps the replies of mycoops actions
description:
  - Appends each reply, with the scenario, the playbook and the mode it came in, to C(replies.jsonl) in C(MOLECULE_RUN).
requirements:
  - enabled with C(callbacks_enabled)
"""


class CallbackModule(CallbackBase):
    """One line for each reply, which a task ended with or told of a host; a reply holds no value."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "molecule_replies"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook):
        """Remember which run this is."""
        scenario, check = os.environ["MOLECULE_SCENARIO_NAME"], bool(context.CLIARGS.get("check"))
        self._run = {"scenario": scenario, "playbook": Path(playbook._file_name).stem, "check": check, "pid": os.getpid()}
        self._listen()

    def _listen(self):
        """Hear what an action that asks many hosts tells of each; here, and not in the worker that says it."""
        shown, display = Display(), Display().display

        def hearing(msg, *args, **kwargs):
            answer = told.read(msg) if os.getpid() == self._run["pid"] else None
            reply = (answer or {}).get("mycoops")
            if isinstance(reply, dict):
                self._keep(reply, reply.get("changed"))
            return display(msg, *args, **kwargs)

        shown.display = hearing

    def _keep(self, reply, changed):
        line = json.dumps({**self._run, "changed": bool(changed), "reply": reply})
        with (Path(os.environ["MOLECULE_RUN"]) / "replies.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def v2_runner_on_ok(self, result):
        """Keep the reply, if there is one."""
        reply = result.result.get("mycoops")
        if isinstance(reply, dict):
            self._keep(reply, result.result.get("changed"))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """A refusal is a reply too."""
        self.v2_runner_on_ok(result)
