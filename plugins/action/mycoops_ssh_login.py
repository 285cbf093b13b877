"""Tries one fresh SSH login from the controller, with the given method only, against a known host key."""

from __future__ import annotations

from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

from mycoops import bridge, ssh_login

HostProgram = action_loader.get("mycoops_host_program", class_only=True)


class ActionModule(HostProgram):
    """Args: `host`, `port`, `user`, `password` or `private_key` (references), `known_hosts`, `timeout`, `fail_on_error`."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("host", "port", "user", "password", "private_key", "known_hosts", "timeout", "fail_on_error"))

    def run(self, tmp=None, task_vars=None):
        """Return the task result around the outcome."""
        super(HostProgram, self).run(tmp, task_vars)
        args = {key: value for key, value in self._task.args.items() if key != "fail_on_error"}
        if bool(args.get("password")) == bool(args.get("private_key")) or not args.get("user"):
            raise AnsibleActionFail("mycoops_ssh_login needs `user` and either `password` or `private_key`.")
        args.setdefault("host", task_vars.get("ansible_host") or task_vars["inventory_hostname"])
        args.setdefault("port", task_vars.get("ansible_port") or 22)
        named = args.pop("known_hosts", None) or task_vars.get("mycoops_known_hosts")
        known = [Path(named)] if named else ssh_login.known_hosts_of(task_vars)
        item = bridge.inner(task_vars)
        reply = bridge.here(args, lambda: self.store(task_vars), lambda resolved: ssh_login.attempt(resolved, known))
        return bridge.result(
            reply, item, task_vars["inventory_hostname"], fail=bool(self._task.args.get("fail_on_error", not item))
        )
