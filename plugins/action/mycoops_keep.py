"""Runs one host program that asks a provider, and keeps the value it returns before anything else is done with the reply."""

from __future__ import annotations

from ansible.plugins.loader import action_loader

from mycoops import taking

HostProgram = action_loader.get("mycoops_host_program", class_only=True)
MAKING = ("mint", "refresh", "cutover")
"""The entries that make the value of their item: one that is kept already is not made again."""


class ActionModule(HostProgram):
    """Args: as of mycoops_host_program; `others`: whether the program gets every value that is kept of the credential."""

    _VALID_ARGS = frozenset(("program", "request", "fail_on_error", "others"))

    def perform(self, program, request, task_vars):
        """Make the round trip with a pad for the value, and keep what comes back under it."""
        making, used = request.get("entry") in MAKING, taking.pad()
        if making and (reply := taking.already(self.store(task_vars), request)):
            return reply
        number = int(request["generation"]) if making else taking.following(self.store(task_vars), request)
        others = {"others": taking.others(self.store(task_vars), request)} if self._task.args.get("others") else {}
        reply = super().perform(program, {**request, **others, "pad": used}, task_vars)
        return taking.take(lambda: self.store(task_vars), request, number, reply, used)
