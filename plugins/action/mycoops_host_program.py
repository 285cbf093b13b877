"""Runs one host program in one round trip; values go over standard input and never into a task argument."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from mycoops import bridge, children

PLUGINS = Path(__file__).resolve().parent.parent


class ActionModule(ActionBase):
    """Args: `program`, `request` (with references), `fail_on_error` (default: unless the request is a kind's item)."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = True
    _VALID_ARGS = frozenset(("program", "request", "fail_on_error"))

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the program's reply."""
        super().run(tmp, task_vars)
        request = self._task.args.get("request")
        if not isinstance(request, dict) or not self._task.args.get("program"):
            raise AnsibleActionFail("mycoops_host_program needs `program` and `request`, a mapping.")
        item = str(request.get("id") or bridge.inner(task_vars))
        fail = self._task.args.get("fail_on_error", not item)
        reply = self.perform(self.find(str(self._task.args["program"])), request, task_vars)
        return bridge.result(reply, item, task_vars["inventory_hostname"], fail=bool(fail))

    def ask(self, lists, task_vars):
        """Make the round trip of an action that has a `PROGRAM` of its own; its request has an id and these lists."""
        request = self._task.args.get("request")
        if not isinstance(request, dict) or not all(isinstance(request.get(name), list) for name in lists):
            *first, last = [f"`{name}`" for name in ("id", *lists)]
            raise AnsibleActionFail(f"{self._task.action} needs `request`, a mapping with {', '.join(first)} and {last}.")
        reply = self.perform(self.find(self.PROGRAM), request, task_vars)
        return bridge.result(reply, str(request.get("id")), task_vars["inventory_hostname"], fail=False)

    def find(self, name):
        """Look a program up in the role's files, then beside the plugins."""
        role = self._task._role
        places = [Path(role._role_path) / "files"] if role else []
        for place in [*places, PLUGINS / "host_programs"]:
            if (place / name).is_file():
                return place / name
        raise AnsibleActionFail(f"There is no host program {name} in {' or '.join(map(str, places))} or the plugins.")

    def perform(self, program, request, task_vars):
        """Make the round trip. Connection errors propagate, so the host counts as unreachable."""
        if self._task.check_mode:
            request = {**request, "check": True}
        if "since" in request:
            request = {**request, "now": time.time()}
        self.bind(task_vars)
        interpreter, fence = bridge.python(task_vars.get("ansible_python_interpreter")), bridge.fence_of(task_vars)
        store = lambda: self.store(task_vars)  # noqa: E731
        return bridge.call(program, PLUGINS / "module_utils", request, store, self.send, interpreter, fence, self.prepare)

    def bind(self, task_vars):
        """Let this worker end with the playbook, where that was started by a run."""
        if task_vars.get("mycoops_bound"):
            worker_of = multiprocessing.parent_process()
            children.end_with_parent(worker_of.pid if worker_of else 0)

    def prepare(self, request):
        """Make of the resolved request what the program gets; the values in it are masked in the reply whatever becomes of them."""
        return request

    def store(self, task_vars):
        """Open the fleet's store with the vault secrets this run was given."""
        fleet = self._templar.template(task_vars.get("mycoops_store") or task_vars["inventory_dir"])
        return bridge.open_store(Path(fleet), self._loader._vault.secrets or [])

    def send(self, command, data):
        """Run a constant command with data on its standard input."""
        done = self._low_level_execute_command(command, in_data=data)
        return done["rc"], done["stdout"]
