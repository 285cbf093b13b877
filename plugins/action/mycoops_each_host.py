"""Asks many hosts at once from one process: one round trip a host, as its own action would make it, without a worker for each."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible import constants, context
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader, become_loader, connection_loader
from ansible.utils.display import Display

from mycoops import bridge, told

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


def once(make):
    """Return what is made at the first call, for all threads."""
    lock, made = threading.Lock(), []

    def given():
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return given


class ActionModule(HostProgram):
    """Args: `requests` (a mapping by host, or a file with one), `action` (asks each), `program` where that has none, `without`.

    Every answer is told as soon as it is there, in a line of output; `left` are the hosts that are lost to the rest of the run."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _VALID_ARGS = frozenset(("requests", "action", "program", "without"))

    def run(self, tmp=None, task_vars=None):
        """Return the task result; the replies have been told by then."""
        ActionBase.run(self, tmp, task_vars)
        requests = self._task.args.get("requests")
        if isinstance(requests, str):
            requests = json.loads(Path(requests).read_text(encoding="utf-8"))
        if not isinstance(requests, dict):
            raise AnsibleActionFail("mycoops_each_host needs `requests`, a mapping of host to request or a file with one.")
        without = self._task.args.get("without") or ()
        self.bind(task_vars)
        self.opened = once(lambda: self.store(task_vars))
        hosts = [host for host in task_vars["ansible_play_hosts"] if host in requests and host not in without]
        with ThreadPoolExecutor(max(1, int(context.CLIARGS.get("forks") or 1))) as pool:
            asked = [pool.submit(self.ask_one, *self.made(host, task_vars), requests[host]) for host in hosts]
            came = dict(zip(hosts, (one.result() for one in asked), strict=True))
        return {"changed": any(one["changed"] for one in came.values()), "left": [host for host in hosts if came[host]["left"]]}

    def made(self, host, task_vars):
        """Make the action of one host, with its connection; here, because templates are no work for threads."""
        variables = task_vars["hostvars"][host]
        known = {
            name: variables[name]
            for name in ("inventory_hostname", "ansible_python_interpreter", "mycoops_item", "mycoops_store")
            if name in variables
        }
        kind = action_loader.get(self._task.args.get("action") or "mycoops_host_program", class_only=True)
        action = kind(self._task, None, self._play_context.copy(), self._loader, self._templar, self._shared_loader_obj)
        action.store = lambda _: self.opened()
        action._connection = self.connected(variables, action._play_context)
        return host, action, known

    def connected(self, variables, play_context):
        """Load the connection of a host with everything the inventory says of it, its way to become root included."""
        name = str(variables.get("ansible_connection") or self._task.connection or play_context.connection)
        connection = connection_loader.get(name, play_context)
        if connection is None:
            raise AnsibleActionFail(f"there is no connection plugin {name}")
        keys = self._task.dump_attrs()
        keys.pop("retries", None)
        keys["timeout"] = play_context.timeout
        wanted = variables.get("ansible_become")
        become = None
        if boolean(self._task.become if wanted is None else wanted):
            become = become_loader.get(str(variables.get("ansible_become_method") or self._task.become_method or "sudo"))
        connection.set_become_plugin(become)
        for kind, plugin in (("connection", connection), ("shell", connection._shell), ("become", become)):
            if plugin:
                names = constants.config.get_plugin_vars(kind, plugin._load_name)
                plugin.set_options(task_keys=keys, var_options={each: variables[each] for each in names if each in variables})
        return connection

    def ask_one(self, host, action, known, request):
        """Make the round trip of one host and tell what came of it; a host that fails takes no other with it."""
        answer = {"host": host}
        try:
            program = action.find(str(self._task.args.get("program") or action.PROGRAM))
            reply = action.perform(program, request, known)
            item = str(request.get("id") or "")
            answer["mycoops"] = bridge.result(reply, item, host, fail=False)["mycoops"]
        except AnsibleConnectionFailure as error:
            answer["unreachable"] = str(error)
        except AnsibleError as error:
            answer["failed"] = str(error)
        Display().display(told.line(answer))
        reply = answer.get("mycoops") or {}
        lost = not reply or (bool(reply.get("error")) and not reply.get("item"))
        return {"changed": bool(reply.get("changed")), "left": lost}
