"""Runs a command on the host and names its outcome; its input may be a value, its output is never returned."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

from mycoops import bridge

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


class ActionModule(HostProgram):
    """Args: `argv` (no values), `stdin` (text or reference), `outcomes`, `timeout`, `fail_on_error`."""

    _VALID_ARGS = frozenset(("argv", "stdin", "outcomes", "timeout", "fail_on_error"))
    PROGRAM = "command_outcome.py"

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the outcome."""
        super(HostProgram, self).run(tmp, task_vars)
        request = {key: value for key, value in self._task.args.items() if key != "fail_on_error"}
        self.refuse(request)
        item = bridge.inner(task_vars)
        reply = self.perform(self.find(self.PROGRAM), request, task_vars)
        return bridge.result(
            reply, item, task_vars["inventory_hostname"], fail=bool(self._task.args.get("fail_on_error", not item))
        )

    def refuse(self, request):
        """A reference in argv would show in the process list of the host."""
        argv = request.get("argv")
        if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
            raise AnsibleActionFail("mycoops_command needs `argv`, a list of texts; a value belongs into `stdin`.")
        if not isinstance(request.get("outcomes"), dict):
            raise AnsibleActionFail("mycoops_command needs `outcomes`, a mapping of outcome to conditions.")
