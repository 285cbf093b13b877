"""Asks the host what differs from what it has to hold; of every value it gets a digest alone, under a key made for this look."""

from __future__ import annotations

import secrets

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

from mycoops import bridge
from mycoops.digests import digested

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


class ActionModule(HostProgram):
    """Args: `request`, as mycoops.drift makes it."""

    _VALID_ARGS = frozenset(("request",))
    PROGRAM = "drift.py"

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the reply: names and places."""
        super(HostProgram, self).run(tmp, task_vars)
        request = self._task.args.get("request")
        if not isinstance(request, dict) or not isinstance(request.get("files"), list) or not isinstance(request.get("kept"), list):
            raise AnsibleActionFail("mycoops_drift needs `request`, a mapping with `id`, `files` and `kept`.")
        reply = self.perform(self.find(self.PROGRAM), request, task_vars)
        return bridge.result(reply, str(request.get("id")), task_vars["inventory_hostname"], fail=False)

    def prepare(self, request):
        """Put a digest in the place of each value."""
        return digested(request, secrets.token_bytes(32))
