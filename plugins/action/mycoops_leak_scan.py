"""Searches the host for values it holds anyhow; every form of them is made here and goes over standard input."""

from __future__ import annotations

from ansible.plugins.loader import action_loader

from mycoops.leaks.needles import texts

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


class ActionModule(HostProgram):
    """Args: `request`, as mycoops.leaks.hosts makes it."""

    _VALID_ARGS = frozenset(("request",))
    PROGRAM = "leak_scan.py"

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the reply: names and places."""
        super(HostProgram, self).run(tmp, task_vars)
        return self.ask(("values",), task_vars)

    def prepare(self, request):
        """Put the forms of each value in its place."""
        needles = [
            {"credential": one["credential"], "generation": one["generation"], "forms": sorted(texts(one["value"]))}
            for one in request["values"]
        ]
        return {**{name: item for name, item in request.items() if name != "values"}, "needles": needles}
