"""Searches the host for values it holds anyhow; every form of them is made here and goes over standard input."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

from mycoops import bridge
from mycoops.leaks.needles import texts

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


class ActionModule(HostProgram):
    """Args: `request`, as mycoops.leaks.hosts makes it."""

    _VALID_ARGS = frozenset(("request",))
    PROGRAM = "leak_scan.py"

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the reply: names and places."""
        super(HostProgram, self).run(tmp, task_vars)
        request = self._task.args.get("request")
        if not isinstance(request, dict) or not isinstance(request.get("values"), list):
            raise AnsibleActionFail("mycoops_leak_scan needs `request`, a mapping with `id` and `values`.")
        reply = self.perform(self.find(self.PROGRAM), request, task_vars)
        return bridge.result(reply, str(request.get("id")), task_vars["inventory_hostname"], fail=False)

    def prepare(self, request):
        """Put the forms of each value in its place."""
        needles = [
            {"credential": one["credential"], "generation": one["generation"], "forms": sorted(texts(one["value"]))}
            for one in request["values"]
        ]
        return {**{name: item for name, item in request.items() if name != "values"}, "needles": needles}
