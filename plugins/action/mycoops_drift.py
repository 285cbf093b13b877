"""Asks the host what differs from what it has to hold; of every value it gets a digest alone, under a key made for this look."""

from __future__ import annotations

import secrets

from ansible.plugins.loader import action_loader

from mycoops.digests import digested

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


class ActionModule(HostProgram):
    """Args: `request`, as mycoops.drift makes it."""

    _VALID_ARGS = frozenset(("request",))
    PROGRAM = "drift.py"

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the reply: names and places."""
        super(HostProgram, self).run(tmp, task_vars)
        return self.ask(("files", "kept"), task_vars)

    def prepare(self, request):
        """Put a digest in the place of each value."""
        return digested(request, secrets.token_bytes(32))
